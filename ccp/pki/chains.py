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

from ccp.errors import CertificateChainBroken, CertificateChainExpired
from ccp.pki.certificates import Certificate
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
    curve: str = "secp256r1",
    signed_with: str = "sha256_ecdsa",
) -> VerifiedChain:
    """
    Prove that a chain ends in a trusted root.

    Args:
        certificates: The leaf first, then its sub-CAs in any order; no root.
        anchors: The roots to end in, and sub-CAs that messages do not bring.
        name: What to call the leaf in an error, such as "CPS certificate".
        at: Instant at which every certificate has to be valid, aware UTC.
        curve, signed_with: That all keys have to be on, by its SEC name, and that all but the root
            have to be signed with; those of ISO 15118-2 unless said otherwise.
    Raises:
        CertificateChainBroken: It does not end in a root of *anchors*, or a signature, basic
            constraint, path length, key usage or curve does not fit; the message says which.
        CertificateChainExpired: *at* lies outside the validity of one of its certificates.
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
    for certificate in parsed:
        key = certificate.public_key
        if key.algorithm != "ec" or key.curve != ("named", curve):
            raise CertificateChainBroken(f"The chain of the {name} has a key that is not {curve}.")
    for certificate in parsed[:-1]:  # a root is trusted for itself, not for its signature
        if certificate["signature_algorithm"]["algorithm"].native != signed_with:
            raise CertificateChainBroken(
                f"The chain of the {name} has a signature that is not {signed_with}."
            )
    return VerifiedChain(
        root=Root.of(ders[-1]),
        valid_until=min(one.not_valid_after.astimezone(UTC) for one in parsed),
    )


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
        state = "has expired" if code == _EXPIRED else "is not yet valid"
        return CertificateChainExpired(f"{whose} {state}.")
    reason = _REASONS.get(code, "does not hold")
    log.info("a chain was refused", certificate=name, code=code, depth=depth, reason=words)
    return CertificateChainBroken(f"The chain of the {name} {reason}.")


class ChainCache:
    """
    Chains of leaves alone (an ISO 15118-2 request brings no more), each verified but once.

    Args:
        anchors: Roots, and the sub-CAs between.
        name: As for `verify_chain`.
        size: How many chains are remembered; the one not asked for longest is forgotten first.
    """

    def __init__(self, anchors: Anchors, *, name: str, size: int = 4096) -> None:
        self._anchors = anchors
        self._name = name
        self._size = size
        self._valid: OrderedDict[bytes, datetime] = OrderedDict()
        self._lock = threading.Lock()

    def verify(self, leaf: Certificate, *, at: datetime) -> None:
        """
        Prove that the leaf's chain ends in a trusted root, or remember that it does.

        Where no anchors are configured there is nothing to prove.

        Raises: As `verify_chain`.
        """
        if not self._anchors.configured:
            return
        with self._lock:
            until = self._valid.get(leaf.der)
            if until is not None and at <= until:
                self._valid.move_to_end(leaf.der)
                return
        chain = verify_chain([leaf], self._anchors, name=self._name, at=at)
        with self._lock:
            self._valid[leaf.der] = chain.valid_until
            if len(self._valid) > self._size:
                self._valid.popitem(last=False)
