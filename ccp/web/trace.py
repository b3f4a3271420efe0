"""
A trace id for each request: in the error body, and on every log line of the request.

It is the pool's own, new and random. The trace of W3C Trace Context that a caller may have begun is
on the same lines as `trace`, and goes on to whom the pool asks.
"""

import time
import uuid

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ccp.observability import measures, tracing
from ccp.observability.owners import owners_of_request
from ccp.web.context import log_of, operation_of

log = structlog.get_logger()

_TRACE_ID = "traceId"
_METHODS = {"GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH"}  # others are free text


def current_trace_id() -> str:
    """Return the trace id of the request that is being served: a random UUID."""
    trace_id: str = structlog.contextvars.get_contextvars()[_TRACE_ID]
    return trace_id


class TraceMiddleware:
    """
    Give each request its trace id; log each with client, operation, status, duration and caller.

    The path is not logged: it carries whole EMAIDs and PCIDs. A request whose client has gone
    before it was answered has no status.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and log when all is done."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status: int | None = None
        started = time.perf_counter()
        scope.setdefault("extensions", {})  # the router leaves the operation here

        async def send_noting_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        method = scope["method"] if scope["method"] in _METHODS else "other"
        traceparents = (value for name, value in scope["headers"] if name == b"traceparent")
        with (
            tracing.now.request(method, traceparents) as span,
            structlog.contextvars.bound_contextvars(**_bound(span)),
            owners_of_request(),
        ):
            try:
                await self.app(scope, receive, send_noting_status)
            finally:
                seconds = time.perf_counter() - started
                operation = operation_of(scope)
                measures.now.request(operation, status, seconds)
                span.done(status, operation)
                log.info(
                    "request",
                    client=scope["client"][0] if scope["client"] else None,
                    method=method,
                    operation=operation,
                    status=status,
                    ms=round(seconds * 1000, 1),
                    **log_of(scope),
                )


def _bound(span: tracing.Span) -> dict[str, str]:
    """Give what is on every line of a request."""
    own = {_TRACE_ID: str(uuid.uuid4())}
    return own if span.trace_id is None else {**own, "trace": span.trace_id}
