"""The contract between the pool and its callers, installed as ccp.spec so that a wheel has it."""
