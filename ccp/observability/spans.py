"""Traces as OpenTelemetry's SDK records them; imported by whoever has it installed alone."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode, format_trace_id
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from ccp.observability import tracing

_CLOSING_SECONDS = 2  # what is left then is lost: a worker that ends has others to wait for
_W3C = TraceContextTextMapPropagator()


class _Recorded(tracing.Span):
    """A span, with what says nothing of contracts and cars: method, status, host, operationId."""

    def __init__(self, span: trace.Span) -> None:
        headers: dict[str, str] = {}
        _W3C.inject(headers)
        super().__init__(format_trace_id(span.get_span_context().trace_id), headers)
        self._span = span

    def done(self, status: int | None, operation: str | None = None) -> None:
        if operation is not None:
            self._span.update_name(operation)
        if status is not None:
            self._span.set_attribute("http.response.status_code", status)
        if status is None or status >= 500:
            self._span.set_status(Status(StatusCode.ERROR))


class OtlpTracer(tracing.Tracer):
    """
    Records spans and sends them to a collector, from a thread of its own.

    Everything about that is said by the variables of OpenTelemetry.
    """

    def __init__(self) -> None:
        self._exporter = OTLPSpanExporter()
        resource = Resource.create()
        if str(resource.attributes[SERVICE_NAME]).startswith("unknown_service"):
            resource = resource.merge(Resource({SERVICE_NAME: "ccp"}))
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self._tracer = self._provider.get_tracer("ccp")

    @contextmanager
    def request(self, method: str, traceparents: Iterable[bytes]) -> Iterator[tracing.Span]:
        given = list(traceparents)
        carrier = {"traceparent": given[0].decode("latin1")} if len(given) == 1 else {}
        # Whatever is the context of a connection's last request, it is not that of this one.
        context = _W3C.extract(carrier, trace.set_span_in_context(trace.INVALID_SPAN))
        with self._tracer.start_as_current_span(
            method,
            context,
            SpanKind.SERVER,
            {"http.request.method": method},
            record_exception=False,  # its text may be anything
            set_status_on_exception=False,
        ) as span:
            yield _Recorded(span)

    @contextmanager
    def call(self, method: str, host: str) -> Iterator[tracing.Span]:
        with self._tracer.start_as_current_span(
            method,
            kind=SpanKind.CLIENT,
            attributes={"http.request.method": method, "server.address": host},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            yield _Recorded(span)

    def close(self) -> None:
        """Send what has been recorded, as far as that goes quickly."""
        impatience = threading.Timer(_CLOSING_SECONDS, self._exporter.shutdown)
        impatience.start()
        self._provider.shutdown()
        impatience.cancel()
