"""SQLite connections: one for each thread, opened when first used, never before a fork."""

import random
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import structlog
from sqlite_utils import Database

from ccp.errors import StoreBusy, StoreFull

log = structlog.get_logger()

# WAL: readers and the one writer do not wait for each other. FULL: a 201 survives a power cut.
_PRAGMAS = ("journal_mode=wal", "synchronous=full", "foreign_keys=on", "trusted_schema=off")
# Then a transaction that hangs is left to the end of the process.
_CLOSING_SECONDS = 5


class StoreUnusable(Exception):
    """The database cannot serve this version of the pool; the text says why."""


def connect(
    path: str | Path, mode: str, *, timeout_seconds: float, one_thread: bool = True
) -> sqlite3.Connection:
    """
    Open a database; transactions are begun and ended by whoever uses it.

    Args:
        path: Of the file.
        mode: `ro` reads, `rw` writes, `rwc` makes the file if its folder exists.
        timeout_seconds: How long a statement waits for others.
        one_thread: False if another thread may close it.
    """
    return sqlite3.connect(
        f"file:{quote(str(path))}?mode={mode}",
        uri=True,
        timeout=timeout_seconds,
        isolation_level=None,
        check_same_thread=one_thread,
    )


class Connections:
    """
    The connections of one process to one database file.

    Args:
        path: Of the database file; SQLite makes it if its folder exists.
        busy_timeout_seconds: How long a statement waits for another writer.
    """

    def __init__(self, path: str, *, busy_timeout_seconds: float) -> None:
        self._path = path
        self._busy_timeout_seconds = busy_timeout_seconds
        self._local = threading.local()
        self._opened: list[Database] = []
        # Who forgets a store leaves no connection open; at the end of the interpreter none matters.
        weakref.finalize(self, _close_all, self._opened).atexit = False
        self._writing = threading.Lock()
        self._mode = "rwc"

    @property
    def database(self) -> Database:
        """The connection by which the calling thread reads."""
        return self._of_thread("reads")

    def _of_thread(self, name: str, *pragmas: str) -> Database:
        database: Database | None = getattr(self._local, name, None)
        if database is None:
            database = self._open((*_PRAGMAS, *pragmas))
            setattr(self._local, name, database)
            self._opened.append(database)
        return database

    def _open(self, pragmas: Iterable[str]) -> Database:
        connection = connect(
            self._path, self._mode, timeout_seconds=self._busy_timeout_seconds, one_thread=False
        )
        try:
            for pragma in pragmas:
                connection.execute(f"PRAGMA {pragma}")
            (journal,) = connection.execute("PRAGMA journal_mode").fetchone()
            if journal != "wal":
                raise StoreUnusable(f"SQLite keeps no write-ahead log beside {self._path}")
        except BaseException:
            connection.close()
            raise
        return Database(connection, execute_plugins=False)

    @contextmanager
    def read(self) -> Iterator[Database]:
        """Give the thread's connection; a database held by others too long is StoreBusy."""
        try:
            yield self.database
        except sqlite3.OperationalError as error:
            if is_busy(error):
                raise StoreBusy from error
            raise

    @contextmanager
    def transaction(self) -> Iterator[Database]:
        """
        Give the thread a connection inside one transaction, undone if anything is raised.

        The write lock is taken first: what is read inside stays true until the commit. SQLite's own
        errors are not told to callers here, as those of several may be at stake.
        """
        with self._writing:
            database = self._of_thread("writes", "busy_timeout=0")  # see `_begin`
            self._begin(database.conn)
            try:
                yield database
                database.conn.execute("COMMIT")
            except BaseException:
                database.rollback()
                raise

    def _begin(self, connection: sqlite3.Connection) -> None:
        """
        Wait for the write lock.

        SQLite's own waiting sleeps longer each time, up to 100 ms, so that some writer starves;
        with short naps of our own the slowest of many puts waits a third as long.
        """
        deadline = time.monotonic() + self._busy_timeout_seconds
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if not is_busy(error) or time.monotonic() > deadline:
                    raise
            time.sleep(random.uniform(0.0005, 0.0015))  # noqa: S311 - nobody has to guess it

    def close(self) -> None:
        """
        Close every connection of this process, behind a transaction that still goes on.

        None may be read by. One whose transaction does not end, as on a disk that hangs, stays open
        with all others. Those opened from now on find the file, or fail: one that was taken away is
        not made anew.
        """
        if not self._writing.acquire(timeout=_CLOSING_SECONDS):
            return
        try:
            _close_all(self._opened)
            self._local = threading.local()
            self._mode = "rw"
        finally:
            self._writing.release()


def _close_all(opened: list[Database]) -> None:
    while opened:
        opened.pop().close()


@contextmanager
def told_to_writers() -> Iterator[None]:
    """Raise what a writer is told."""
    try:
        yield
    except sqlite3.OperationalError as error:
        told = as_told(error)
        log_if_full(told)
        if told is error:
            raise
        raise told from error


def as_told(error: BaseException) -> BaseException:
    """Turn SQLite's errors of a database held, or of a disk that takes no more, into our own."""
    told = error
    if isinstance(error, sqlite3.OperationalError):
        if is_busy(error):
            told = StoreBusy()
        elif _code(error) in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            told = StoreFull()
    if told is not error:
        told.__cause__ = error
    return told


def log_if_full(told: BaseException) -> None:
    """Say in the log why a disk takes no more."""
    if isinstance(told, StoreFull):
        log.error("the disk takes no more", exc_info=told.__cause__)


def is_busy(error: sqlite3.OperationalError) -> bool:
    """Tell whether somebody else holds the database."""
    return _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _code(error: sqlite3.OperationalError) -> int:
    """The low byte is the primary code; the rest only says where it was."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
