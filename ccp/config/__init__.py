"""Settings: each environment variable, its default and its meaning."""
