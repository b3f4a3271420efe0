"""Contract, CPS and provisioning chains up to a trusted root, judged by OpenSSL."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from asn1crypto import x509 as asn1
from cryptography.x509.oid import NameOID
from OpenSSL import crypto

from ccp.errors import (
    CertificateChainBroken,
    CertificateChainExpired,
    CertificateChainNotYetValid,
)
from ccp.pki.certificates import Certificate
from ccp.pki.signatures import Suite
from ccp.pki.trust import Anchors, Root, load_x509

log = structlog.get_logger()

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
class VerifiedChain:
    """
    A chain that holds.

    Attributes:
        root: That it ends in.
        valid_until: When the first of its certificates expires, aware UTC.
    """

    root: Root
    valid_until: datetime


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
    _require_signing_leaf(leaf, name)
    store = crypto.X509Store()  # a new one: OpenSSL lets the time of a store be set but once
    for trusted in anchors.certificates:
        store.add_cert(trusted)
    store.set_time(at)
    try:
        context = crypto.X509StoreContext(
            store, load_x509(leaf), [load_x509(one) for one in sub_cas]
        )
        chain = context.get_verified_chain()
    except crypto.X509StoreContextError as error:
        raise _failure(error, name) from None
    except crypto.Error:
        raise CertificateChainBroken(f"The chain of the {name} cannot be read.") from None
    ders = [crypto.dump_certificate(crypto.FILETYPE_ASN1, one) for one in chain]
    parsed = [asn1.Certificate.load(der) for der in ders]
    _require_suites(parsed, suites, name)
    return VerifiedChain(
        root=Root.of(ders[-1]),
        valid_until=min(one.not_valid_after.astimezone(UTC) for one in parsed),
    )


def _require_suites(chain: Sequence[asn1.Certificate], suites: Sequence[Suite], name: str) -> None:
    """Keys and signatures are of the edition's algorithms, the leaf's first and the root's last."""
    for certificate in chain:
        if _curve(certificate.public_key) not in [suite.curve.lower() for suite in suites]:
            allowed = " or ".join(suite.curve for suite in suites)
            raise CertificateChainBroken(
                f"The chain of the {name} has a key that is not on {allowed}."
            )
    for certificate in chain[:-1]:  # a root is trusted for itself, not for its signature
        algorithm = certificate["signature_algorithm"]["algorithm"].native
        if algorithm not in [suite.certificate_algorithm for suite in suites]:
            allowed = " or ".join(suite.name for suite in suites)
            raise CertificateChainBroken(
                f"The chain of the {name} has a signature that is not {allowed}."
            )


def _curve(key: asn1.PublicKeyInfo) -> object:
    """The curve's name where it has one, else the key's algorithm, which tells enough."""
    if key.algorithm == "ec":
        kind, curve = key.curve
        return curve if kind == "named" else None
    return key.algorithm


_OTHER_ROLES = {"CPO", "MO", "OEM"}


def require_cps(certificate: Certificate) -> None:
    """
    Prove that a signer is not somebody else than a CPS, as far as its certificate tells.

    Others have leaves under a V2G root too: charging stations, and eMSPs of a V2G PKI. Today's PKIs
    name the role of each in a domain component; older CPS certificates have none, and pass.

    Raises:
        CertificateChainBroken: The domain component is that of another role.
    """
    attributes = certificate.subject.get_attributes_for_oid(NameOID.DOMAIN_COMPONENT)
    if _OTHER_ROLES & {attribute.value for attribute in attributes}:
        raise CertificateChainBroken("The signer's certificate is not that of a CPS.")


def _require_signing_leaf(leaf: Certificate, name: str) -> None:
    """A leaf signs messages: it is no CA, and if its key usage is limited, then not to others."""
    try:
        parsed = asn1.Certificate.load(leaf.der)
        constraints, usage = parsed.basic_constraints_value, parsed.key_usage_value
        is_ca = constraints is not None and constraints["ca"].native  # read when asked for
        may_sign = usage is None or "digital_signature" in usage.native
    except (ValueError, TypeError, LookupError):
        raise CertificateChainBroken(f"The extensions of the {name} cannot be read.") from None
    if is_ca:
        raise CertificateChainBroken(f"The {name} is a CA certificate.")
    if not may_sign:
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
    log.info("a chain was refused", certificate=name, code=code, depth=depth, reason=words)
    return CertificateChainBroken(f"The chain of the {name} {reason}.")


class ChainCache:
    """
    Chains of leaves that come again and again, each verified but once.

    Args:
        anchors: Roots, and the sub-CAs between that a message does not bring (of ISO 15118-2 it
            brings none).
        name: As for `verify_chain`.
        size: How many chains are remembered; the one not asked for longest is forgotten first.
    """

    def __init__(self, anchors: Anchors, *, name: str, size: int = 4096) -> None:
        self._anchors = anchors
        self._name = name
        self._size = size
        self._valid: OrderedDict[bytes, datetime] = OrderedDict()
        self._lock = threading.Lock()

    def verify(
        self, certificates: Sequence[Certificate], *, at: datetime, suites: Sequence[Suite]
    ) -> None:
        """
        Prove that a leaf's chain ends in a trusted root, or remember that it does.

        Where no anchors are configured there is nothing to prove. What is remembered is the leaf:
        that it has been proved to be trusted is true with whatever sub-CAs it comes next.

        Args:
            certificates, at, suites: As for `verify_chain`. A leaf's key is of one edition only.
        Raises: As `verify_chain`.
        """
        if not self._anchors.configured:
            return
        leaf = certificates[0]
        with self._lock:
            until = self._valid.get(leaf.der)
            if until is not None and at <= until:
                self._valid.move_to_end(leaf.der)
                return
        chain = verify_chain(certificates, self._anchors, name=self._name, at=at, suites=suites)
        with self._lock:
            self._valid[leaf.der] = chain.valid_until
            if len(self._valid) > self._size:
                self._valid.popitem(last=False)
