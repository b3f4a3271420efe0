"""Export of traces with the SDK of OpenTelemetry, configured by its own OTEL_ variables."""

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import structlog
from opentelemetry import trace

log = structlog.get_logger()

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
# Spans that are not exported within this time are lost: a worker has to end in time.
_SHUTDOWN_SECONDS = 2


def is_set_up(environment: Mapping[str, str]) -> bool:
    """
    Return whether the variables of OpenTelemetry name an OTLP exporter of traces.

    Source: OpenTelemetry, Environment Variable Specification: general SDK configuration, exporter
    selection; and OTLP exporter configuration.
    """
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    exporter = environment.get("OTEL_TRACES_EXPORTER", "")
    return exporter == "otlp" or (not exporter and any(map(environment.get, _ENDPOINTS)))


@contextmanager
def recording() -> Iterator[None]:
    """
    Record and export traces for the block, if the environment asks for it.

    The SDK starts a thread, so each worker enters the block after the fork. A process can enter it
    once: OpenTelemetry does not replace a tracer provider.
    """
    shutdown = _start() if is_set_up(os.environ) else None
    try:
        yield
    finally:
        if shutdown:
            shutdown()


def _start() -> Callable[[], None] | None:
    """Set up the SDK; return the function that stops it, or None if the set-up fails."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        log.warning("no traces are exported: OpenTelemetry's SDK is not installed (opnc-ccp[otel])")
        return None
    try:
        exporter = OTLPSpanExporter()
        resource = Resource.create()
        if str(resource.attributes[SERVICE_NAME]).startswith("unknown_service"):
            resource = resource.merge(Resource({SERVICE_NAME: "ccp"}))
        provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(exporter))
    except Exception as error:  # an invalid OTEL_ variable must not stop the pool
        log.warning("no traces are exported: OpenTelemetry cannot be set up", reason=str(error))
        return None
    trace.set_tracer_provider(provider)

    def shutdown() -> None:
        # `TracerProvider.shutdown` has no time limit; it ends when the exporter is shut down.
        limit = threading.Timer(_SHUTDOWN_SECONDS, exporter.shutdown)
        limit.start()
        provider.shutdown()
        limit.cancel()

    return shutdown
