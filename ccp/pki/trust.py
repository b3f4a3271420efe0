"""The trust anchors: V2G, eMSP and OEM roots, read from a folder at start."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

import structlog
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import crypto

from ccp.errors import CertificateUnreadable
from ccp.pki.certificates import UNREADABLE, Certificate, read_certificate
from ccp.pki.names import distinguished_name

log = structlog.get_logger()

_SUFFIXES = {".pem", ".crt", ".cer", ".der"}
_PEM_BEGIN = b"-----BEGIN CERTIFICATE-----"


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
        certificate = x509.load_der_x509_certificate(der)
        return cls(
            hashlib.sha256(der).hexdigest(),
            distinguished_name(certificate.subject),
            certificate.serial_number,
        )


@dataclass(frozen=True, slots=True)
class Anchors:
    """
    What is trusted for one purpose.

    Attributes:
        certificates: Roots, and sub-CAs under them.
        configured: Whether an operator has put anything there; if so, and if none of it can be
            used, no chain holds. A pool that was told whom to trust does not trust everybody
            because a file is broken.
    """

    certificates: tuple[crypto.X509, ...] = ()
    configured: bool = False

    def only(self, fingerprint: str) -> "Anchors":
        """The one root that has this fingerprint (SHA-256, lower-case hex digits), or none."""
        named = (
            one
            for one in self.certificates
            if one.digest("sha256").replace(b":", b"").decode().lower() == fingerprint
        )
        return Anchors(tuple(named), self.configured)

    def __add__(self, other: "Anchors") -> "Anchors":
        return Anchors(self.certificates + other.certificates, self.configured or other.configured)


@dataclass(frozen=True, slots=True)
class Trust:
    """
    The three sets of anchors.

    Attributes:
        v2g: CPS chains end here, and contract chains of eMSPs under a V2G PKI.
        emsp: Contract chains of eMSPs with a PKI of their own.
        oem: Provisioning certificates; with the OEMs' sub-CAs, which requests do not bring.
    """

    v2g: Anchors = Anchors()
    emsp: Anchors = Anchors()
    oem: Anchors = Anchors()

    @property
    def contracts(self) -> Anchors:
        """What contract chains may end in: an eMSP's root, or a V2G root."""
        return self.emsp + self.v2g


def load_trust(folder: Path, *, at: datetime) -> Trust:
    """
    Read the anchors below *folder*: `v2g/`, `emsp/` and `oem/` with PEM or DER files.

    A file that cannot be read, or a certificate that is not valid at *at* (aware UTC), is named in
    the log and left out; a folder that does not exist is an empty set.
    """
    return Trust(**{name: _read_anchors(folder / name, at) for name in ("v2g", "emsp", "oem")})


def _read_anchors(folder: Path, at: datetime) -> Anchors:
    return Anchors(tuple(_read_files(folder, at)), configured=any(_paths(folder)))


def certificate_paths(folder: Path) -> Iterator[Path]:
    """Give the files in a folder that should be certificates; the log names the others."""
    for path in _paths(folder):
        if path.suffix.lower() in _SUFFIXES:
            yield path
        else:
            log.warning("not looked at: no .pem, .crt, .cer or .der", file=str(path))


def _paths(folder: Path) -> list[Path]:
    return sorted(folder.glob("[!.]*"))


def _read_files(folder: Path, at: datetime) -> Iterator[crypto.X509]:
    for path in certificate_paths(folder):
        try:
            certificates = [read_certificate(der, path.name) for der in read_file(path)]
            loaded = [load_x509(certificate) for certificate in certificates]
        except (OSError, CertificateUnreadable, crypto.Error, *UNREADABLE):
            log.error("trust anchor left out: not a certificate in PEM or DER", file=str(path))
            continue
        for certificate, anchor in zip(certificates, loaded, strict=True):
            if certificate.is_valid_at(at):
                yield anchor
            else:
                log.error(
                    "trust anchor left out: not valid now",
                    file=str(path),
                    not_after=f"{certificate.not_after:%FT%TZ}",
                )


def read_file(path: Path) -> list[bytes]:
    """
    Return the certificates in a file, as DER; what is not PEM is DER, and is not looked at.

    Raises:
        OSError: It cannot be read.
        ValueError: It is broken PEM.
    """
    content = path.read_bytes()
    if _PEM_BEGIN in content:
        return [one.public_bytes(Encoding.DER) for one in x509.load_pem_x509_certificates(content)]
    return [content]


def load_x509(certificate: Certificate) -> crypto.X509:
    """
    Give OpenSSL a certificate.

    Raises:
        crypto.Error: OpenSSL cannot read what others can.
    """
    return crypto.load_certificate(crypto.FILETYPE_ASN1, certificate.der)
