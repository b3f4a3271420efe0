"""Open one SQLite connection."""

import sqlite3
from pathlib import Path
from urllib.parse import quote


class StoreUnusable(Exception):
    """The database cannot be used by this version of the pool; the text says why."""


def connect(
    path: str | Path, mode: str, *, timeout_seconds: float, one_thread: bool = True
) -> sqlite3.Connection:
    """
    Open a database in autocommit mode: the caller begins and ends transactions.

    Args:
        path: Path of the file.
        mode: `ro` to read, `rw` to write, `rwc` to create the file as well if its folder exists.
        timeout_seconds: How long a statement waits for locks of other connections.
        one_thread: False if another thread may close the connection.
    """
    return sqlite3.connect(
        f"file:{quote(str(path))}?mode={mode}",
        uri=True,
        timeout=timeout_seconds,
        isolation_level=None,
        check_same_thread=one_thread,
    )
