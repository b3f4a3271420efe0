"""The commands of `ccp`, a module for each."""
