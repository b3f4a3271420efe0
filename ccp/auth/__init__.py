"""Who calls, and may they: access tokens, roles, ownership."""
