"""X.509 certificates, chains, XML signatures, OCSP and CRL parsing; no I/O."""
