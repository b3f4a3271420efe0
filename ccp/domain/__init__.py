"""Identifiers, errors and other plain values that every room uses."""
