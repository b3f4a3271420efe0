"""Whether a database can be read and written at this moment."""

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from sqlite_utils import Database

from ccp.store.connections import StoreUnusable, connect
from ccp.store.faults import is_busy
from ccp.store.migrations import migrations, require_pool

# Of the write-ahead log, which has to grow for a write: some pages, each with its head.
_ROOM_BYTES = 64 * 1024
_BUSY_SECONDS = 0.1


class Readiness(NamedTuple):
    """
    What is wrong with a database, in words; None where nothing is.

    Attributes:
        database: Why it cannot be written.
        migrations: Why it is not of this version.
    """

    database: str | None = None
    migrations: str | None = None


def readiness_of(path: Path) -> Readiness:
    """
    Try what a write needs, and change nothing: room beside the file, and its write lock.

    Whoever holds the lock for a moment is a writer, and shows that it can be written.

    Args:
        path: Of the file; it is opened anew, for one that was taken away goes on for who has it.
    """
    try:
        with tempfile.TemporaryFile(dir=path.parent) as room:
            room.write(bytes(_ROOM_BYTES))
            room.flush()
        with closing(connect(path, "rw", timeout_seconds=_BUSY_SECONDS)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
                # To a file that may only be read SQLite has just begun to read.
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
