"""Results of a cleansing: a removal for each record concerned, and a report of them all."""

from dataclasses import dataclass
from enum import Enum

from ccp.store import SignedContractData


class RemovalReason(Enum):
    """The reason why a record is removed, or may have to be."""

    EXPIRED = "expired"
    REVOKED = "revoked"
    UNREACHABLE = "unreachable"

    @property
    def action(self) -> str:
        """The name of the removal in the audit trail."""
        return f"cleanse-{self.value}"


@dataclass(frozen=True, slots=True)
class Removal:
    """
    A record that a cleansing removes, or keeps although its status is unknown.

    Attributes:
        reason: A short text, without EMAID and PCID.
        leaves: Whether the record is removed.
        revoke: Whether its contract certificate is revoked for ever, and is recorded as such.
    """

    record: SignedContractData
    outcome: RemovalReason
    reason: str
    leaves: bool = True
    revoke: bool = False

    @property
    def leaves_last(self) -> bool:
        """Whether the record is removed only after all are counted; SQL counts the expired ones."""
        return self.leaves and self.outcome is not RemovalReason.EXPIRED


@dataclass(slots=True)
class Report:
    """
    The numbers of records in a cleansing.

    Attributes:
        records: Records examined.
        expired, revoked: Records removed, or with a dry run those that would be.
        unreachable: Records for which no OCSP responder or CRL gave a status.
        without_url: Records with a certificate that names neither OCSP responder nor CRL.
        unproved: Records with a chain that does not end in a trust anchor. Their URLs are not
            requested.
        kept: Records that are still stored.
    """

    records: int = 0
    expired: int = 0
    revoked: int = 0
    unreachable: int = 0
    without_url: int = 0
    unproved: int = 0
    kept: int = 0

    def count(self, removal: Removal) -> None:
        """Count a removal."""
        name = removal.outcome.value
        setattr(self, name, getattr(self, name) + 1)
        self.kept -= removal.leaves
