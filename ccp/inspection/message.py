"""A message: read, its signature judged, its certificates told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ccp.domain.errors import CertificateUnreadable
from ccp.domain.identifiers import Emaid
from ccp.inspection.chains import CONTRACT, CPS, PROVISIONING, ChainFacts, describe_chain
from ccp.inspection.signature import SignatureFacts, describe_signature
from ccp.iso15118 import ExiError, Node, decode, edition_of, encode, message_tree, sniff
from ccp.messages import InstallationRequest, SignedContract, understand
from ccp.messages.reading import FORGIVEN_ZERO_BYTES
from ccp.pki.anchors import Anchors
from ccp.pki.certificates import read_certificate
from ccp.trust.folder import Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableMessage:
    """
    Bytes that are no message, or a broken one.

    Attributes:
        holds: False.
        size: How many bytes there are.
        reason: A sentence.
        bit: Where, counted from 0 at the first byte's highest bit; None if it is all of them.
        path: The element, from the root down; empty if the fault lies outside the root.
        expected: What may come there, by name; empty where the reason says it.
        kind: What they begin like, to go into a sentence: "a DIN SPEC 70121 message".
        tree: What stands before the fault, as far as that could be read; None if they do not even
            begin like such a message.
    """

    holds: bool
    size: int
    reason: str
    bit: int | None
    path: str
    expected: Sequence[str]
    kind: str
    tree: Node | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """
    All that can be said of a message.

    Attributes:
        holds: Whether its signature does, and all else that was judged.
        problems: A sentence for each thing that is wrong besides signature and chains.
        message: CertificateInstallationReq or CertificateInstallationRes.
        edition: Of ISO 15118, as people say it.
        namespace: Of the edition, in the spec's spelling.
        size: How many bytes it has, with the zero bytes that follow it.
        zero_bytes_behind: How many these are; relays are known to append some.
        session_id: Upper-case hex digits.
        response_code: Of a Res.
        emaid: Of a Res: what its eMAID says, or in ISO 15118-20 its contract certificate.
        pcid: Of a Req: what its provisioning certificate says.
        signature: See there.
        chains: Of a Res that of the CPS and that of the contract; of a Req that of the car.
        tree: All that it has, as its XML would.
    """

    holds: bool
    problems: Sequence[str]
    message: str
    edition: str
    namespace: str
    size: int
    zero_bytes_behind: int
    session_id: str
    response_code: str | None
    emaid: str | None
    pcid: str | None
    signature: SignatureFacts
    chains: Sequence[ChainFacts]
    tree: Node


def inspect_message(
    exi: bytes, *, at: datetime, trust: Trust | None = None
) -> Inspection | UnreadableMessage:
    """
    Tell all that can be said of some bytes; whatever they are, nothing is raised.

    Args:
        exi: A CertificateInstallationReq or -Res of either edition, or anything else.
        at: The present, aware UTC.
        trust: Anchors to judge the chains by; those that it has none for are not judged.
    """
    try:
        message = decode(exi, trailing_zeros=FORGIVEN_ZERO_BYTES)
    except ExiError as error:
        return UnreadableMessage(
            holds=False,
            size=len(exi),
            reason=error.reason,
            bit=error.bit,
            path=error.path,
            expected=error.expected,
            kind=sniff(exi).value,
            tree=_readable(exi),
        )
    content = understand(message)
    named = _chains(content, trust or Trust())
    signer, (signing, *_), _ = named[0]
    signature = describe_signature(exi, message, signing, signer, content.suites)
    chains = [
        describe_chain(ders, name, anchors, at=at, suites=content.suites)
        for name, ders, anchors in named
    ]
    owner = _common_name(named[-1][1][0])
    emaid, pcid, response_code = None, None, None
    problems: list[str] = []
    if isinstance(content, SignedContract):
        response_code = content.response_code
        emaid = content.emaid or owner
        if not _is_same_contract(emaid, owner):
            problems.append("The contract certificate is not that of the message's eMAID.")
        if response_code == "OK":
            problems += content.key_problems
    else:
        pcid = owner
    return Inspection(
        holds=signature.holds and not problems and all(chain.holds for chain in chains),
        problems=problems,
        message=type(message.body).__name__,
        edition=edition_of(message).name,
        namespace=content.namespace,
        size=len(exi),
        zero_bytes_behind=len(exi) - len(encode(message)),
        session_id=message.header.session_id.hex().upper(),
        response_code=response_code,
        emaid=emaid,
        pcid=pcid,
        signature=signature,
        chains=chains,
        tree=message_tree(exi),
    )


def _readable(exi: bytes) -> Node | None:
    """The tree of a broken message."""
    try:
        return message_tree(exi)
    except ExiError:
        return None


def _chains(
    content: SignedContract | InstallationRequest, trust: Trust
) -> list[tuple[str, Sequence[bytes], Anchors]]:
    """The chains of a message, that of its signer first: what its leaf is, DER, where it ends."""
    if isinstance(content, InstallationRequest):
        return [(PROVISIONING, content.certificates, trust.oem)]
    return [
        (CPS, content.cps_chain, trust.v2g),
        (CONTRACT, content.contract_chain, trust.contracts),
    ]


def _common_name(der: bytes) -> str | None:
    try:
        return read_certificate(der, "leaf").common_name
    except CertificateUnreadable:
        return None


def _is_same_contract(emaid: str | None, other: str | None) -> bool:
    """Compare two EMAIDs in whichever spelling, or the same text twice."""
    try:
        return emaid == other or Emaid.parse(emaid or "") == Emaid.parse(other or "")
    except ValueError:
        return False
