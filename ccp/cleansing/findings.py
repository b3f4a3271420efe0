"""What is found of records when the pool is cleansed."""

from dataclasses import dataclass
from enum import Enum

from ccp.store import SignedContractData


class RemovalReason(Enum):
    """Why a record leaves the pool, or may have to."""

    EXPIRED = "expired"
    REVOKED = "revoked"
    UNREACHABLE = "unreachable"

    @property
    def action(self) -> str:
        """What the audit trail calls it if the record leaves."""
        return f"cleanse-{self.value}"


@dataclass(frozen=True, slots=True)
class Removal:
    """
    What was found of one record.

    Attributes:
        reason: In a few words, without EMAID and PCID.
        leaves: Whether the record leaves the pool for it.
        bars: Whether its contract certificate itself is revoked, and for ever.
    """

    record: SignedContractData
    outcome: RemovalReason
    reason: str
    leaves: bool = True
    bars: bool = False

    @property
    def leaves_last(self) -> bool:
        """Whether the record leaves once all are counted; the database counts the expired ones."""
        return self.leaves and self.outcome is not RemovalReason.EXPIRED


@dataclass(slots=True)
class Report:
    """
    What a cleansing has come to, in records.

    Attributes:
        records: All that were looked at.
        expired, revoked: Those that have left the pool, or would have.
        unreachable: Those whose status could not be had.
        without_url: Those that have a certificate that does not say where its status is told.
        unproved: Those of which a chain ends in no trust anchor: their URLs are not asked.
        kept: Those that are still there.
    """

    records: int = 0
    expired: int = 0
    revoked: int = 0
    unreachable: int = 0
    without_url: int = 0
    unproved: int = 0
    kept: int = 0

    def count(self, finding: Removal) -> None:
        """Add a record that leaves, or cannot be judged."""
        name = finding.outcome.value
        setattr(self, name, getattr(self, name) + 1)
        self.kept -= finding.leaves
