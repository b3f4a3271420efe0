"""Log lines, metric hooks and traces of a running pool."""
