"""Copies of a pool's database, also while it is in use."""

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from ccp.store.connect import StoreUnusable, connect
from ccp.store.rows import RowInvalid

_BUSY_SECONDS = 10


def back_up(path: Path, target: Path, *, replaces: bool = False) -> None:
    """
    Copy a database, which may be in use, to one file.

    Args:
        path: Path of the database.
        target: Path of the copy. The file appears when it is complete and on disk, and only its
            owner can read it.
        replaces: Whether to replace a file at *target*.
    Raises:
        StoreUnusable: The database cannot be read, the copy cannot be written, or *target* exists
            and is not to be replaced. Nothing was changed.
    """
    draft = None
    try:
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        os.close(descriptor)
        draft = Path(name)
        copy_database(path, draft)
        _to_disk(draft)
        (os.replace if replaces else os.link)(draft, target)
        _to_disk(target.parent)
    except OSError as error:
        raise StoreUnusable(f"{target} cannot be written: {error.strerror}") from error
    finally:
        if draft:
            draft.unlink(missing_ok=True)


def copy_database(path: Path, target: Path) -> None:
    """
    Copy a database, as it is at one moment, to one file without a write-ahead log.

    Raises:
        StoreUnusable: The database cannot be read, or the copy cannot be written.
    """
    with (
        store_unusable(f"{path} cannot be copied"),
        closing(connect_for_copy(path, "ro")) as source,
        closing(connect_for_copy(target, "rwc")) as copy,
    ):
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=delete")


def connect_for_copy(path: Path, mode: str) -> sqlite3.Connection:
    """Open a database, and wait for other processes as long as a copy may; see `connect`."""
    return connect(path, mode, timeout_seconds=_BUSY_SECONDS)


@contextmanager
def store_unusable(what: str) -> Iterator[None]:
    """Raise database errors of the block as StoreUnusable, with *what* before the reason."""
    try:
        yield
    except (sqlite3.DatabaseError, RowInvalid) as error:
        raise StoreUnusable(f"{what}: {error}") from error


def _to_disk(path: Path) -> None:
    """Sync a file or folder to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
