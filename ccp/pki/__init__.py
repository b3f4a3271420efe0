"""Certificates: what they say, and whom they lead to."""
