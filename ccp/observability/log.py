"""Log lines: structured, for people or for machines, the server's own among them."""

import logging
import sys
from contextlib import suppress
from typing import Any, TextIO, cast

import structlog

from ccp.config.settings import Settings
from ccp.domain.printable import printable, printable_lines
from ccp.observability.log_writer import LogWriter
from ccp.observability.owners import merge_owners

# Tracebacks without local variables, which structlog adds by default (for people too, if it finds
# the package rich): they hold EXI, whole EMAIDs and PCIDs.
_DICT_TRACEBACKS = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
)

_SEPARATORS = frozenset(" ='\"")


class _Unfailing(structlog.WriteLogger):
    """A log that cannot be written, on a full disk or to nobody, is no error of a request."""

    def msg(self, message: str) -> None:
        """Write a line, if that is possible."""
        with suppress(OSError):
            super().msg(message)

    debug = info = warning = error = critical = msg


def configure_server_logging(settings: Settings) -> tuple[dict[str, Any], LogWriter]:
    """
    Send everything that is logged to standard error, and wait for no reader of it.

    Returns: As `configure_logging`; and what writes, of which each worker has to start its own.
    """

    def report(lines: int) -> None:
        structlog.get_logger().warning("log lines were dropped", lines=lines)

    writer = LogWriter(sys.stderr.fileno(), report=report)
    return configure_logging(settings, cast(TextIO, writer)), writer


def configure_logging(settings: Settings, stream: TextIO | None = None) -> dict[str, Any]:
    """
    Send everything that is logged to one stream, in one format.

    Args:
        stream: Standard error by default.
    Returns: The configuration of the standard library's logging, to be applied by the caller.
    """
    logging.captureWarnings(True)  # of libraries, about odd certificates for one: a line as others
    level = settings.log_level.upper()
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        merge_owners,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: list[structlog.typing.Processor]
    if settings.log_format == "json":
        renderer = [_DICT_TRACEBACKS, structlog.processors.JSONRenderer()]
    elif sys.stderr.isatty():
        plain = structlog.dev.plain_traceback
        renderer = [
            printable_values,
            structlog.dev.ConsoleRenderer(exception_formatter=plain),
        ]
    else:
        renderer = [structlog.processors.format_exc_info, _without_colours]
    # Our own lines do not go through the standard library, which takes longer than all the rest.
    structlog.configure(
        processors=[*shared, *renderer],
        logger_factory=lambda *_: _Unfailing(stream or sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        cache_logger_on_first_use=True,
    )
    others = _quieter(level, "INFO")  # at "debug", gunicorn logs paths, with EMAIDs in them
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    *renderer,
                ],
            }
        },
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "structured",
                "stream": stream or sys.stderr,
            }
        },
        "root": {"level": others, "handlers": ["stderr"]},
        "loggers": {
            # Connexion tells at "info" what we tell ourselves, or nobody should be told.
            "connexion": {"level": _quieter(level, "WARNING")},
            # httpx2 logs each call at "info", as the pool itself does.
            "httpx2": {"level": _quieter(level, "WARNING")},
            # It warns of each form that is none; whoever sends it is told.
            "python_multipart": {"level": _quieter(level, "ERROR")},
            "gunicorn.error": {"level": others, "propagate": True, "handlers": []},
        },
    }


def printable_values(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Escape what a terminal would obey; ConsoleRenderer writes text as it is."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = printable_lines(value) if name == "event" else printable(value)
    return event


def _without_colours(_logger: object, _method: str, event: structlog.typing.EventDict) -> str:
    """Write a line as ConsoleRenderer does, which takes five times as long for each request."""
    exception = event.pop("exception", None)
    head = f"{event.pop('timestamp')} [{event.pop('level'):<9}] {event.pop('event'):<30}"
    values = (f"{name}={_shown(value)}" for name, value in sorted(event.items()))
    line = " ".join([head, *values]).rstrip(" ")
    return line if exception is None else f"{line}\n{exception}"


def _shown(value: object) -> str:
    """Quote text that could be taken for more than one value, or for a line of its own."""
    if isinstance(value, str) and value.isprintable() and not _SEPARATORS.intersection(value):
        return value
    return repr(value)


def _quieter(one: str, other: str) -> str:
    """Return the level that lets less through."""
    return max(one, other, key=logging.getLevelName)
