"""HTTP clients of other services: peer pools, PKI, root pool, OCSP responders and CRLs."""
