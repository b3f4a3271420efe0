"""Translation of SQLite's errors to the errors of the pool."""

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
    """Raise errors of SQLite as `as_told` translates them."""
    try:
        yield
    except sqlite3.OperationalError as error:
        told = as_told(error)
        if told is error:
            raise
        log_disk_error(told)
        raise told from error


def as_told(error: BaseException) -> BaseException:
    """
    Translate an error of SQLite to an error of the pool; return any other error unchanged.

    Returns: StoreBusy (other processes hold the database), StoreFull (the disk is full),
        StoreFailed (the disk reports an error) or StoreUnreachable (the file is missing, or was
        moved); a new exception for each call, since several callers may get it.
    """
    kind: type[CcpError] | None = None
    if isinstance(error, StoreUnreachable):
        kind = StoreUnreachable
    elif isinstance(error, sqlite3.OperationalError):
        code = getattr(error, "sqlite_errorcode", 0)
        kind = _KINDS.get(code) or _KINDS.get(code & 0xFF)  # the low byte is the primary code
    if kind is None:
        return error
    told = kind()
    told.__cause__ = error
    return told


def log_disk_error(told: BaseException) -> None:
    """Log the cause of an error that an operator has to mend."""
    if isinstance(told, StoreFull):
        log.error("the disk takes no more", exc_info=told.__cause__)
    elif isinstance(told, StoreFailed):
        log.error("the disk reports an error", exc_info=told.__cause__)
    elif isinstance(told, StoreUnreachable) and isinstance(told.__cause__, sqlite3.Error):
        log.error("the database cannot be opened", exc_info=told.__cause__)


def is_busy(error: sqlite3.OperationalError) -> bool:
    """Return whether another process holds the database."""
    return isinstance(as_told(error), StoreBusy)
