"""Copies of a pool's database, taken while it is in use."""

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from ccp.store.connections import StoreUnusable, connect
from ccp.store.rows import RowInvalid

_BUSY_SECONDS = 10


def back_up(path: Path, target: Path, *, replaces: bool = False) -> None:
    """
    Copy a database, which may be in use, as it is at one moment.

    Args:
        path: Of the database.
        target: Of the copy: one file, which appears when it is whole and on disk, and which its
            owner alone can read.
        replaces: Whether it takes the place of what is at *target*.
    Raises:
        StoreUnusable: The database cannot be read, or the copy cannot be written, or there is
            something at *target* that it does not replace; nothing was changed.
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
    Copy a database as it is at one moment to one file, with nothing beside it.

    Raises:
        StoreUnusable: It cannot be read, or the copy cannot be written.
    """
    with (
        told(f"{path} cannot be copied"),
        closing(connect_patiently(path, "ro")) as source,
        closing(connect_patiently(target, "rwc")) as copy,
    ):
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=delete")


def connect_patiently(path: Path, mode: str) -> sqlite3.Connection:
    """Open a database for as long as a copy takes; see `connect`."""
    return connect(path, mode, timeout_seconds=_BUSY_SECONDS)


@contextmanager
def told(what: str) -> Iterator[None]:
    """Raise StoreUnusable, with *what* and the reason, for what cannot be read or written."""
    try:
        yield
    except (sqlite3.DatabaseError, RowInvalid) as error:
        raise StoreUnusable(f"{what}: {error}") from error


def _to_disk(path: Path) -> None:
    """Wait until a file's content, or the names in a folder, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
