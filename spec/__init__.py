"""The spec: what pool and callers agree on, installed as ccp.spec so that a wheel has it."""
