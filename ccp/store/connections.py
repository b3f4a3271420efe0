"""SQLite connections: one for each thread, opened when first used, never before a fork."""

import random
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import structlog
from sqlite_utils import Database

from ccp.domain.errors import StoreUnreachable
from ccp.store.connect import StoreUnusable, connect
from ccp.store.faults import is_busy, translate_error, translated_errors
from ccp.store.places import Files, create_private, file_id, files_at

log = structlog.get_logger()

# WAL: readers and the one writer do not wait for each other. FULL: a 201 survives a power cut.
# A log that grew while something kept it from being reset is cut when it is reset.
_PRAGMAS = (
    "journal_mode=wal",
    "synchronous=full",
    "foreign_keys=on",
    "trusted_schema=off",
    f"journal_size_limit={8 * 2**20}",
)
_OTHER_LOG = (
    "the write-ahead log of another database lies beside the database: stop the pool, and move the"
    " files ending in -wal and -shm away"
)
# The database is not opened again then: the log that was removed has acknowledged writes, and other
# workers still use it. The last connection to be closed copies them into the database.
_LOG_GONE = "the write-ahead log was removed or replaced: restart the pool, which keeps its content"
# Then a transaction that hangs is left to the end of the process.
_CLOSING_SECONDS = 5


class _Connection(NamedTuple):
    """
    A connection, and the files that it has opened.

    Attributes:
        database: The connection.
        files: See `Files`.
    """

    database: Database
    files: Files


class Connections:
    """
    The connections of one process to one database file.

    A database file that is moved or replaced while it is open still takes writes, which are lost to
    the pool. So each read checks whether the path leads to the file that was opened, and opens the
    file that is there now if not. Each transaction checks the write-ahead log and its index as
    well, before it begins and again before its writes are acknowledged.

    Args:
        path: Of the database file; it is created if its folder exists.
        busy_timeout_seconds: How long a statement waits for another writer.
        require_usable: Called with each database that is opened after the first `close`; raises
            StoreUnusable if it cannot serve.
    """

    def __init__(
        self,
        path: str,
        *,
        busy_timeout_seconds: float,
        require_usable: Callable[[Database], None] = lambda _database: None,
    ) -> None:
        self._path = path
        self._busy_timeout_seconds = busy_timeout_seconds
        self._require_usable = require_usable
        self._local = threading.local()
        self._opened: list[_Connection] = []
        # A store that is forgotten leaves no connection open. At the end of the interpreter, where
        # this would run in any order, the system closes them.
        weakref.finalize(self, _close_all, self._opened).atexit = False
        self._writing = threading.Lock()
        self._may_create = True
        self._logged_problem: str | None = None

    @property
    def database(self) -> Database:
        """The connection by which the calling thread reads."""
        return self._of_thread("reads").database

    def _of_thread(self, name: str, *pragmas: str) -> _Connection:
        old: _Connection | None = getattr(self._local, name, None)
        if old is not None and not self._is_moved(old):
            return old
        # The old connection stays open until there is a new one: no other file gets its inodes.
        connection = self._open((*_PRAGMAS, *pragmas))
        setattr(self._local, name, connection)
        self._opened.append(connection)
        if old is not None:
            self._log("the database file was moved or replaced")
            self._opened.remove(old)
            old.database.close()  # SQLite does not touch the log of a file that was moved
        return connection

    def _is_moved(self, connection: _Connection) -> bool:
        """Return whether the path leads to another file; in a transaction, that can wait."""
        return (
            not connection.database.conn.in_transaction
            and file_id(self._path) != connection.files.database
        )

    def _open(self, pragmas: tuple[str, ...]) -> _Connection:
        if self._may_create:
            create_private(self._path)
            return self._connect(pragmas)
        files = files_at(self._path)
        problem = self._problem_at(files)
        if problem is None:
            try:
                connection = self._connect(pragmas)
            except StoreUnusable as error:
                problem = str(error)
            except sqlite3.DatabaseError as error:
                if translate_error(error) is not error:
                    raise
                problem = str(error)
            else:
                if connection.files.database == files.database:
                    return connection
                # The next request tries again.
                problem = "the database file was replaced while it was opened"
                connection.database.close()
        self._log(problem)
        raise StoreUnreachable

    def _problem_at(self, files: Files) -> str | None:
        """Return why the files at the path must not be opened; None if they may be."""
        if files.database is None:
            return "the database file is missing"
        for connection in list(self._opened):
            if connection.files.left_behind_at(files):
                return _OTHER_LOG
            if connection.files.database == files.database and connection.files != files:
                return _LOG_GONE
        return None

    def _connect(self, pragmas: tuple[str, ...]) -> _Connection:
        connection = connect(
            self._path, "rw", timeout_seconds=self._busy_timeout_seconds, one_thread=False
        )
        database = Database(connection, execute_plugins=False)
        try:
            if not self._may_create:
                self._require_usable(database)
            for pragma in pragmas:
                # SQLite itself does not wait for a process that is creating the same database.
                self._patiently(connection, f"PRAGMA {pragma}")
            (journal,) = connection.execute("PRAGMA journal_mode").fetchone()
            if journal != "wal":
                raise StoreUnusable(f"SQLite keeps no write-ahead log beside {self._path}")
            # Opens the log, so that its inode is known.
            connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
            return _Connection(database, files_at(self._path))
        except BaseException:
            connection.close()
            raise

    @contextmanager
    def read(self) -> Iterator[Database]:
        """
        Yield the calling thread's connection.

        Raises:
            StoreBusy, StoreFull, StoreFailed, StoreUnreachable: See `translate_error`.
        """
        with translated_errors():
            yield self.database

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """
        Make all reads of the calling thread inside the block see the database at one moment.

        Raises:
            StoreBusy, StoreFull, StoreFailed, StoreUnreachable: See `translate_error`.
        """
        with self.read() as database:
            database.conn.execute("BEGIN")
            try:
                yield
            finally:
                database.conn.rollback()  # nothing was written

    @contextmanager
    def transaction(self) -> Iterator[Database]:
        """
        Yield a connection inside one transaction, undone if anything is raised.

        The write lock is taken first: what is read inside stays true until the commit. Errors of
        SQLite are raised unchanged, since several callers may need one of their own.

        Raises:
            StoreUnreachable: The database was moved or replaced. If that happened before the
                transaction began, nothing was written. If it happened before the commit was over,
                the writes are in a file that is not the pool's any more.
        """
        with self._writing:
            connection = self._of_thread("writes", "busy_timeout=0")  # see `_patiently`
            database = connection.database
            self._require_in_place(connection)
            self._patiently(database.conn, "BEGIN IMMEDIATE")
            try:
                yield database
                database.conn.execute("COMMIT")
            except BaseException:
                database.rollback()
                raise
            # Three cases remain. A file that is moved after this check has all acknowledged writes.
            # So has a file that is moved away and back within the transaction. A file whose content
            # is overwritten in place (`cp copy.db ccp.db`) keeps its inode: no check sees that.
            self._require_in_place(connection)

    def _require_in_place(self, connection: _Connection) -> None:
        problem = self._misplaced(connection)
        if problem:
            self._log(problem)
            raise StoreUnreachable
        self._logged_problem = None

    def _misplaced(self, connection: _Connection) -> str | None:
        if file_id(self._path) != connection.files.database:
            return "the database file was moved or replaced"
        return None if connection.files.are_side_files_in_place else _LOG_GONE

    def problem(self) -> str | None:
        """
        Return why the files of this process are not those at the path.

        None if they are, if the file at the path can be opened in their place, or if it is missing.
        """
        files = files_at(self._path)
        return None if files.database is None else self._problem_at(files)

    def _log(self, problem: str) -> None:
        """Log an error, unless it was the last one that was logged."""
        if problem != self._logged_problem:
            self._logged_problem = problem
            log.error("the database cannot be used", error=problem, path=self._path)

    def _patiently(self, connection: sqlite3.Connection, statement: str) -> None:
        """
        Execute a statement that needs a lock, and wait for the lock.

        SQLite's own waiting sleeps longer each time, up to 100 ms, so that some writer starves;
        with short naps of our own the slowest of many puts waits a third as long.
        """
        deadline = time.monotonic() + self._busy_timeout_seconds
        while True:
            try:
                connection.execute(statement)
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
            self._may_create = False
        finally:
            self._writing.release()


def _close_all(opened: list[_Connection]) -> None:
    while opened:
        opened.pop().database.close()
