"""Contract, CPS and provisioning chains up to a trusted root, judged by OpenSSL."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from asn1crypto import x509 as asn1
from OpenSSL import crypto

from ccp.errors import (
    CertificateChainBroken,
    CertificateChainExpired,
    CertificateChainNotYetValid,
)
from ccp.notes import Note
from ccp.pki.certificates import Certificate, read_certificate
from ccp.pki.extensions import read_role
from ccp.pki.signatures import Suite
from ccp.pki.trust import Anchors, Root, load_x509

# What OpenSSL finds, in the words of a caller (X509_verify_cert_error_string).
_NOT_YET_VALID, _EXPIRED = 9, 10
_REASONS = {
    2: "was not issued by a certificate that this pool trusts",
    7: "has a signature that is not its issuer's",
    18: "is self-signed and not trusted",
    19: "ends in a root that this pool does not trust",
    20: "was not issued by a certificate that this pool trusts",
    21: "was not issued by a certificate that this pool trusts",
    24: "has a certificate that is no CA, but has issued another",
    25: "is longer than a CA in it allows",
    26: "has a CA certificate that may not be used so",
    29: "does not go with the certificate that should have issued it",
    32: "has a CA certificate that may not sign certificates",
    79: "has a certificate that is no CA, but has issued another",
}


@dataclass(frozen=True, slots=True)
class Issuer:
    """
    A CA that a chain up to a trusted root has been proved for.

    Attributes:
        certificate: Its own.
        root: That the chain ends in.
        path: Its own certificate and those above, up to the root.
        valid_from, valid_until: When all of these are valid, aware UTC, both included.
    """

    certificate: crypto.X509
    root: Root
    path: tuple[Certificate, ...]
    valid_from: datetime
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class VerifiedChain:
    """
    A chain that holds.

    Attributes:
        root: That it ends in.
        above: The certificates above the leaf, from its issuer's to the root.
        valid_from, valid_until: When all of its certificates are valid, aware UTC, both included.
        issuer: Of the leaf, if what holds above it holds for each leaf; None if not.
    """

    root: Root
    above: tuple[Certificate, ...]
    valid_from: datetime
    valid_until: datetime
    issuer: Issuer | None


def verify_chain(
    certificates: Sequence[Certificate],
    anchors: Anchors,
    *,
    name: str,
    at: datetime,
    suites: Sequence[Suite],
) -> VerifiedChain:
    """
    Prove that a chain ends in a trusted root.

    Args:
        certificates: The leaf first, then its sub-CAs in any order; no root.
        anchors: The roots to end in, and sub-CAs that messages do not bring.
        name: What to call the leaf in an error, such as "CPS certificate".
        at: Instant at which every certificate has to be valid, aware UTC.
        suites: What the message's edition allows: all keys have to be on one of their curves, and
            all certificates but the root to be signed with one of them.
    Raises:
        CertificateChainBroken: It does not end in a root of *anchors*, or a signature, basic
            constraint, path length, key usage or curve does not fit; the message says which.
        CertificateChainExpired, CertificateChainNotYetValid: *at* lies outside the validity of one
            of its certificates.
    Source: RFC 5280, 6.1; ISO 15118-2 checks by the shell model (all valid at one instant).
    """
    leaf, *sub_cas = certificates
    chain = _judge(leaf, sub_cas, anchors.certificates, name=name, at=at)
    ders = [crypto.dump_certificate(crypto.FILETYPE_ASN1, one) for one in chain[1:]]
    read = [leaf, *(read_certificate(der, f"chain of the {name}", recurs=True) for der in ders)]
    _require_suites(read[:-1], suites, name)
    _require_curve(read[-1], suites, name)  # a root is trusted for itself, not for its signature
    root = Root.of(read[-1].der)
    above = tuple(read[1:])
    issuer = None
    if above and not any(_constrains_names(ca) for ca in above):
        issuer = Issuer(chain[1], root, above, *_validity(above))
    return VerifiedChain(root, above, *_validity(read), issuer)


def verify_leaf(
    leaf: Certificate, issuer: Issuer, *, name: str, at: datetime, suites: Sequence[Suite]
) -> VerifiedChain:
    """
    Prove that a CA, of which all else has been proved, has issued a leaf.

    Args:
        leaf, name, at, suites: As for `verify_chain`.
        issuer: Valid at *at*, and proved with the same *suites*.
    Raises: As `verify_chain`.
    """
    partial = crypto.X509StoreFlags.PARTIAL_CHAIN
    _judge(leaf, [], (issuer.certificate,), name=name, at=at, flags=partial)
    _require_suites([leaf], suites, name)
    return VerifiedChain(
        issuer.root,
        issuer.path,
        max(leaf.not_before, issuer.valid_from),
        min(leaf.not_after, issuer.valid_until),
        issuer,
    )


def _judge(
    leaf: Certificate,
    sub_cas: Sequence[Certificate],
    trusted: tuple[crypto.X509, ...],
    *,
    name: str,
    at: datetime,
    flags: int = 0,
) -> list[crypto.X509]:
    """Let OpenSSL find the chain from the leaf to one that is trusted."""
    _require_signing_leaf(leaf, name)
    store = _store(trusted, at.replace(microsecond=0), flags)
    try:
        context = crypto.X509StoreContext(
            store, load_x509(leaf), [load_x509(one) for one in sub_cas]
        )
        return context.get_verified_chain()
    except crypto.X509StoreContextError as error:
        raise _failure(error, name) from None
    except crypto.Error:
        raise CertificateChainBroken(f"The chain of the {name} cannot be read.") from None


@lru_cache(maxsize=64)  # OpenSSL counts seconds, and in one of them many leaves come
def _store(trusted: tuple[crypto.X509, ...], at: datetime, flags: int) -> crypto.X509Store:
    """Make what OpenSSL verifies against; its time can be set but once."""
    store = crypto.X509Store()
    for certificate in trusted:
        store.add_cert(certificate)
    store.set_time(at)
    store.set_flags(flags)
    return store


def _validity(chain: Sequence[Certificate]) -> tuple[datetime, datetime]:
    return max(one.not_before for one in chain), min(one.not_after for one in chain)


def _constrains_names(ca: Certificate) -> bool:
    """Tell whether what a CA has issued depends on the names in it (RFC 5280, 4.2.1.10)."""
    return asn1.Certificate.load(ca.der).name_constraints_value is not None


def _require_suites(chain: Sequence[Certificate], suites: Sequence[Suite], name: str) -> None:
    """Keys and signatures are of the edition's algorithms."""
    for certificate in chain:
        _require_curve(certificate, suites, name)
    algorithms = [suite.certificate_algorithm for suite in suites]
    for certificate in chain:
        if certificate.signature_algorithm not in algorithms:
            allowed = " or ".join(suite.name for suite in suites)
            raise CertificateChainBroken(
                f"The chain of the {name} has a signature that is not {allowed}."
            )


def _require_curve(certificate: Certificate, suites: Sequence[Suite], name: str) -> None:
    if certificate.curve not in [suite.curve for suite in suites]:
        allowed = " or ".join(suite.curve for suite in suites)
        raise CertificateChainBroken(f"The chain of the {name} has a key that is not on {allowed}.")


def _require_signing_leaf(leaf: Certificate, name: str) -> None:
    """A leaf signs messages: it is no CA, and if its key usage is limited, then not to others."""
    try:
        role = read_role(leaf.der)
    except ValueError:
        raise CertificateChainBroken(f"The extensions of the {name} cannot be read.") from None
    if role.is_ca:
        raise CertificateChainBroken(f"The {name} is a CA certificate.")
    if not role.may_sign:
        raise CertificateChainBroken(f"The {name} may not make digital signatures.")


def _failure(
    error: crypto.X509StoreContextError, name: str
) -> CertificateChainBroken | CertificateChainExpired:
    code, depth, words = error.errors
    if code in (_NOT_YET_VALID, _EXPIRED):
        whose = f"The {name}" if depth == 0 else f"A CA certificate of the {name}"
        if code == _EXPIRED:
            return CertificateChainExpired(f"{whose} has expired.")
        return CertificateChainNotYetValid(f"{whose} is not yet valid.")
    reason = _REASONS.get(code, "does not hold")
    failure = CertificateChainBroken(f"The chain of the {name} {reason}.")
    facts = {"certificate": name, "code": code, "depth": depth, "reason": words}
    failure.notes.append(Note("a chain was refused", logging.INFO, facts))
    return failure
