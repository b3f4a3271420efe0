"""What operators see of a running pool: its health, and what it counts."""
