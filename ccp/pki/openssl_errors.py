"""Errors for chains that OpenSSL refuses, in the words of a caller."""

import logging

from OpenSSL import crypto

from ccp.domain.errors import (
    CertificateChainBroken,
    CertificateChainExpired,
    CertificateChainNotYetValid,
)
from ccp.domain.findings import Finding

# What OpenSSL finds, in the words of a caller (X509_verify_cert_error_string).
_NOT_YET_VALID, _EXPIRED = 9, 10
_REASONS = {
    2: "was not issued by a certificate that this pool trusts",
    7: "has a signature that is not its issuer's",
    13: "has a time that is not in the form of RFC 5280",
    14: "has a time that is not in the form of RFC 5280",
    18: "is self-signed and not trusted",
    19: "ends in a root that this pool does not trust",
    20: "was not issued by a certificate that this pool trusts",
    21: "was not issued by a certificate that this pool trusts",
    24: "has a certificate that is no CA, but has issued another",
    25: "is longer than a CA in it allows",
    26: "has a CA certificate that may not be used so",
    29: "does not go with the certificate that should have issued it",
    30: "names another key of its issuer than the certificate that should have issued it has",
    31: "names another issuer than the certificate that should have issued it",
    32: "has a CA certificate that may not sign certificates",
    41: "has an extension that is not valid",
    47: "has a name that a CA in it does not allow",
    48: "has a name that a CA in it does not allow",
    79: "has a certificate that is no CA, but has issued another",
}


def chain_failure(
    error: crypto.X509StoreContextError, name: str
) -> CertificateChainBroken | CertificateChainExpired:
    """
    Return the error for a chain that OpenSSL refuses.

    Args:
        name: What to call the leaf of the chain.
    """
    code, depth, words = error.errors
    if code in (_NOT_YET_VALID, _EXPIRED):
        whose = f"The {name}" if depth == 0 else f"A CA certificate of the {name}"
        if code == _EXPIRED:
            return CertificateChainExpired(f"{whose} has expired.")
        return CertificateChainNotYetValid(f"{whose} is not yet valid.")
    reason = _REASONS.get(code, "does not hold")
    failure = CertificateChainBroken(f"The chain of the {name} {reason}.")
    facts = {"certificate": name, "code": code, "depth": depth, "reason": words}
    failure.findings.append(Finding("a chain was refused", logging.INFO, facts))
    return failure
