"""Limits of a cleansing: the share of records that it may remove, and a plausible clock."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ccp.config.settings import Settings

FLOOR = 10
"""So many records may leave in any run, however small their pool is."""


class CleansingRefused(Exception):
    """A cleansing would remove too much, or its clock is not plausible; the text says which."""


@dataclass(frozen=True, slots=True)
class Limits:
    """
    Limits of a cleansing that no person has confirmed.

    Attributes:
        percent: Share of the records that may leave in one run; FLOOR records always may.
        clock_ahead: How far the clock may be ahead of the last write and the last run.
    """

    percent: float
    clock_ahead: timedelta

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """Return the limits of a pool; two runs that it has itself scheduled are plausible."""
        scheduled = timedelta(hours=2 * settings.cleanse_hours)
        clock_ahead = max(timedelta(days=settings.cleanse_clock_days), scheduled)
        return cls(settings.cleanse_max_percent, clock_ahead)

    def require_clock(self, now: datetime, last: datetime | None) -> None:
        """
        Check that the clock has not jumped ahead.

        Args:
            now: The present by the clock, aware UTC.
            last: The last write or run, aware UTC; None where there has not been any.
        Raises:
            CleansingRefused: It has.
        """
        if last is not None and now - last > self.clock_ahead:
            raise CleansingRefused(
                f"The clock says {now:%FT%TZ}, and the last write or cleansing was at"
                f" {last:%FT%TZ}: that is more than {self.clock_ahead.days} days"
                " (CCP_CLEANSE_CLOCK_DAYS). Set the clock; if it is right, `ccp cleanse --force`"
                " cleanses all the same."
            )

    def most(self, records: int) -> int:
        """Return how many of so many records may leave in one run."""
        return max(FLOOR, int(records * self.percent / 100))

    def require_few(self, leaving: int, records: int) -> None:
        """
        Check that not too many records leave.

        Args:
            leaving: How many have left in this run, and would leave with the next step.
            records: How many there were when the run began.
        Raises:
            CleansingRefused: They are too many.
        """
        if leaving > self.most(records):
            raise CleansingRefused(
                f"At least {leaving} of {records} records would leave in one run, and"
                f" {self.percent:g} % may (CCP_CLEANSE_MAX_PERCENT). `ccp cleanse --dry-run` shows"
                " them; if they are to leave, `ccp cleanse --force` removes them."
            )
