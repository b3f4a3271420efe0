"""Where a write comes from: what the audit trail says besides what was written."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """
    Who asked for something to be written, and in which request.

    Attributes:
        subject: Of the access token; None where nobody is asked for one.
        roles: Of the same: emsp, oem, cps, operator.
        trace_id: Of the request; None where there is none.
    """

    subject: str | None = None
    roles: tuple[str, ...] = ()
    trace_id: str | None = None


NO_REQUEST = Origin()
