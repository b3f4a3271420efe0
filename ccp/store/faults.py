"""Conversion of SQLite errors to errors of the pool."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from ccp.domain.errors import CcpError, StoreBusy, StoreFailed, StoreFull, StoreUnreachable

log = structlog.get_logger()

_KINDS: dict[int, type[CcpError]] = {
    sqlite3.SQLITE_BUSY: StoreBusy,
    sqlite3.SQLITE_LOCKED: StoreBusy,
    sqlite3.SQLITE_FULL: StoreFull,
    sqlite3.SQLITE_IOERR: StoreFailed,
    sqlite3.SQLITE_CANTOPEN: StoreUnreachable,
    sqlite3.SQLITE_READONLY_DBMOVED: StoreUnreachable,
}


@contextmanager
def translated_errors() -> Iterator[None]:
    """Raise SQLite errors of the block as errors of the pool; see `translate_error`."""
    try:
        yield
    except sqlite3.OperationalError as error:
        translated = translate_error(error)
        if translated is error:
            raise
        log_disk_error(translated)
        raise translated from error


def translate_error(error: BaseException) -> BaseException:
    """
    Convert a SQLite error to an error of the pool; return any other error unchanged.

    Returns: StoreBusy (other processes hold the database), StoreFull (the disk is full),
        StoreFailed (the disk reports an error) or StoreUnreachable (the file is missing, or was
        moved). Each call returns a new exception, as several callers may raise it.
    """
    kind: type[CcpError] | None = None
    if isinstance(error, StoreUnreachable):
        kind = StoreUnreachable
    elif isinstance(error, sqlite3.OperationalError):
        code = getattr(error, "sqlite_errorcode", 0)
        kind = _KINDS.get(code) or _KINDS.get(code & 0xFF)  # the low byte is the primary code
    if kind is None:
        return error
    translated = kind()
    translated.__cause__ = error
    return translated


def log_disk_error(translated: BaseException) -> None:
    """Log the cause of an error that an operator has to fix."""
    if isinstance(translated, StoreFull):
        log.error("the disk is full", exc_info=translated.__cause__)
    elif isinstance(translated, StoreFailed):
        log.error("the disk reports an error", exc_info=translated.__cause__)
    elif isinstance(translated, StoreUnreachable) and isinstance(
        translated.__cause__, sqlite3.Error
    ):
        log.error("the database cannot be opened", exc_info=translated.__cause__)


def is_busy(error: sqlite3.OperationalError) -> bool:
    """Return whether another process holds the database."""
    return isinstance(translate_error(error), StoreBusy)
