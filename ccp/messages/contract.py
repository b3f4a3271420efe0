"""What the pool has to know of a CertificateInstallationRes that a CPS has signed."""

from collections.abc import Sequence
from dataclasses import dataclass

from ccp.iso15118 import Message
from ccp.pki.signatures import Suite


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
    unsigned_bits: tuple[int, int] | None = None
