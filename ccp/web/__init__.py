"""All that knows Connexion and HTTP: from the socket to a handler's arguments, and back."""
