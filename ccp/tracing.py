"""
The trace that a request is part of, from whoever asked this pool to whom it asks in turn.

Source: W3C Trace Context, 2 and 3. The caller's `tracestate` is not passed on, which 3.3 allows: it
is for tools of the caller's own.
"""

import re
import secrets
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from typing import NamedTuple

_TRACEPARENT = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})"
    r"-(?P<trace_id>(?!0{32})[0-9a-f]{32})"
    r"-(?!0{16})[0-9a-f]{16}"
    r"-(?P<flags>[0-9a-f]{2})"
    r"(?P<more>-[ -~]*)?",
    re.ASCII,
)
_SAMPLED = 1  # the one flag of version 00, which is what is sent


class Trace(NamedTuple):
    """
    A trace that somebody has begun.

    Attributes:
        trace_id: 32 lower-case hex digits.
        is_sampled: Whether whoever began it keeps what is recorded of it.
    """

    trace_id: str
    is_sampled: bool


current: ContextVar[Trace | None] = ContextVar("trace", default=None)
"""That of the request which is being served; None where nobody has begun one."""


def parse_traceparent(values: Iterable[bytes]) -> Trace | None:
    """
    Read the trace that a request says it is part of.

    Args:
        values: Of its headers `traceparent`; more than one is as good as none.
    Returns: None where it says none, or nothing that can be read.
    """
    match list(values):
        case [value]:
            found = _TRACEPARENT.fullmatch(value.decode("latin1"))
            if found and not (found["version"] == "00" and found["more"]):
                return Trace(found["trace_id"], bool(int(found["flags"], 16) & _SAMPLED))
    return None


def traceparent_headers() -> Mapping[str, str]:
    """Return the headers that make what is asked now part of the trace, as a span of its own."""
    trace = current.get()
    if trace is None:
        return {}
    span_id = f"{secrets.randbits(64) or 1:016x}"
    return {"traceparent": f"00-{trace.trace_id}-{span_id}-{trace.is_sampled:02x}"}
