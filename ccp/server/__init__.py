"""gunicorn: its configuration, TLS, and the checks before it serves."""
