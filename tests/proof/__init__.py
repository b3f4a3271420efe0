"""Proofs: what an operator must be able to rely on, held over and over (`make proof`)."""
