"""The CAs that the pool's operator runs: whether one of them has issued a certificate."""

from collections.abc import Sequence
from pathlib import Path

from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from ccp.pki.certificates import UNREADABLE
from ccp.pki.trust import certificate_paths, read_file


class IssuersUnusable(Exception):
    """A file cannot be read, or there is none; the text says which."""


class Issuers:
    """
    A few CAs.

    Args:
        certificates: Theirs.
    """

    def __init__(self, certificates: Sequence[x509.Certificate] = ()) -> None:
        self._certificates = certificates

    def issued(self, der: bytes) -> bool:
        """
        Tell whether one of the CAs has itself issued a certificate: by name and signature.

        Args:
            der: X.509, DER.
        """
        certificate = x509.load_der_x509_certificate(der)
        return any(is_issuer(issuer, certificate) for issuer in self._certificates)


def load_issuers(folder: Path) -> Issuers:
    """
    Read CA certificates, PEM or DER, from a folder.

    Whoever names the folder wants certificates revoked; so nothing in it is left out silently.

    Raises:
        IssuersUnusable: There is no certificate, or a file is none, or none of a CA.
    """
    certificates: list[x509.Certificate] = []
    try:
        paths = list(certificate_paths(folder))
    except OSError as error:
        raise IssuersUnusable(f"{folder} cannot be read: {error.strerror}") from None
    for path in paths:
        try:
            ders = read_file(path)
            certificates += [x509.load_der_x509_certificate(der) for der in ders]
            are_cas = all(asn1.Certificate.load(der).ca for der in ders)
        except (OSError, *UNREADABLE):
            raise IssuersUnusable(f"{path} is no certificate in PEM or DER") from None
        if not are_cas:
            raise IssuersUnusable(f"{path} has a certificate that is not a CA's")
    if not certificates:
        raise IssuersUnusable(f"there is no certificate in {folder}")
    return Issuers(certificates)


def is_issuer(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    """Tell whether one certificate has issued another: by name and signature."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True
