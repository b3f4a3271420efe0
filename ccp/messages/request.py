"""A car's request: what the pool needs of a CertificateInstallationReq, and how to answer it."""

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
    The request of a car for its contracts.

    Attributes:
        namespace: The namespace of its edition, in the spec's spelling.
        suites: The signature suites that the edition allows.
        default_only: Whether the edition answers the default contract only.
        message: The decoded message.
        certificates: The provisioning certificate and the sub-CAs that the car sends; X.509 DER.
        roots: The V2G roots that the car has installed.
        most_contracts: The number of contracts that the car has room for.
        prioritized_emaids: The EMAIDs that the car wants first, in its own spelling.
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
        Build the answer from a stored message. The signed parts stay as they are.

        Args:
            exi, unsigned_bits: The stored message; see `SignedContract`.
            remaining: The number of messages that follow this one.
            at: The present moment, aware UTC.
        Returns: A CertificateInstallationRes, EXI.
        """

    @abstractmethod
    def response_code(self, error: CcpError) -> str:
        """Return the ResponseCode of *error* in this edition."""

    @abstractmethod
    def failure(self, error: CcpError, *, at: datetime) -> bytes:
        """
        Build the message that reports *error* to the car.

        Returns: A CertificateInstallationRes, EXI.
        """
