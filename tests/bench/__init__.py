"""Benchmarks, run by `make bench`: speed as ratios within one run, never as a timed test."""
