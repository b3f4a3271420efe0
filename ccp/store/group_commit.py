"""Writes of many threads that come at once: one transaction, one wait for the disk."""

import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from sqlite_utils import Database

from ccp.store.connections import Connections, told_to_writers

T = TypeVar("T")


class _Pending(Generic[T]):
    """A write that waits for its turn; once it is done, it has a result or an error."""

    def __init__(self, write: Callable[[Database], T]) -> None:
        self.write = write
        self.done = False
        self.result: T
        self.error: BaseException | None = None


class GroupCommit:
    """
    Commits whatever has come while the disk was busy with the commit before.

    Each thread waits until its own write is on disk. One of them, whoever is first, does the work
    of all that have come by then.

    Args:
        connections: Of the database.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._waiting: deque[_Pending[object]] = deque()
        self._turn = threading.Lock()

    def write(self, write: Callable[[Database], T]) -> T:
        """
        Do a write, as if it were alone in a transaction of its own.

        Args:
            write: Is called once, maybe by another thread, behind the write lock: what it reads
                stays true until the commit. If it raises anything, nothing of it is done.
        Returns: What *write* returned, once that is on disk.
        Raises:
            StoreBusy: The database is held by others for too long.
            StoreFull: The disk takes no more.
            Exception: What *write* raised.
        """
        pending = _Pending(write)
        self._waiting.append(pending)  # type: ignore[arg-type]
        with told_to_writers():
            with self._turn:
                if not pending.done:
                    self._commit([self._waiting.popleft() for _ in range(len(self._waiting))])
            if pending.error is not None:
                raise pending.error
        return pending.result

    def _commit(self, group: list[_Pending[object]]) -> None:
        try:
            with self._connections.transaction() as database:
                for pending in group:
                    _apply(pending, database)
        except BaseException as error:  # of all of them nothing is done
            for pending in group:
                pending.error = error
        finally:
            for pending in group:
                pending.done = True


def _apply(pending: _Pending[object], database: Database) -> None:
    """Do one write of several; what it raises undoes itself alone."""
    database.conn.execute("SAVEPOINT one")
    try:
        pending.result = pending.write(database)
    except sqlite3.Error:  # SQLite may have undone the transaction by itself
        raise
    except Exception as error:
        database.conn.execute("ROLLBACK TO one")
        pending.error = error
    database.conn.execute("RELEASE one")
