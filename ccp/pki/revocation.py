"""Revocation status of a certificate, and how long it is valid."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

CLOCKS_DIFFER_BY = timedelta(minutes=5)
_FRESH = timedelta(hours=1)  # an answer that does not say when the next one comes


class Status(Enum):
    """
    The status of a certificate.

    A certificate on hold is revoked, but may become good again (RFC 5280, 5.3.1).
    """

    GOOD = "good"
    ON_HOLD = "on hold"
    REVOKED = "revoked"


class StatusUnknown(Exception):
    """An OCSP response or CRL does not give the status of a certificate; the text says why."""


@dataclass(frozen=True, slots=True)
class CertificateStatus:
    """
    The status of a certificate for some time.

    Attributes:
        until: The moment until which the status is valid, aware UTC.
    """

    status: Status
    until: datetime


def require_timely(
    this_update: datetime, next_update: datetime | None, *, at: datetime
) -> datetime:
    """
    Check that an OCSP response or CRL is current; clocks may differ by CLOCKS_DIFFER_BY.

    Args:
        this_update, next_update: Its dates, aware UTC. Without the second it is valid for an hour.
        at: The present moment, aware UTC.
    Returns: The moment until which it is valid.
    Raises:
        StatusUnknown: It is out of date, or from the future.
    """
    if this_update > at + CLOCKS_DIFFER_BY:
        raise StatusUnknown("the answer is of the future")
    until = next_update or this_update + _FRESH
    if until < at - CLOCKS_DIFFER_BY:
        raise StatusUnknown("the answer is out of date")
    return until
