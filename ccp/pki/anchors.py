"""Trust anchors: the root certificates, and the sub-CAs under them, that a chain may end in."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Self

from OpenSSL import crypto

from ccp.pki.certificates import Certificate, read_certificate
from ccp.pki.issuance import ends_chain
from ccp.pki.name_matching import NameKey, name_key
from ccp.pki.names import distinguished_name


@dataclass(frozen=True, slots=True)
class Root:
    """
    A root that a chain ends in.

    Attributes:
        fingerprint: SHA-256 of its DER, 64 lower-case hex digits.
        distinguished_name: As `distinguished_name` writes it.
        serial_number: Cars name their roots by it.
    """

    fingerprint: str
    distinguished_name: str
    serial_number: int

    @classmethod
    def of(cls, der: bytes) -> Self:
        """Read what identifies a root certificate (X.509, DER)."""
        certificate = read_certificate(der, "root", cache=True)
        return cls(
            certificate.fingerprint,
            distinguished_name(certificate.subject),
            certificate.serial_number,
        )


@dataclass(frozen=True, slots=True)
class Anchors:
    """
    The trust anchors for one purpose.

    Anchors are kept whether they are valid or not, since their time may come or end while the pool
    runs: `valid_at` has those that count at a moment.

    Attributes:
        certificates: Roots, and sub-CAs under them.
        configured: Whether the operator has configured anchors for this purpose. If so, and if
            none of them is usable, no chain is valid: a broken file does not switch verification
            off.
        yielding: Those of *certificates* that a root pool has given. Each counts only while no
            other valid anchor has its name and key.
    """

    certificates: tuple[crypto.X509, ...] = ()
    configured: bool = False
    yielding: tuple[crypto.X509, ...] = ()

    def valid_at(self, moment: datetime) -> tuple[crypto.X509, ...]:
        """Return the anchors that count at a moment (aware), in seconds as OpenSSL counts them."""
        return _valid_at(self, moment.replace(microsecond=0))

    def not_valid_at(self, moment: datetime) -> tuple[crypto.X509, ...]:
        """Return the anchors that have expired at a moment (aware), or whose time has not come."""
        at = moment.replace(microsecond=0)
        return tuple(one for one in self.certificates if not _read(one).is_valid_at(at))

    def has_valid_root(self, moment: datetime) -> bool:
        """Return whether a root counts at a moment (aware); a sub-CA alone is not enough."""
        return any(_read(one).is_self_issued for one in self.valid_at(moment))

    def with_roots(self, ders: Iterable[bytes]) -> "Anchors":
        """
        Add the roots of a root pool for this purpose.

        Files win: see *yielding*. A pool that has a root pool verifies, also as long as that has
        given nothing.

        Args:
            ders: See `usable_roots`.
        """
        here = {_read(one).der for one in self.certificates}
        added = tuple(load_x509(read_certificate(der, "root")) for der in ders if der not in here)
        return Anchors((*self.certificates, *added), True, (*self.yielding, *added))

    def only(self, fingerprint: str) -> "Anchors":
        """
        Leave out all roots but one; sub-CAs and cross-certificates stay.

        Args:
            fingerprint: Of the root: SHA-256, lower-case hex digits.
        Returns: Without certificates if none has this fingerprint.
        """
        read = [(_read(one), one) for one in self.certificates]
        is_there = any(ca.fingerprint == fingerprint for ca, _ in read)
        kept = (one for ca, one in read if ca.fingerprint == fingerprint or not ends_chain(ca))
        return Anchors(tuple(kept) if is_there else (), self.configured)

    def __add__(self, other: "Anchors") -> "Anchors":
        return Anchors(
            self.certificates + other.certificates,
            self.configured or other.configured,
            self.yielding + other.yielding,
        )


NO_ANCHORS = Anchors()
"""What a pool has for a purpose that no operator has configured."""


@lru_cache(maxsize=64)  # as many as `ccp.pki.chains` keeps of what OpenSSL verifies against
def _valid_at(anchors: Anchors, moment: datetime) -> tuple[crypto.X509, ...]:
    valid = [one for one in anchors.certificates if _read(one).is_valid_at(moment)]
    first = [name_and_key(_read(one)) for one in valid if one not in anchors.yielding]
    return tuple(
        one for one in valid if one not in anchors.yielding or name_and_key(_read(one)) not in first
    )


def load_x509(certificate: Certificate) -> crypto.X509:
    """
    Load a certificate into OpenSSL.

    Raises:
        crypto.Error: OpenSSL cannot read the certificate.
    """
    return crypto.load_certificate(crypto.FILETYPE_ASN1, certificate.der)


def name_and_key(certificate: Certificate) -> tuple[NameKey, object]:
    """Return what makes two certificates those of one CA, as equal values."""
    return name_key(certificate.subject), certificate.public_key


def _read(anchor: crypto.X509) -> Certificate:
    der = crypto.dump_certificate(crypto.FILETYPE_ASN1, anchor)
    return read_certificate(der, "anchor", cache=True)
