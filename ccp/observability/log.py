"""Logging: structured lines for people or machines, including those of gunicorn."""

import logging
import sys
from contextlib import suppress
from typing import Any, TextIO, cast

import structlog

from ccp.config.settings import Settings
from ccp.domain.printable import printable, printable_lines
from ccp.observability.log_writer import LogWriter
from ccp.observability.owners import merge_owners

# Tracebacks without local variables: those hold EXI, whole EMAIDs and PCIDs. By default structlog
# adds them, for people too if the package rich is installed.
_DICT_TRACEBACKS = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
)

_SEPARATORS = frozenset(" ='\"")


class _Unfailing(structlog.WriteLogger):
    """A logger that ignores write errors: a full disk or a closed pipe fails no request."""

    def msg(self, message: str) -> None:
        """Write a line; do nothing if that fails."""
        with suppress(OSError):
            super().msg(message)

    debug = info = warning = error = critical = msg


def configure_server_logging(settings: Settings) -> tuple[dict[str, Any], LogWriter]:
    """
    Send all log lines to standard error without ever blocking on its reader.

    Returns: The configuration as of `configure_logging`, and the writer, which each worker starts.
    """

    def report(lines: int) -> None:
        structlog.get_logger().warning("log lines were dropped", lines=lines)

    writer = LogWriter(sys.stderr.fileno(), report=report)
    return configure_logging(settings, cast(TextIO, writer)), writer


def configure_logging(settings: Settings, stream: TextIO | None = None) -> dict[str, Any]:
    """
    Send all log lines to one stream, in one format.

    Args:
        stream: Standard error by default.
    Returns: The configuration for `logging.config.dictConfig`, to be applied by the caller.
    """
    logging.captureWarnings(True)  # such as a library's warnings about odd certificates
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
    # Our own lines bypass the standard library, which takes longer than everything else together.
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
            # At "info" Connexion logs what the pool logs itself, or must not log.
            "connexion": {"level": _quieter(level, "WARNING")},
            # httpx2 logs each call at "info", as the pool itself does.
            "httpx2": {"level": _quieter(level, "WARNING")},
            # It warns of each malformed form; the sender gets an error anyway.
            "python_multipart": {"level": _quieter(level, "ERROR")},
            "gunicorn.error": {"level": others, "propagate": True, "handlers": []},
        },
    }


def printable_values(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Escape control characters; ConsoleRenderer writes text unchanged."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = printable_lines(value) if name == "event" else printable(value)
    return event


def _without_colours(_logger: object, _method: str, event: structlog.typing.EventDict) -> str:
    """Render a line like ConsoleRenderer does, in a fifth of its time."""
    exception = event.pop("exception", None)
    head = f"{event.pop('timestamp')} [{event.pop('level'):<9}] {event.pop('event'):<30}"
    values = (f"{name}={_shown(value)}" for name, value in sorted(event.items()))
    line = " ".join([head, *values]).rstrip(" ")
    return line if exception is None else f"{line}\n{exception}"


def _shown(value: object) -> str:
    """Quote a value that could be read as several values or lines."""
    if isinstance(value, str) and value.isprintable() and not _SEPARATORS.intersection(value):
        return value
    return repr(value)


def _quieter(one: str, other: str) -> str:
    """Return the higher of two log levels."""
    return max(one, other, key=logging.getLevelName)
