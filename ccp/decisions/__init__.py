"""What the pool makes of a message: decided, before anything is told, stored or counted."""
