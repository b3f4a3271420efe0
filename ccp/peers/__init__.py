"""Other services: the peer pools, and the PKI that revokes."""
