"""
The trace id of each request: in the error body, and on every log line of the request.

The pool makes a new random `traceId` for each request. If the caller sends a `traceparent` (W3C
Trace Context), its trace id is on the same log lines as `trace`, and the request's calls to other
services carry it.
"""

import time
import uuid

import structlog
from opentelemetry.trace import Span
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ccp.observability import measures
from ccp.observability.owners import owners_of_request
from ccp.observability.tracing import record_result, server_span, trace_id_of
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
    Set the trace id of each request; log client, operation, status, duration and caller.

    The path is not logged, because it contains whole EMAIDs and PCIDs. The status is None if the
    client disconnects before the response starts.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; log it when the response is complete."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status: int | None = None
        started = time.perf_counter()
        scope.setdefault("extensions", {})  # the router stores the operation here

        async def send_and_record_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        method = scope["method"] if scope["method"] in _METHODS else "other"
        traceparents = (value for name, value in scope["headers"] if name == b"traceparent")
        with (
            server_span(method, traceparents) as span,
            structlog.contextvars.bound_contextvars(**_log_fields(span)),
            owners_of_request(),
        ):
            try:
                await self.app(scope, receive, send_and_record_status)
            finally:
                seconds = time.perf_counter() - started
                operation = operation_of(scope)
                measures.now.request(operation, status, seconds)
                record_result(span, status, operation)
                log.info(
                    "request",
                    client=scope["client"][0] if scope["client"] else None,
                    method=method,
                    operation=operation,
                    status=status,
                    ms=round(seconds * 1000, 1),
                    **log_of(scope),
                )


def _log_fields(span: Span) -> dict[str, str]:
    """Return the fields of every log line of a request."""
    fields = {_TRACE_ID: str(uuid.uuid4())}
    trace_id = trace_id_of(span)
    return fields if trace_id is None else {**fields, "trace": trace_id}
