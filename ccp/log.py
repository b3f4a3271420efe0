"""Log lines: structured, for people or for machines, the server's own among them."""

import logging
import sys
from typing import Any

import structlog

from ccp.settings import Settings

# Tracebacks without local variables, which structlog adds by default (for people too, if it finds
# the package rich): they hold EXI, whole EMAIDs and PCIDs.
_DICT_TRACEBACKS = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
)


def configure_logging(settings: Settings) -> dict[str, Any]:
    """
    Send everything that is logged to standard error, in one format.

    Returns: The configuration of the standard library's logging, to be applied by the caller.
    """
    logging.captureWarnings(True)  # of libraries, about odd certificates for one: a line as others
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderer: list[structlog.typing.Processor]
    if settings.log_format == "json":
        renderer = [_DICT_TRACEBACKS, structlog.processors.JSONRenderer()]
    else:
        renderer = [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        ]
    level = settings.log_level.upper()
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
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"level": others, "handlers": ["stderr"]},
        "loggers": {
            "ccp": {"level": level},
            # Connexion tells at "info" what we tell ourselves, or nobody should be told.
            "connexion": {"level": _quieter(level, "WARNING")},
            "gunicorn.error": {"level": others, "propagate": True, "handlers": []},
        },
    }


def _quieter(one: str, other: str) -> str:
    """Return the level that lets less through."""
    return max(one, other, key=logging.getLevelName)
