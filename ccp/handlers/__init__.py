"""One module per operation of the spec, named as its operationId."""
