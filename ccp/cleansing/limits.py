"""Limits of a cleansing: the share of records that it may remove, and a plausible clock."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ccp.config.settings import Settings

FLOOR = 10
"""The number of records that any run may remove, however small the pool is."""


class CleansingRefused(Exception):
    """A run would remove too much, or the clock is not plausible; the text says which."""


@dataclass(frozen=True, slots=True)
class Limits:
    """
    Limits of a cleansing without `--force`.

    Attributes:
        percent: Share of the records that one run may remove; FLOOR records are always allowed.
        clock_ahead: How far the clock may be ahead of the last write and the last run.
    """

    percent: float
    clock_ahead: timedelta

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """Return the limits of a pool. Its clock may be ahead by two of its regular runs."""
        scheduled = timedelta(hours=2 * settings.cleanse_hours)
        clock_ahead = max(timedelta(days=settings.cleanse_clock_days), scheduled)
        return cls(settings.cleanse_max_percent, clock_ahead)

    def require_clock(self, now: datetime, last: datetime | None) -> None:
        """
        Check that the clock has not jumped ahead.

        Args:
            now: The present moment by the clock, aware UTC.
            last: The last write or run, aware UTC; None without any.
        Raises:
            CleansingRefused: The clock is more than `clock_ahead` ahead of *last*.
        """
        if last is not None and now - last > self.clock_ahead:
            raise CleansingRefused(
                f"The clock says {now:%FT%TZ}, and the last write or cleansing was at"
                f" {last:%FT%TZ}: that is more than {self.clock_ahead.days} days"
                " (CCP_CLEANSE_CLOCK_DAYS). Set the clock; if it is right, `ccp cleanse --force`"
                " cleanses all the same."
            )

    def most(self, records: int) -> int:
        """Return how many of *records* one run may remove."""
        return max(FLOOR, int(records * self.percent / 100))

    def require_few(self, leaving: int, records: int) -> None:
        """
        Check that a run does not remove too many records.

        Args:
            leaving: The records removed in this run and by its next step.
            records: The records at the start of the run.
        Raises:
            CleansingRefused: *leaving* exceeds the limit.
        """
        if leaving > self.most(records):
            raise CleansingRefused(
                f"At least {leaving} of {records} records would leave in one run, and"
                f" {self.percent:g} % may (CCP_CLEANSE_MAX_PERCENT). `ccp cleanse --dry-run` shows"
                " them; if they are to leave, `ccp cleanse --force` removes them."
            )
