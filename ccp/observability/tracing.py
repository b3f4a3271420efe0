"""
The trace that a request is part of, from whoever asked this pool to whom it asks in turn.

Source: W3C Trace Context, 3.2 and 4. A caller's `tracestate` is not passed on: it is for tools of
the caller's own.
"""

import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from types import MappingProxyType
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


_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Span:
    """
    A request that is served, or a call of another service; this one is not recorded.

    Attributes:
        trace_id: Of its trace, 32 lower-case hex digits; None where there is none.
        headers: What makes a call part of the trace.
    """

    def __init__(
        self, trace_id: str | None = None, headers: Mapping[str, str] = _NO_HEADERS
    ) -> None:
        self.trace_id = trace_id
        self.headers = headers

    def done(self, status: int | None, operation: str | None = None) -> None:
        """
        Hear what has come of it.

        Args:
            status: None where there was no answer.
            operation: operationId of a request that has reached one.
        """


class Tracer:
    """Passes on the traces that callers have begun, and records nothing."""

    def request(self, method: str, traceparents: Iterable[bytes]) -> AbstractContextManager[Span]:
        """
        Serve a request, for the block.

        Args:
            method: One of HTTP's own.
            traceparents: See `parse_traceparent`.
        """
        return _request(parse_traceparent(traceparents))

    def call(self, method: str, host: str) -> AbstractContextManager[Span]:
        """
        Ask a service, for the block: a part of the request that is served, a span of its own.

        Args:
            method: Of HTTP.
        """
        return _call(_current.get())


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


@contextmanager
def _request(trace: Trace | None) -> Iterator[Span]:
    token = _current.set(trace)
    try:
        yield Span(trace.trace_id if trace else None)
    finally:
        _current.reset(token)


@contextmanager
def _call(trace: Trace | None) -> Iterator[Span]:
    if trace is None:
        yield Span()
    else:
        span_id = f"{secrets.randbits(64) or 1:016x}"
        text = f"00-{trace.trace_id}-{span_id}-{trace.is_sampled:02x}"
        yield Span(trace.trace_id, {"traceparent": text})


now = Tracer()
"""Who traces; it may be another one once a worker has begun."""
