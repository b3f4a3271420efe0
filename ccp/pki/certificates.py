"""DER -> the facts of a certificate that the pool uses: names, validity."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from hashlib import sha256

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import NameOID

from ccp.domain.errors import CertificateUnreadable
from ccp.pki.algorithms import curve_of
from ccp.pki.lenient import TooIrregular, load_leniently
from ccp.pki.name_matching import name_key

UNREADABLE = (ValueError, TypeError, x509.InvalidVersion)
"""Exceptions of pyca/cryptography for bytes that are not a certificate, or an irregular one."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """
    The facts of one X.509 certificate.

    Attributes:
        der: The certificate, X.509 DER.
        common_name: Common name of the subject; empty if it has none, or several.
        subject, issuer: Names, comparable by value.
        not_before, not_after: Validity, aware UTC, both included.
        public_key: A key of pyca/cryptography; None for a type that it does not know.
        signature_algorithm: The algorithm of the certificate's signature.
        serial_number: The serial number, which is negative in some old certificates.
        parsed: The certificate as pyca/cryptography reads it. If it refuses the certificate, one
            with the same facts, but without extensions and signature.
        is_regular: Whether pyca/cryptography reads the certificate.
    """

    der: bytes
    common_name: str
    subject: x509.Name
    issuer: x509.Name
    not_before: datetime
    not_after: datetime
    public_key: object
    signature_algorithm: x509.ObjectIdentifier
    serial_number: int
    parsed: x509.Certificate = field(repr=False, compare=False)
    is_regular: bool

    @property
    def fingerprint(self) -> str:
        """SHA-256 of its DER, 64 lower-case hex digits."""
        return sha256(self.der).hexdigest()

    @property
    def curve(self) -> str:
        """Name of the key's curve; empty if the pool does not know key or curve."""
        return curve_of(self.public_key)

    @property
    def is_self_issued(self) -> bool:
        """Whether subject and issuer are the same, as in a root."""
        return self.subject == self.issuer

    def is_valid_at(self, moment: datetime) -> bool:
        """Return whether *moment* (aware) lies within the certificate's validity."""
        return self.not_before <= moment <= self.not_after


def read_certificate(der: bytes, name: str, *, cache: bool = False) -> Certificate:
    """
    Read one certificate, also an irregular one, as far as OpenSSL reads it too.

    Values of extensions are not read; see `ccp.pki.extensions`.

    Args:
        der: X.509, DER.
        name: The certificate's name in the error, such as "contract certificate".
        cache: Whether to cache the result, as for CAs, which come with many messages. Certificates
            of cars and contracts seldom come again, and reading them is faster than caching.
    Raises:
        CertificateUnreadable: *der* is not an X.509 certificate; the message has *name*.
    """
    try:
        return _kept(der) if cache else _read(der)
    except TooIrregular as error:
        raise CertificateUnreadable(f"The {name} cannot be read: {error}.") from error
    except UNREADABLE as error:
        raise CertificateUnreadable(f"The {name} is not an X.509 certificate.") from error


def _read(der: bytes) -> Certificate:
    try:
        parsed = x509.load_der_x509_certificate(der)
        return _certificate(der, parsed, parsed.serial_number, is_regular=True)
    except UNREADABLE:
        parsed, serial_number = load_leniently(der)
        return _certificate(der, parsed, serial_number, is_regular=False)


def _certificate(
    der: bytes, parsed: x509.Certificate, serial_number: int, *, is_regular: bool
) -> Certificate:
    subject = parsed.subject
    return Certificate(
        der=der,
        common_name=_common_name(subject),
        subject=subject,
        issuer=parsed.issuer,
        not_before=parsed.not_valid_before_utc,
        not_after=parsed.not_valid_after_utc,
        public_key=_public_key(parsed),
        signature_algorithm=parsed.signature_algorithm_oid,
        serial_number=serial_number,
        parsed=parsed,
        is_regular=is_regular,
    )


_kept = lru_cache(maxsize=1024)(_read)


def read_chain(ders: Sequence[bytes], name: str, *, cache_leaf: bool = False) -> list[Certificate]:
    """
    Read the certificates of a chain as a message has them.

    Args:
        ders: X.509, DER; the leaf first, then the sub-CAs in either order.
        name: What to call the leaf in the error.
        cache_leaf: The leaf comes again and again, as its sub-CAs do; see `read_certificate`.
    Returns: In the same order.
    Raises:
        CertificateUnreadable: One of them is not an X.509 certificate.
    """
    leaf, *sub_cas = ders
    return [
        read_certificate(leaf, name, cache=cache_leaf),
        *(read_certificate(der, f"sub-CA of the {name}", cache=True) for der in sub_cas),
    ]


def _public_key(certificate: x509.Certificate) -> object:
    try:
        return certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return None


def _common_name(subject: x509.Name) -> str:
    attributes = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(attributes[0].value) if len(attributes) == 1 else ""


def root_name(chain: Sequence[Certificate]) -> x509.Name:
    """
    Name the root that a chain leads to, from the chain alone.

    Args:
        chain: The leaf first, then its sub-CAs in either order; at least the leaf. No root.
    Returns: The issuer of the topmost certificate.
    """
    by_subject = {name_key(certificate.subject): certificate for certificate in chain[1:]}
    top = chain[0]
    while (issuer := by_subject.pop(name_key(top.issuer), None)) is not None:
        top = issuer
    return top.issuer
