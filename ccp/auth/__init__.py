"""Authentication and authorization: access tokens, keys, roles, ownership."""
