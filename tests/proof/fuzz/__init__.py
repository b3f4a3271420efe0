"""Fuzzing: messages and bodies that nobody has thought of, guided by what code they reach."""
