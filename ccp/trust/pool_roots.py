"""Which of the certificates that a root pool gives can be trusted as roots."""

import hashlib
from collections.abc import Iterable
from datetime import datetime

import structlog
from OpenSSL import crypto

from ccp.domain.errors import CertificateUnreadable
from ccp.pki.anchors import load_x509
from ccp.pki.certificates import read_certificate
from ccp.pki.extensions import ExtensionProblem, require_known_extensions
from ccp.pki.issuance import is_issuer
from ccp.trust.folder import log_validity

log = structlog.get_logger()


def usable_roots(ders: Iterable[bytes], *, kind: str, at: datetime) -> tuple[bytes, ...]:
    """
    Select the roots among what a pool has given, each once; the log names the others.

    Whatever else was said of a certificate is not asked: all is read from itself. A sub-CA is no
    root, and is not trusted for being in the pool. A root that is not valid is logged and selected
    all the same, since validity counts when a root is used.

    Args:
        ders: Any bytes.
        kind: What they are for, for the log; see KINDS.
        at: The present, aware UTC.
    Returns: X.509, DER; self-signed, of CAs; sorted, so that the same roots are equal.
    """
    roots = []
    for der in set(ders):
        fingerprint = hashlib.sha256(der).hexdigest()
        if problem := _problem(der):
            log.warning(
                "left out of what the root pool gave",
                kind=kind,
                fingerprint=fingerprint,
                reason=problem,
            )
        else:
            root = read_certificate(der, "root")
            log_validity(root, at, source="root pool", kind=kind, fingerprint=fingerprint)
            roots.append(der)
    return tuple(sorted(roots))


def _problem(der: bytes) -> str:
    """Tell why a certificate is no root; empty if it is one."""
    try:
        load_x509(certificate := read_certificate(der, "root"))
        is_ca = require_known_extensions(der).role.is_ca
    except ExtensionProblem as problem:
        return f"it {problem}"
    except (CertificateUnreadable, crypto.Error, ValueError):
        return "it is not an X.509 certificate"
    if not is_ca:
        return "it is not that of a CA"
    if not is_issuer(certificate, certificate):
        return "it is not self-signed"
    return ""
