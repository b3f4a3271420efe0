"""Writes that come at once: one transaction, one wait for the disk."""

import sqlite3
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, Generic, TypeVar

from sqlite_utils import Database

from ccp.domain.threads import Crew
from ccp.store.connections import Connections
from ccp.store.faults import log_disk_error, translate_error

T = TypeVar("T")


class _Pending(Generic[T]):
    """A write that waits for its turn, and what is told of it once it is on disk."""

    def __init__(self, write: Callable[[Database], T]) -> None:
        self.told: Future[T] = Future()
        self._write = write
        self._error: Exception | None = None
        self._result: T

    def do(self, database: Database) -> None:
        """
        Do one write of several; what it raises before it has changed anything is its own affair.

        A savepoint for each would cost as much as half of what they do.
        """
        before = database.conn.total_changes
        try:
            self._result = self._write(database)
        except sqlite3.Error:  # SQLite may have undone the transaction by itself
            raise
        except Exception as error:
            if database.conn.total_changes != before:
                raise
            self._error = error
        if not database.conn.in_transaction:  # the next one would be committed by itself
            raise sqlite3.OperationalError("the transaction has been undone")

    def tell(self) -> None:
        """Give what was raised or returned."""
        if self._error is not None:
            self.told.set_exception(self._error)
        else:
            self.told.set_result(self._result)


class GroupCommit:
    """
    Commits whatever has come while the disk was busy with the commit before.

    A thread of its own writes, so that nobody who waits keeps one.

    Args:
        connections: Of the database.
        gather: See `Store`.
    """

    def __init__(self, connections: Connections, gather: Callable[[], bool] = lambda: True) -> None:
        self._writer: Crew[_Pending[Any]] = Crew(
            partial(_commit, connections), name="writer", gather=gather
        )

    def submit(self, write: Callable[[Database], T]) -> Future[T]:
        """
        Begin a write, which is done as if it were alone in a transaction of its own.

        Args:
            write: Is called once, by another thread, behind the write lock: what it reads stays
                true until the commit. If it raises anything, nothing of it is done; it should do
                so before it changes anything, for afterwards nothing of any other write that has
                come at the same time is done either, and all are told.
        Returns: What *write* returns, once that is on disk, or what it raises; or StoreBusy,
            StoreFull, StoreFailed or StoreUnreachable. What is cancelled before its turn is not
            done.
        """
        pending = _Pending(write)
        self._writer.put(pending)
        return pending.told


def _commit(connections: Connections, come: list[_Pending[Any]]) -> None:
    """Do writes in one transaction, but for those that nobody waits for any more."""
    group = [one for one in come if one.told.set_running_or_notify_cancel()]
    try:
        with connections.transaction() as database:
            for pending in group:
                pending.do(database)
    except BaseException as error:  # of all of them nothing is done
        for pending in group:  # each is told by an error of its own
            pending.told.set_exception(translate_error(error))
        log_disk_error(translate_error(error))
    else:
        for pending in group:
            pending.tell()
