"""Whether traces are recorded: where OpenTelemetry's SDK is there, and set up by its own OTEL_…"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import structlog

from ccp.observability import tracing

log = structlog.get_logger()

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


def is_set_up(environment: Mapping[str, str]) -> bool:
    """
    Tell whether OpenTelemetry's variables name an exporter of traces, over OTLP.

    Source: OpenTelemetry, Environment Variable Specification: general SDK configuration, exporter
    selection; and OTLP exporter configuration.
    """
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    exporter = environment.get("OTEL_TRACES_EXPORTER", "")
    return exporter == "otlp" or (not exporter and any(map(environment.get, _ENDPOINTS)))


@contextmanager
def recording() -> Iterator[None]:
    """Record and export traces for the block, if that is set up; if not, nothing is loaded."""
    if not is_set_up(os.environ):
        yield
        return
    try:
        from ccp.observability.spans import OtlpTracer
    except ImportError:
        log.warning("no traces are exported: OpenTelemetry's SDK is not installed (opnc-ccp[otel])")
        yield
        return
    try:
        tracer = OtlpTracer()
    except Exception as error:  # whatever its variables say, it is no reason to serve nobody
        log.warning("no traces are exported: OpenTelemetry cannot be set up", reason=str(error))
        yield
        return
    tracing.now = tracer
    try:
        yield
    finally:
        tracing.now = tracing.Tracer()
        tracer.close()
