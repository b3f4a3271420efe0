"""Writes that come at once: one commit for all of them, and for each its own outcome."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database
from structlog.testing import capture_logs

from ccp.domain.errors import ContractNotFound, StoreBusy, StoreFailed, StoreFull
from ccp.store.connections import Connections
from ccp.store.group_commit import GroupCommit
from tests.waiting import SECONDS

Write = Callable[[Database], Any]


@pytest.fixture
def connections(tmp_path: Path) -> Iterator[Connections]:
    """Those of a database with one table of numbers."""
    made = Connections(str(tmp_path / "numbers.db"), busy_timeout_seconds=SECONDS)
    made.database.execute("CREATE TABLE number (value INTEGER PRIMARY KEY)")
    yield made
    made.close()


def add(value: int) -> Write:
    """Store a number, and tell how many there are then."""

    def write(database: Database) -> int:
        database.execute("INSERT INTO number VALUES (?)", [value])
        return int(database.execute("SELECT COUNT(*) FROM number").fetchone()[0])

    return write


def stored(connections: Connections) -> set[int]:
    """What is there."""
    return {value for (value,) in connections.database.execute("SELECT value FROM number")}


@contextmanager
def busy(group: GroupCommit) -> Iterator[None]:
    """One write goes on meanwhile, so that those that come are a group."""
    begun, goes_on = threading.Event(), threading.Event()

    def first(_database: Database) -> None:
        begun.set()
        goes_on.wait(SECONDS)

    group.submit(first)
    begun.wait(SECONDS)
    yield
    goes_on.set()


def at_once(connections: Connections, *writes: Write) -> list[Future[Any]]:
    """Let writes be a group; wait for all."""
    group = GroupCommit(connections)
    with busy(group):
        outcomes = [group.submit(write) for write in writes]
    wait(outcomes)
    return outcomes


@contextmanager
def counted(connections: Connections, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Counts the transactions."""
    transactions: list[int] = []
    begin = connections.transaction

    @contextmanager
    def transaction() -> Iterator[Database]:
        transactions.append(1)
        with begin() as database:
            yield database

    monkeypatch.setattr(connections, "transaction", transaction)
    yield transactions


def test_what_comes_meanwhile_is_committed_together(
    connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight writers wait for the disk once, and each is told its own result."""
    with counted(connections, monkeypatch) as transactions:
        outcomes = at_once(connections, *map(add, range(8)))
    assert [outcome.result() for outcome in outcomes] == list(range(1, 9))
    assert len(transactions) == 2
    assert stored(connections) == set(range(8))


def test_what_is_expected_is_waited_for(
    connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as whoever made it says; then all that has come is one transaction."""
    no_more = threading.Event()
    group = GroupCommit(connections, gather=partial(no_more.wait, SECONDS))
    with counted(connections, monkeypatch) as transactions:
        outcomes = [group.submit(add(value)) for value in range(8)]
        assert transactions == []
        no_more.set()
        assert [outcome.result() for outcome in outcomes] == list(range(1, 9))
    assert len(transactions) == 1


def test_one_writer_waits_for_nobody(
    connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Alone, each write is a transaction."""
    group = GroupCommit(connections)
    with counted(connections, monkeypatch) as transactions:
        assert [group.submit(add(value)).result() for value in range(3)] == [1, 2, 3]
    assert len(transactions) == 3


def test_what_one_of_them_raises_is_told_to_it_alone(connections: Connections) -> None:
    """The others are stored as if it had not been there."""

    def refused(_database: Database) -> None:
        raise ContractNotFound

    one, other, last = at_once(connections, add(1), refused, add(2))
    assert one.result() == 1
    assert isinstance(other.exception(), ContractNotFound)
    assert last.result() == 2
    assert stored(connections) == {1, 2}


def test_of_what_is_half_done_nothing_is_stored(connections: Connections) -> None:
    """A write that breaks off takes those with it that came at the same time, and all are told."""

    def half(database: Database) -> None:
        add(7)(database)
        raise ZeroDivisionError

    outcomes = at_once(connections, add(1), half, add(2))
    assert all(isinstance(one.exception(), ZeroDivisionError) for one in outcomes)
    assert stored(connections) == set()
    assert GroupCommit(connections).submit(add(3)).result() == 1


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (sqlite3.SQLITE_FULL, StoreFull),
        (sqlite3.SQLITE_IOERR_FSYNC, StoreFailed),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, StoreBusy),
        (sqlite3.SQLITE_CORRUPT, sqlite3.OperationalError),
    ],
)
def test_what_the_disk_refuses_is_done_for_none(
    connections: Connections, code: int, error: type[Exception]
) -> None:
    """Each is told, with an exception of its own; nothing of what came before it is stored."""

    def refused(database: Database) -> None:
        add(7)(database)
        fault = sqlite3.OperationalError("refused")
        fault.sqlite_errorcode = code
        raise fault

    with capture_logs() as lines:
        outcomes = at_once(connections, add(1), refused, add(2))
        assert GroupCommit(connections).submit(add(3)).result() == 1
    errors = [outcome.exception() for outcome in outcomes]
    assert [type(one) for one in errors] == [error] * 3
    assert stored(connections) == {3}
    if error is not sqlite3.OperationalError:
        assert len({id(one) for one in errors}) == 3
        assert all(isinstance(one.__cause__, sqlite3.OperationalError) for one in errors if one)
    assert len(lines) == (error in (StoreFull, StoreFailed))


def test_a_transaction_that_sqlite_has_undone_is_told_to_all(connections: Connections) -> None:
    """A full disk ends a transaction by itself; what follows must not be committed alone."""

    def undone(database: Database) -> None:
        database.conn.execute("ROLLBACK")

    outcomes = at_once(connections, add(1), undone, add(2))
    assert all(isinstance(one.exception(), sqlite3.OperationalError) for one in outcomes)
    assert stored(connections) == set()


def test_a_database_that_is_held_is_told_to_all(tmp_path: Path) -> None:
    """Who holds the write lock for too long is waited for once, not once for each."""
    path = tmp_path / "held.db"
    connections = Connections(str(path), busy_timeout_seconds=0.2)
    connections.database.execute("CREATE TABLE number (value INTEGER PRIMARY KEY)")
    group = GroupCommit(connections)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    outcomes = [group.submit(add(value)) for value in range(4)]
    assert all(isinstance(one.exception(), StoreBusy) for one in outcomes)
    holder.execute("ROLLBACK")
    holder.close()
    assert group.submit(add(1)).result() == 1
    connections.close()


def test_what_nobody_waits_for_any_more_is_not_begun(connections: Connections) -> None:
    """A write that was cancelled in its turn is left out; the others are done."""
    group = GroupCommit(connections)
    with busy(group):
        cancelled, last = group.submit(add(1)), group.submit(add(2))
        assert cancelled.cancel()
    assert last.result() == 1
    assert stored(connections) == {2}


def test_work_begins_again_after_a_rest(connections: Connections) -> None:
    """However the end of one group and the next write fall together, none is left lying."""
    group = GroupCommit(connections)
    for value in range(300):
        assert group.submit(add(value)).result(SECONDS) == value + 1


def test_closing_waits_for_the_write_that_goes_on(connections: Connections) -> None:
    """Ctrl-C ends a command while its writer is at work; nothing is closed under its feet."""
    group = GroupCommit(connections)
    with busy(group):
        last = group.submit(add(1))
        closing = threading.Thread(target=connections.close)
        closing.start()
        closing.join(0.05)
        assert closing.is_alive()
    closing.join(SECONDS)
    assert not closing.is_alive()
    assert last.result(SECONDS) == 1
    assert stored(connections) == {1}


def test_a_write_that_hangs_is_closed_over(
    connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a disk that does not answer: the process can end."""
    monkeypatch.setattr("ccp.store.connections._CLOSING_SECONDS", 0.01)
    group = GroupCommit(connections)
    with busy(group):
        connections.close()
        last = group.submit(add(1))
    assert last.result(SECONDS) == 1
