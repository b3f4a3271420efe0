"""A certificate again, with something changed that `reissue` of the workshop leaves as it is."""

from typing import Any

from cryptography import x509


def rebuilt(old: x509.Certificate, **changes: Any) -> x509.CertificateBuilder:
    """Begin a certificate like *old*; *changes* are arguments of CertificateBuilder."""
    same = {
        "issuer_name": old.issuer,
        "subject_name": old.subject,
        "public_key": old.public_key(),
        "serial_number": old.serial_number,
        "not_valid_before": old.not_valid_before_utc,
        "not_valid_after": old.not_valid_after_utc,
        "extensions": list(old.extensions),
    }
    return x509.CertificateBuilder(**(same | changes))
