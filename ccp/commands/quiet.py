"""What the pool would log, in a command: only what matters, and not among its output."""

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from ccp.observability.log import printable_values


@contextmanager
def warnings_to_stderr() -> Iterator[None]:
    """Log warnings and errors to standard error, and nothing else; no library warns there."""
    before = structlog.get_config()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            printable_values,
            structlog.dev.ConsoleRenderer(colors=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        structlog.configure(**before)
