"""Check whether a database can be read and written at this moment."""

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from sqlite_utils import Database

from ccp.store.connect import StoreUnusable, connect
from ccp.store.faults import is_busy
from ccp.store.migrations import migrations, require_pool

# The write-ahead log grows by some pages with each write.
_ROOM_BYTES = 64 * 1024
_BUSY_SECONDS = 0.1


class Readiness(NamedTuple):
    """
    The problems of a database; None for each that it does not have.

    Attributes:
        database: Why the database cannot be written.
        migrations: Why the database is not of this version.
    """

    database: str | None = None
    migrations: str | None = None


def readiness_of(path: Path) -> Readiness:
    """
    Check what a write needs, without changing anything: space on the disk, and the write lock.

    A lock that another process holds counts as writable.

    Args:
        path: Path of the file. It is opened anew, as an open file still works after its removal.
    """
    try:
        with tempfile.TemporaryFile(dir=path.parent) as room:
            room.write(bytes(_ROOM_BYTES))
            room.flush()
        with closing(connect(path, "rw", timeout_seconds=_BUSY_SECONDS)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
                # On a read-only file, BEGIN IMMEDIATE alone does not fail.
                connection.execute("PRAGMA user_version=1")
                connection.execute("ROLLBACK")
            except sqlite3.OperationalError as error:
                if not is_busy(error):
                    raise
            return Readiness(migrations=_why_not_migrated(connection, path))
    except OSError as error:
        return Readiness(f"{path.parent} cannot be written: {error.strerror}", "unknown")
    except sqlite3.DatabaseError as error:
        return Readiness(f"{path} cannot be written: {error}", "unknown")


def misplaced(problem: str) -> Readiness:
    """
    Report that this process has other files open than those at the database's path.

    The files at the path are not opened: SQLite would read the side files of another database as
    theirs.

    Args:
        problem: See `Connections.problem`.
    """
    return Readiness(problem, "unknown")


def _why_not_migrated(connection: sqlite3.Connection, path: Path) -> str | None:
    try:
        require_pool(connection, path)
    except StoreUnusable as error:
        return str(error)
    pending = migrations.pending(Database(connection, execute_plugins=False))
    return f"it lacks {pending[0].name}" if pending else None
