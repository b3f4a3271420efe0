"""A signed contract: what the pool needs of a CertificateInstallationRes, and checks on it."""

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
    A signed contract for one car.

    Attributes:
        message: The decoded message.
        namespace: The namespace of its edition, in the spec's spelling.
        suites: The signature suites that the edition allows.
        response_code: Its ResponseCode; only OK is stored.
        cps_chain, contract_chain: Certificates, X.509 DER, the leaf first, without the root.
        emaid: The eMAID element of ISO 15118-2; None in ISO 15118-20, which has none.
        key_problems: Reasons why no car can use the encrypted private key, a sentence each.
        unsigned_bits: Bit positions of EVSEProcessing and RemainingContractCertificateChains; None
            in ISO 15118-2, which has neither.
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
    Yield all failures of a contract, except those of signature and chains.

    Args:
        contract: The contract certificate.
        emaid: The EMAID that the caller names; None if it is not an EMAID.
        at: The moment at which the certificate has to be valid, aware UTC. It may become valid up
            to CLOCK_TOLERANCE later.
    Returns: The failures, in the order of the messages of an error response.
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
    Return the texts in a contract that should be its EMAID.

    Args:
        contract: The contract certificate.
    """
    if signed.emaid is None:
        return [contract.common_name]
    return [signed.emaid, contract.common_name]


def _names(text: str, emaid: Emaid | None) -> bool:
    """Return whether a text is the EMAID, in any spelling."""
    try:
        return Emaid.parse(text) == emaid
    except ValueError:
        return False
