"""The trust anchors: V2G, eMSP and OEM roots, of a folder and of a root pool."""

import os
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog
from OpenSSL import crypto

from ccp.domain.errors import CertificateUnreadable
from ccp.pki.anchors import NO_ANCHORS, Anchors, load_x509
from ccp.pki.certificates import UNREADABLE, Certificate, read_certificate
from ccp.pki.extensions import ExtensionProblem, require_known_extensions
from ccp.pki.irregular import irregularities

log = structlog.get_logger()

KINDS = ("v2g", "emsp", "oem")
"""What anchors are for: the names of the folders, and what an RCP calls its PKIs (pkiType)."""

_SUFFIXES = {".pem", ".crt", ".cer", ".der"}
_OTHER_SUFFIX = "not looked at: no .pem, .crt, .cer or .der"
_PEM_BEGIN = re.compile(rb"-----BEGIN (?:X509 )?CERTIFICATE-----")
_PEM_BLOCK = re.compile(_PEM_BEGIN.pattern + rb"([^-]*)-----END (?:X509 )?CERTIFICATE-----")


@dataclass(frozen=True, slots=True)
class Trust:
    """
    The three sets of anchors.

    Attributes:
        v2g: For CPS chains, and contract chains of eMSPs under a V2G PKI.
        emsp: For contract chains of eMSPs with a PKI of their own.
        oem: For provisioning certificates; with the OEMs' sub-CAs, which requests do not bring.
    """

    v2g: Anchors = NO_ANCHORS
    emsp: Anchors = NO_ANCHORS
    oem: Anchors = NO_ANCHORS

    def with_roots(self, roots: Mapping[str, Sequence[bytes]]) -> "Trust":
        """
        Add the roots of a root pool; see `Anchors.with_roots`.

        Args:
            roots: Roots by kind (see KINDS); kinds may be missing.
        """
        return Trust(
            **{kind: getattr(self, kind).with_roots(roots.get(kind, ())) for kind in KINDS}
        )

    @property
    def contracts(self) -> Anchors:
        """The anchors of contract chains: eMSP and V2G."""
        return self.emsp + self.v2g


def load_trust(folder: Path, *, at: datetime) -> Trust:
    """
    Load the anchors below *folder*: `v2g/`, `emsp/` and `oem/` with PEM or DER files.

    A file that cannot be read is logged and left out. A certificate that is not valid at *at*
    (aware UTC) is logged and kept. A folder that does not exist is an empty set.

    Raises:
        OSError: A folder exists, and cannot be read.
    """
    return Trust(**{kind: _read_anchors(folder / kind, at) for kind in KINDS})


def _read_anchors(folder: Path, at: datetime) -> Anchors:
    return Anchors(tuple(_read_files(folder, at)), configured=any(_paths(folder)))


def certificate_paths(folder: Path) -> Iterator[Path]:
    """Yield the certificate files in a folder, by their suffix; log the others."""
    for path in _paths(folder):
        if path.suffix.lower() in _SUFFIXES:
            yield path
        else:
            log.warning(_OTHER_SUFFIX, file=str(path))


def _paths(folder: Path) -> list[Path]:
    try:
        names = os.listdir(folder)  # Path.glob takes a folder that cannot be read for an empty one
    except FileNotFoundError:
        if folder.is_symlink():  # such as to a volume that is not mounted
            raise
        return []
    return sorted(folder / name for name in names if not name.startswith("."))


@dataclass(frozen=True, slots=True)
class AnchorFile:
    """
    A file in the folder of one kind of anchors.

    Attributes:
        certificates: Its certificates, valid now or not.
        problem: Why the file is left out; empty if it is not.
    """

    path: Path
    certificates: tuple[Certificate, ...] = ()
    problem: str = ""


def anchor_files(folder: Path) -> Iterator[AnchorFile]:
    """
    Load all files in a folder, including those that are left out; none if there is no folder.

    Raises:
        OSError: The folder exists, and cannot be read.
    """
    for path in _paths(folder):
        if path.suffix.lower() not in _SUFFIXES:
            yield AnchorFile(path, problem=_OTHER_SUFFIX)
            continue
        try:
            certificates = tuple(read_certificate(der, path.name) for der in read_file(path))
            for certificate in certificates:
                load_x509(certificate)
                require_known_extensions(certificate.der)
        except ExtensionProblem as problem:
            yield AnchorFile(path, problem=f"trust anchor left out: it {problem}")
        except OSError as error:
            problem_text = f"trust anchor left out: the file cannot be read: {error.strerror}"
            yield AnchorFile(path, problem=problem_text)
        except (CertificateUnreadable, crypto.Error, *UNREADABLE):
            yield AnchorFile(path, problem="trust anchor left out: not a certificate in PEM or DER")
        else:
            yield AnchorFile(path, certificates)


def _read_files(folder: Path, at: datetime) -> Iterator[crypto.X509]:
    for file in anchor_files(folder):
        if file.problem:
            tell = log.warning if file.problem == _OTHER_SUFFIX else log.error
            tell(file.problem, file=str(file.path))
        for certificate in file.certificates:
            if not certificate.is_regular:
                reasons = irregularities(certificate)
                log.warning("trust anchor is irregular", file=str(file.path), reasons=reasons)
            log_validity(certificate, at, file=str(file.path))
            yield load_x509(certificate)


def log_validity(certificate: Certificate, at: datetime, **where: str) -> None:
    """
    Log that an anchor does not count at a moment, aware UTC; nothing where it does.

    Args:
        where: Fields of the line that say where the anchor is from.
    """
    if at > certificate.not_after:
        log.error("trust anchor has expired", not_after=f"{certificate.not_after:%FT%TZ}", **where)
    elif at < certificate.not_before:
        begins = f"{certificate.not_before:%FT%TZ}"
        log.warning("trust anchor is not valid yet", not_before=begins, **where)


def read_file(path: Path) -> list[bytes]:
    """
    Return the certificates in a file, as DER. A file that is not PEM is returned unchanged.

    Raises:
        OSError: The file cannot be read.
        ValueError: The file is broken PEM.
    """
    content = path.read_bytes()
    if not _PEM_BEGIN.search(content):
        return [content]
    blocks = _PEM_BLOCK.findall(content)
    if len(blocks) != len(_PEM_BEGIN.findall(content)):
        raise ValueError("a certificate in PEM has no end")
    return [b64decode(b"".join(block.split()), validate=True) for block in blocks]
