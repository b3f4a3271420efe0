"""Select the certificates of a root pool that are roots."""

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
    Select the roots among the certificates of a root pool, each once; log the others.

    Only the certificate itself counts, not the root pool's other data. A sub-CA is not selected. A
    root that is not valid now is logged and selected: validity is checked when a root is used.

    Args:
        ders: Certificates; untrusted bytes.
        kind: Their purpose, for the log; see KINDS.
        at: The present moment, aware UTC.
    Returns: X.509, DER; self-signed CA certificates, sorted, so that equal sets compare equal.
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
    """Return why a certificate is not a root; empty if it is one."""
    try:
        load_x509(certificate := read_certificate(der, "root"))
        is_ca = require_known_extensions(der).role.is_ca
    except ExtensionProblem as problem:
        return f"it {problem}"
    except (CertificateUnreadable, crypto.Error, ValueError):
        return "it is not an X.509 certificate"
    if not is_ca:
        return "it is not a CA certificate"
    if not is_issuer(certificate, certificate):
        return "it is not self-signed"
    return ""
