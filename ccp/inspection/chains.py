"""A chain of a message: who has issued what in it, and whether it ends in a trusted root."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from OpenSSL.crypto import FILETYPE_ASN1, dump_certificate

from ccp.domain.errors import CcpError, CertificateUnreadable, collecting
from ccp.inspection.certificates import (
    CertificateFacts,
    UnreadableCertificate,
    describe_certificate,
)
from ccp.pki.anchors import Anchors
from ccp.pki.certificates import Certificate, read_certificate, read_chain
from ccp.pki.chains import verify_chain
from ccp.pki.extensions import ExtensionProblem, require_known_extensions
from ccp.pki.issuance import is_issuer
from ccp.pki.name_matching import same_name
from ccp.pki.signatures import Suite
from ccp.pki.signers import require_cps

CPS = "CPS certificate"
CONTRACT = "contract certificate"
PROVISIONING = "OEM provisioning certificate"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainFacts:
    """
    A certificate and its sub-CAs.

    Attributes:
        name: Of its leaf.
        holds: Whether there are no problems.
        problems: A sentence for each thing that is wrong.
        judged: Whether anchors were there to judge it by.
        root: That it ends in by names and signatures, if it was judged; it may still not hold.
        certificates: In the order of the message: the leaf, if all is right, then its sub-CAs.
        supplied: Sub-CAs between these and the root, which the message does not bring, and which
            stand among the anchors; the nearest to the leaf first.
    """

    name: str
    holds: bool
    problems: Sequence[str]
    judged: bool
    root: CertificateFacts | UnreadableCertificate | None
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
    above: list[bytes] = []
    with collecting(failures):
        chain = read_chain(ders, name)
    if chain and name == CPS:
        with collecting(failures):
            require_cps(chain)
    judged = bool(chain) and anchors.configured
    if judged:
        with collecting(failures):
            verified = verify_chain(chain, anchors, name=name, at=at, suites=suites)
            above = [one.der for one in verified.above]
        above = above or _above(loaded, anchors)
    else:
        problems += _extension_problems(loaded, names)
    drawn = [
        describe_certificate(der, called, at=at, is_signed=None)
        for der, called in zip(
            above, [*["sub-CA among the anchors"] * (len(above) - 1), "anchor"], strict=False
        )
        if der == above[-1] or der not in ders
    ]
    problems += [message for failure in failures for message in failure.messages[1:]]
    return ChainFacts(
        name=name,
        holds=not problems,
        problems=problems,
        judged=judged,
        root=drawn[-1] if drawn else None,
        certificates=certificates,
        supplied=drawn[:-1],
    )


def _load(der: bytes) -> Certificate | None:
    try:
        return read_certificate(der, "certificate")
    except CertificateUnreadable:
        return None


def _is_signed(certificate: Certificate | None, chain: Sequence[Certificate | None]) -> bool | None:
    """Tell whether one that has its issuer's name has signed it; None if none has that name."""
    if certificate is None:
        return None
    issuers = [
        one for one in chain if one is not None and same_name(one.subject, certificate.issuer)
    ]
    return any(is_issuer(one, certificate) for one in issuers) if issuers else None


def _extension_problems(chain: Sequence[Certificate | None], names: Sequence[str]) -> Iterator[str]:
    """Yield what is wrong with extensions, where no anchors are there to verify the chain by."""
    for certificate, name in zip(chain, names, strict=True):
        if certificate is not None:
            try:
                require_known_extensions(certificate.der)
            except ExtensionProblem as problem:
                yield f"The {name} {problem}."


def _has_issued(issuer: Certificate | None, other: Certificate | None) -> bool:
    return issuer is not None and other is not None and is_issuer(issuer, other)


def _above(chain: Sequence[Certificate | None], anchors: Anchors) -> list[bytes]:
    """
    Find the anchors that a chain hangs on by names and signatures alone, whatever else is wrong.

    Returns: DER, the nearest to the leaf first, the root last; empty where it hangs on none.
    """
    trusted = [
        read_certificate(dump_certificate(FILETYPE_ASN1, one), "anchor")
        for one in anchors.certificates
    ]
    known = [one for one in (*chain, *trusted) if one is not None]
    below, above = chain[0], list[bytes]()
    for _ in known:
        issuer = next((one for one in known if below is not None and is_issuer(one, below)), None)
        if issuer is None:
            return []
        if issuer in trusted:
            above.append(issuer.der)
        if same_name(issuer.issuer, issuer.subject):
            return above if issuer in trusted else []
        below = issuer
    return []
