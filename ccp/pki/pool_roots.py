"""Which of the certificates that a root pool gives can be trusted as roots."""

import hashlib
from collections.abc import Iterable
from datetime import datetime

import structlog
from OpenSSL import crypto

from ccp.errors import CertificateUnreadable
from ccp.pki.certificates import read_certificate
from ccp.pki.extensions import ExtensionProblem, require_known_extensions
from ccp.pki.issuance import is_issuer
from ccp.pki.trust import load_x509

log = structlog.get_logger()


def usable_roots(ders: Iterable[bytes], *, kind: str, at: datetime) -> tuple[bytes, ...]:
    """
    Choose the roots among what a pool has given, each once; the log names the others.

    Whatever else was said of a certificate is not asked: all is read from itself. A sub-CA is no
    root, and is not trusted for being in the pool.

    Args:
        ders: Any bytes.
        kind: What they are for, for the log; see KINDS.
        at: When they have to be valid, aware UTC.
    Returns: X.509, DER; self-signed, of CAs; sorted, so that the same roots are equal.
    """
    roots = []
    for der in set(ders):
        if problem := _problem(der, at):
            log.warning(
                "left out of what the root pool gave",
                kind=kind,
                fingerprint=hashlib.sha256(der).hexdigest(),
                reason=problem,
            )
        else:
            roots.append(der)
    return tuple(sorted(roots))


def _problem(der: bytes, at: datetime) -> str:
    """Tell why a certificate is no root; empty if it is one."""
    try:
        certificate = read_certificate(der, "root")
        load_x509(certificate)
        is_ca = require_known_extensions(der).role.is_ca
    except ExtensionProblem as problem:
        return f"it {problem}"
    except (CertificateUnreadable, crypto.Error, ValueError):
        return "it is not an X.509 certificate"
    if not certificate.is_valid_at(at):
        return f"it is valid from {certificate.not_before:%F} to {certificate.not_after:%F} only"
    if not is_ca:
        return "it is not that of a CA"
    if not is_issuer(certificate, certificate):
        return "it is not self-signed"
    return ""
