"""
Spans and W3C Trace Context for requests and calls, with the API of OpenTelemetry.

`telemetry.py` sets up the SDK of OpenTelemetry. Without the SDK the API records nothing, and a call
to another service carries the `traceparent` of the request that causes the call.

A caller's `tracestate` is not read: it is meant for the tools of that caller.
"""

from collections.abc import Iterable
from contextlib import AbstractContextManager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, format_trace_id
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_TRACER = trace.get_tracer("ccp")
_TRACE_CONTEXT = TraceContextTextMapPropagator()
_NO_PARENT = Context()


def server_span(method: str, traceparents: Iterable[bytes]) -> AbstractContextManager[Span]:
    """
    Start the span of an incoming request; the span ends with the block.

    Args:
        method: HTTP method; the name of the span until `record_result` gets the operation.
        traceparents: Values of all `traceparent` headers of the request. Exactly one valid value
            makes the span part of the caller's trace.
    Source: W3C Trace Context, 3.2 and 4.3.
    """
    context, values = _NO_PARENT, list(traceparents)
    if len(values) == 1:
        context = _TRACE_CONTEXT.extract({"traceparent": values[0].decode("latin1")}, context)
    attributes = {"http.request.method": method}
    return _start_span(method, context, SpanKind.SERVER, attributes)


def client_span(method: str, host: str) -> AbstractContextManager[Span]:
    """
    Start the span of a call to another service, as a child of the current span.

    Args:
        method: HTTP method.
        host: Host and port of the service.
    """
    attributes = {"http.request.method": method, "server.address": host}
    return _start_span(method, None, SpanKind.CLIENT, attributes)


def trace_headers() -> dict[str, str]:
    """Return the headers that make a call part of the current trace; empty without a trace."""
    headers: dict[str, str] = {}
    _TRACE_CONTEXT.inject(headers)
    return headers


def trace_id_of(span: Span) -> str | None:
    """Return 32 lower-case hex digits; None if the span is not part of a trace."""
    context = span.get_span_context()
    return format_trace_id(context.trace_id) if context.is_valid else None


def record_result(span: Span, status: int | None, operation: str | None = None) -> None:
    """
    Record the result of a request or call.

    Args:
        status: HTTP status of the response; None if there was no response.
        operation: operationId of the request; None for calls and if no operation was reached.
    """
    if not span.is_recording():
        return
    if operation is not None:
        span.update_name(operation)
    if status is not None:
        span.set_attribute("http.response.status_code", status)
    if status is None or status >= 500:
        span.set_status(Status(StatusCode.ERROR))


def _start_span(
    name: str, context: Context | None, kind: SpanKind, attributes: dict[str, str]
) -> AbstractContextManager[Span]:
    # The text of an exception may contain an EMAID, so exceptions are not recorded.
    return _TRACER.start_as_current_span(
        name, context, kind, attributes, record_exception=False, set_status_on_exception=False
    )
