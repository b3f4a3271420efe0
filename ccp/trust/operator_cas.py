"""The CAs of the pool's operator: their certificates are revoked before they are deleted."""

from collections.abc import Sequence
from pathlib import Path

from ccp.domain.errors import CertificateUnreadable
from ccp.pki.certificates import UNREADABLE, Certificate, read_certificate
from ccp.pki.extensions import ExtensionProblem, read_role
from ccp.pki.issuance import is_issuer
from ccp.trust.folder import certificate_paths, read_file


class IssuersUnusable(Exception):
    """A file cannot be used, or there is no file; the text says which."""


class Issuers:
    """
    The CAs that the pool's operator runs.

    Args:
        certificates: The CA certificates.
    """

    def __init__(self, certificates: Sequence[Certificate] = ()) -> None:
        self._certificates = certificates

    def issued(self, certificate: Certificate) -> bool:
        """Return whether one of the CAs itself issued a certificate, by name and signature."""
        return any(is_issuer(issuer, certificate) for issuer in self._certificates)


def load_issuers(folder: Path) -> Issuers:
    """
    Read CA certificates, PEM or DER, from a folder.

    An unusable file is an error: without it, DELETE would not revoke what its CA has issued.

    Raises:
        IssuersUnusable: The folder has no certificate, or a file has none, or has one that is not
            a CA certificate.
    """
    certificates: list[Certificate] = []
    try:
        paths = list(certificate_paths(folder))
    except OSError as error:
        raise IssuersUnusable(f"{folder} cannot be read: {error.strerror}") from None
    for path in paths:
        try:
            read = [read_certificate(der, path.name) for der in read_file(path)]
            are_cas = all(read_role(one.der).is_ca for one in read)
        except ExtensionProblem as problem:
            raise IssuersUnusable(f"a certificate in {path} {problem}") from None
        except (OSError, CertificateUnreadable, *UNREADABLE):
            raise IssuersUnusable(f"{path} is not a certificate in PEM or DER") from None
        if not are_cas:
            raise IssuersUnusable(f"{path} has a certificate that is not a CA's")
        certificates += read
    if not certificates:
        raise IssuersUnusable(f"there is no certificate in {folder}")
    return Issuers(certificates)
