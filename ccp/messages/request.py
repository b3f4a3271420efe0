"""What the pool has to know of a car's CertificateInstallationReq, and how it answers it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from ccp.domain.errors import CcpError
from ccp.iso15118 import Message, RootCertificateID
from ccp.pki.signatures import Suite


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationRequest(ABC):
    """
    A car asks for its contracts.

    Attributes:
        namespace: Of its edition, in the spec's spelling.
        suites: What it may be signed with.
        default_only: Whether a car of this edition gets its default contract and no other.
        message: As it was decoded.
        certificates: The provisioning certificate, and the sub-CAs that the car sends along; X.509
            DER.
        roots: The V2G roots that the car has installed.
        most_contracts: How many it has room for.
        prioritized_emaids: Those that it wants first, as it spells them.
    """

    namespace: ClassVar[str]
    suites: ClassVar[Sequence[Suite]]
    default_only: ClassVar[bool]

    message: Message
    certificates: Sequence[bytes]
    roots: Sequence[RootCertificateID]
    most_contracts: int = 1
    prioritized_emaids: Sequence[str] = ()

    @abstractmethod
    def answer(
        self, exi: bytes, unsigned_bits: tuple[int, int] | None, *, remaining: int, at: datetime
    ) -> bytes:
        """
        Make the message for the car out of a stored one, without touching what the CPS signed.

        Args:
            exi, unsigned_bits: The stored message; see `SignedContract`.
            remaining: How many messages follow this one.
            at: The present, aware UTC.
        Returns: A CertificateInstallationRes, EXI.
        """

    @abstractmethod
    def response_code(self, error: CcpError) -> str:
        """Tell which ResponseCode *error* is to the car."""

    @abstractmethod
    def failure(self, error: CcpError, *, at: datetime) -> bytes:
        """
        Make the message that tells the car what *error* means to it.

        Returns: A CertificateInstallationRes, EXI.
        """
