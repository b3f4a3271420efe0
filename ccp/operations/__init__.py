"""What operators see of a running pool: health, metrics and pages."""
