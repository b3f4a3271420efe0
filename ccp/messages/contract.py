"""What the pool has to know of a CertificateInstallationRes that a CPS has signed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ccp.domain.errors import (
    CcpError,
    ContractCertificateExpired,
    ContractCertificateNotYetValid,
    ContractKeyUnusable,
    EmaidMismatch,
    ResponseCodeNotOk,
)
from ccp.domain.identifiers import Emaid
from ccp.iso15118 import Message
from ccp.pki.certificates import Certificate
from ccp.pki.signatures import Suite

CLOCK_TOLERANCE = timedelta(seconds=30)
"""How far the clock of a CA may be ahead of this pool's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedContract:
    """
    A contract for one car.

    Attributes:
        message: As it was decoded.
        namespace: Of its edition, in the spec's spelling.
        suites: What it may be signed with.
        response_code: OK, if it is to be stored.
        cps_chain, contract_chain: Certificates, X.509 DER, the leaf first, without the root.
        emaid: What it says besides the contract certificate; None where it says nothing.
        key_problems: Why no car can use its encrypted private key, a sentence each.
        unsigned_bits: Where EVSEProcessing and RemainingContractCertificateChains begin in it, in
            bits; None in ISO 15118-2, which has neither.
    """

    message: Message
    namespace: str
    suites: Sequence[Suite]
    response_code: str
    cps_chain: Sequence[bytes]
    contract_chain: Sequence[bytes]
    emaid: str | None = None
    key_problems: Sequence[str] = ()
    unsigned_bits: tuple[int, int] | None = None


def contract_failures(
    signed: SignedContract, contract: Certificate, emaid: Emaid | None, *, at: datetime
) -> Iterator[CcpError]:
    """
    Tell all that speaks against a contract, but for signature and chains.

    Args:
        contract: Its certificate.
        emaid: What it is said to be; None if that is none.
        at: Instant at which it has to be valid, aware UTC. It may become valid up to
            CLOCK_TOLERANCE later.
    Returns: In the order in which a caller is told.
    """
    if signed.response_code != "OK":
        yield ResponseCodeNotOk(f"It is {signed.response_code}.")
    if not all(_names(text, emaid) for text in names_of(signed, contract)):
        yield EmaidMismatch()
    if at > contract.not_after:
        yield ContractCertificateExpired()
    if at + CLOCK_TOLERANCE < contract.not_before:
        yield ContractCertificateNotYetValid()
    if signed.key_problems and signed.response_code == "OK":  # a failure has one byte of each
        yield ContractKeyUnusable(*signed.key_problems)


def names_of(signed: SignedContract, contract: Certificate) -> list[str]:
    """
    Give what should be the EMAID of a contract, in all places that have it.

    Args:
        contract: Its certificate.
    """
    if signed.emaid is None:
        return [contract.common_name]
    return [signed.emaid, contract.common_name]


def _names(text: str, emaid: Emaid | None) -> bool:
    """Tell whether a message's text is the EMAID, in whichever spelling."""
    try:
        return Emaid.parse(text) == emaid
    except ValueError:
        return False
