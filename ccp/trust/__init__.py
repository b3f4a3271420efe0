"""Trust anchors: read from a folder and from a root pool, and replaced while the pool runs."""
