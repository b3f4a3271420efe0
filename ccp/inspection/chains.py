"""A chain of a message: who has issued what in it, and whether it ends in a trusted root."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from ccp.errors import CcpError, CertificateUnreadable, collecting
from ccp.inspection.certificates import (
    CertificateFacts,
    UnreadableCertificate,
    describe_certificate,
    hexadecimal,
)
from ccp.pki.certificates import Certificate, read_certificate, read_chain
from ccp.pki.chains import require_cps, verify_chain
from ccp.pki.issuers import is_issuer
from ccp.pki.signatures import Suite
from ccp.pki.trust import Anchors, Root

CPS = "CPS certificate"
CONTRACT = "contract certificate"
PROVISIONING = "OEM provisioning certificate"


@dataclass(frozen=True, slots=True)
class RootFacts:
    """
    The root that a chain ends in.

    Attributes:
        fingerprint: SHA-256 of its DER, 64 lower-case hex digits.
        distinguished_name: As `distinguished_name` writes it.
        serial_number: Upper-case hex digits.
    """

    fingerprint: str
    distinguished_name: str
    serial_number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainFacts:
    """
    A certificate and its sub-CAs.

    Attributes:
        name: Of its leaf.
        holds: Whether there are no problems.
        problems: A sentence for each thing that is wrong.
        judged: Whether anchors were there to judge it by.
        root: That it ends in, if it was judged and does.
        certificates: In the order of the message: the leaf, if all is right, then its sub-CAs.
        supplied: Sub-CAs between these and the root, which the message does not bring, and which
            stand among the anchors; the nearest to the leaf first.
    """

    name: str
    holds: bool
    problems: Sequence[str]
    judged: bool
    root: RootFacts | None
    certificates: Sequence[CertificateFacts | UnreadableCertificate]
    supplied: Sequence[CertificateFacts | UnreadableCertificate]

    @property
    def is_readable(self) -> bool:
        """Whether all of its certificates can be read; if not, it is not judged."""
        return all(isinstance(one, CertificateFacts) for one in self.certificates)


def describe_chain(
    ders: Sequence[bytes],
    name: str,
    anchors: Anchors,
    *,
    at: datetime,
    suites: Sequence[Suite],
) -> ChainFacts:
    """
    Tell all of a chain.

    Args:
        ders: X.509, DER, as the message has them.
        name: Of its leaf: CPS, CONTRACT or PROVISIONING.
        anchors: That it has to end in, if any are configured.
        at: The present, aware UTC.
        suites: What the message's edition allows.
    """
    loaded = [_load(der) for der in ders]
    signed = [_is_signed(one, loaded) for one in loaded]
    names = [name, *[f"sub-CA of the {name}"] * (len(ders) - 1)]
    certificates = [
        describe_certificate(der, called, at=at, is_signed=by_issuer)
        for der, called, by_issuer in zip(ders, names, signed, strict=True)
    ]
    problems = [
        f"The {called} names a certificate of its chain as its issuer, which has not signed it."
        for called, by_issuer in zip(names, signed, strict=True)
        if by_issuer is False
    ]
    if any(_has_issued(loaded[0], other) for other in loaded[1:]):
        problems.append(f"The {name} has issued another of its chain; the leaf has to come first.")
    failures: list[CcpError] = []
    chain: list[Certificate] = []
    root: RootFacts | None = None
    supplied: list[CertificateFacts | UnreadableCertificate] = []
    with collecting(failures):
        chain = read_chain(ders, name)
    if chain and name == CPS:
        with collecting(failures):
            require_cps(chain[0])
    judged = bool(chain) and anchors.configured
    if judged:
        with collecting(failures):
            verified = verify_chain(chain, anchors, name=name, at=at, suites=suites)
            root = _facts(verified.root)
            supplied = [
                describe_certificate(one.der, "sub-CA among the anchors", at=at, is_signed=None)
                for one in verified.above[:-1]
                if one.der not in ders
            ]
    problems += [message for failure in failures for message in failure.messages[1:]]
    return ChainFacts(
        name=name,
        holds=not problems,
        problems=problems,
        judged=judged,
        root=root,
        certificates=certificates,
        supplied=supplied,
    )


def _load(der: bytes) -> x509.Certificate | None:
    try:
        read_certificate(der, "certificate")
    except CertificateUnreadable:
        return None
    return x509.load_der_x509_certificate(der)


def _is_signed(
    certificate: x509.Certificate | None, chain: Sequence[x509.Certificate | None]
) -> bool | None:
    """Tell whether one that has its issuer's name has signed it; None if none has that name."""
    if certificate is None:
        return None
    issuers = [one for one in chain if one is not None and one.subject == certificate.issuer]
    return any(is_issuer(one, certificate) for one in issuers) if issuers else None


def _has_issued(issuer: x509.Certificate | None, other: x509.Certificate | None) -> bool:
    return issuer is not None and other is not None and is_issuer(issuer, other)


def _facts(root: Root) -> RootFacts:
    return RootFacts(root.fingerprint, root.distinguished_name, hexadecimal(root.serial_number))
