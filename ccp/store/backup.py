"""Copies of a pool's database: taken and put back while it is in use, and checked."""

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlite_utils import Database

from ccp.store.connections import StoreUnusable, connect
from ccp.store.migrations import migrations, require_ours
from ccp.store.records import SignedContractData
from ccp.store.rows import SELECT, record_of
from ccp.store.store import Store

_BUSY_SECONDS = 10


def back_up(path: Path, target: Path) -> None:
    """
    Copy a database, which may be in use, as it is at one moment.

    Args:
        path: Of the database.
        target: Of the copy: one file, which appears when it is whole and on disk, and which its
            owner alone can read.
    Raises:
        StoreUnusable: The database cannot be read, or the copy cannot be written, or there is
            something at *target*; nothing was changed.
    """
    draft = None
    try:
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        os.close(descriptor)
        draft = Path(name)
        _copy(path, draft)
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        os.link(draft, target)  # unlike a rename it replaces nothing
    except OSError as error:
        raise StoreUnusable(f"{target} cannot be written: {error.strerror}") from error
    finally:
        if draft:
            draft.unlink(missing_ok=True)


@contextmanager
def brought_up_to_date(source: Path, beside: Path) -> Iterator[Path]:
    """
    Give a copy of a backup that this version can work with; the backup itself stays as it is.

    Args:
        source: The backup.
        beside: Of the database; there is room for one more there.
    Raises:
        StoreUnusable: It is no database of a pool, or of a newer version, or there is no room.
    """
    try:
        with tempfile.TemporaryDirectory(dir=beside.parent, prefix=f".{beside.name}.") as folder:
            copy = Path(folder) / "copy"
            _copy(source, copy)
            with _told(source), closing(_connect(copy, "ro")) as connection:
                _require_pool(connection, source)
            Store(copy).close()
            yield copy
    except OSError as error:
        raise StoreUnusable(f"{beside.parent} cannot be written: {error.strerror}") from error


def replace(path: Path, copy: Path) -> None:
    """
    Put a copy in place of all that a database has, in one transaction; it may be in use.

    Args:
        path: Of the database; it is made if its folder exists.
        copy: See `brought_up_to_date`.
    Raises:
        StoreUnusable: The database cannot be written; nothing was changed.
    """
    Store(path).close()  # one that is not there yet is begun as any other
    with _told(path), closing(_connect(path, "rw")) as database:
        database.execute("PRAGMA synchronous=full")
        with closing(_connect(copy, "ro")) as source:
            source.backup(database)


def problems_of(path: Path) -> Iterator[str]:
    """
    Look for what is wrong with a database as such; nothing is written, and it may be in use.

    Returns: A sentence each: what SQLite's own check finds, and what contradicts itself.
    Raises:
        StoreUnusable: It cannot be read, or is none of a pool of this version.
    """
    with _told(path), closing(_connect(path, "ro")) as connection:
        _require_pool(connection, path)
        if migrations.pending(Database(connection, execute_plugins=False)):
            raise StoreUnusable(f"{path} is of an older version; a pool brings it up to date")
        found = [text for (text,) in connection.execute("PRAGMA integrity_check") if text != "ok"]
        yield from found
        if found:  # what follows would stumble over it
            return
        orphans = connection.execute(
            """
            SELECT emaid_key, pcid_key FROM default_contract
            EXCEPT SELECT emaid_key, pcid_key FROM signed_contract_data
            """
        )
        for emaid, pcid in orphans:
            yield f"{emaid} is the default of {pcid}, and is not stored for it."
        shared = connection.execute(
            """
            SELECT emaid_key FROM signed_contract_data
            GROUP BY emaid_key HAVING COUNT(DISTINCT pcid_key) > 1
            """
        )
        for (emaid,) in shared:
            yield f"{emaid} is stored for several cars."


def every_record(path: Path) -> Iterator[SignedContractData]:
    """
    Give all records of a database, one after the other; nothing is written.

    Raises:
        StoreUnusable: It cannot be read.
    """
    with _told(path), closing(_connect(path, "ro")) as connection:
        for row in connection.execute(SELECT):
            yield record_of(row)


def _copy(path: Path, target: Path) -> None:
    with (
        _told(path),
        closing(_connect(path, "ro")) as source,
        closing(_connect(target, "rwc")) as copy,
    ):
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=delete")  # one file, with nothing beside it


def _require_pool(connection: sqlite3.Connection, path: Path) -> None:
    database = Database(connection, execute_plugins=False)
    if not migrations.applied(database):
        raise StoreUnusable(f"{path} is no database of a pool")
    require_ours(database)


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    return connect(path, mode, timeout_seconds=_BUSY_SECONDS)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise StoreUnusable(f"{path} cannot be used: {error}") from error
