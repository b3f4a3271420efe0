"""The origin of a write, for the audit trail."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """
    Who caused a write, when, and in which request.

    Attributes:
        at: The moment of the write, aware UTC.
        subject: Subject of the access token; None without tokens.
        roles: Roles of the access token: emsp, oem, cps, operator.
        ids: Provider ids and WMIs of the access token.
        trace_id: Trace id of the request; None outside a request.
    """

    at: datetime
    subject: str | None = None
    roles: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    trace_id: str | None = None
