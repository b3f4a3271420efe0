"""What a CA says of a certificate that it has issued: good, revoked, or on hold; and until when."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

CLOCKS_DIFFER_BY = timedelta(minutes=5)
_FRESH = timedelta(hours=1)  # an answer that does not say when the next one comes


class Status(Enum):
    """
    Of a certificate.

    A certificate on hold is revoked, but may come back (RFC 5280, 5.3.1).
    """

    GOOD = "good"
    ON_HOLD = "on hold"
    REVOKED = "revoked"


class StatusUnknown(Exception):
    """What was answered does not tell the status of a certificate; the text says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What a CA says of a certificate.

    Attributes:
        until: When it says so anew, aware UTC; at the latest.
    """

    status: Status
    until: datetime


def require_timely(
    this_update: datetime, next_update: datetime | None, *, at: datetime
) -> datetime:
    """
    Prove that an answer is of the present, give or take what clocks differ by.

    Args:
        this_update, next_update: Its dates, aware UTC; one without the second is good for an hour.
        at: The present, aware UTC.
    Returns: Until when it need not be asked for again.
    Raises:
        StatusUnknown: It is of the past, or of the future.
    """
    if this_update > at + CLOCKS_DIFFER_BY:
        raise StatusUnknown("the answer is of the future")
    until = next_update or this_update + _FRESH
    if until < at - CLOCKS_DIFFER_BY:
        raise StatusUnknown("the answer is out of date")
    return until
