"""The CAs that the pool's operator runs: whether one of them has issued a certificate."""

from collections.abc import Sequence
from pathlib import Path

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
        return any(_is_issuer(issuer, certificate) for issuer in self._certificates)


def load_issuers(folder: Path) -> Issuers:
    """
    Read CA certificates, PEM or DER, from a folder.

    Whoever names the folder wants certificates revoked; so nothing in it is left out silently.

    Raises:
        IssuersUnusable: There is no certificate, or a file is none.
    """
    certificates: list[x509.Certificate] = []
    for path in certificate_paths(folder):
        try:
            certificates += [x509.load_der_x509_certificate(der) for der in read_file(path)]
        except (OSError, *UNREADABLE):
            raise IssuersUnusable(f"{path} is no certificate in PEM or DER") from None
    if not certificates:
        raise IssuersUnusable(f"there is no certificate in {folder}")
    return Issuers(certificates)


def _is_issuer(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True
