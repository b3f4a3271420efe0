"""CRLs: the list of all certificates that a CA has revoked, and whether it is to be believed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from ccp.domain.errors import CertificateUnreadable
from ccp.pki.certificates import UNREADABLE, read_certificate
from ccp.pki.extensions import read_role
from ccp.pki.name_matching import same_name
from ccp.pki.revocation import Status, StatusUnknown, require_timely

_PEM_BEGIN = b"-----BEGIN X509 CRL-----"
_UNREADABLE = (
    *UNREADABLE,
    CertificateUnreadable,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
)


@dataclass(frozen=True, slots=True)
class RevocationList:
    """
    The CRL of one CA.

    Attributes:
        statuses: The certificates that are revoked or on hold, by serial number.
        until: The moment until which the list is valid, aware UTC.
    """

    statuses: Mapping[int, Status]
    until: datetime

    def status_of(self, serial_number: int) -> Status:
        """Return the status of a certificate of this CA."""
        return self.statuses.get(serial_number, Status.GOOD)


def read_crl(content: bytes, issuer_der: bytes, *, at: datetime) -> RevocationList:
    """
    Read a complete CRL of one CA, and verify its signature.

    Delta CRLs, partial and indirect CRLs have critical extensions. They are refused.

    Args:
        content: DER, or PEM as some publish it.
        issuer_der: The certificate of the CA.
        at: The present, aware UTC.
    Raises:
        StatusUnknown: It is no CRL, not of the CA or of the present, or not complete.
    Source: RFC 5280, 5 and 6.3.3.
    """
    try:
        load = x509.load_pem_x509_crl if _PEM_BEGIN in content else x509.load_der_x509_crl
        return _judge(load(content), issuer_der, at)
    except _UNREADABLE:
        raise StatusUnknown("it answers no CRL") from None


def _judge(crl: x509.CertificateRevocationList, issuer_der: bytes, at: datetime) -> RevocationList:
    issuer = read_certificate(issuer_der, "CA certificate", cache=True)
    if not same_name(crl.issuer, issuer.subject):
        raise StatusUnknown("the CRL is of another CA")
    may_sign = read_role(issuer_der).may_sign_crls
    if not may_sign or not crl.is_signature_valid(issuer.public_key):  # type: ignore[arg-type]
        raise StatusUnknown("the signature of the CRL is wrong")
    if any(extension.critical for extension in crl.extensions):
        raise StatusUnknown("the CRL is not complete")
    until = require_timely(crl.last_update_utc, crl.next_update_utc, at=at)
    return RevocationList({one.serial_number: _status(one) for one in crl}, until)


def _status(revoked: x509.RevokedCertificate) -> Status:
    status = Status.REVOKED
    for extension in revoked.extensions:
        if isinstance(extension.value, x509.CRLReason):
            if extension.value.reason is x509.ReasonFlags.certificate_hold:
                status = Status.ON_HOLD
        elif extension.critical:  # one of them makes the whole list unusable (RFC 5280, 5.3)
            raise StatusUnknown("the CRL is not complete")
    return status
