"""Where a write comes from: what the audit trail says besides what was written."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """
    Who asked for something to be written, when, and in which request.

    Attributes:
        at: The moment, aware UTC.
        subject: Of the access token; None where nobody is asked for one.
        roles: Of the same: emsp, oem, cps, operator.
        ids: Of the same: provider ids, WMIs.
        trace_id: Of the request; None where there is none.
    """

    at: datetime
    subject: str | None = None
    roles: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    trace_id: str | None = None
