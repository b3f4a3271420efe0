"""Which files a database consists of, and whether they are still in their place."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from typing import NamedTuple

import structlog

log = structlog.get_logger()

FileId = tuple[int, int]
"""Device and inode."""


class Files(NamedTuple):
    """
    The files of a database, as one connection has opened them.

    Attributes:
        real_path: Path of the database file without symbolic links; SQLite keeps the other two
            files beside that path.
        database, log, shared_memory: Each file's device and inode; None where there is no file.
            The log is the write-ahead log (`-wal`), the shared memory (`-shm`) its index.
    """

    real_path: str
    database: FileId | None
    log: FileId | None
    shared_memory: FileId | None

    @property
    def are_side_files_in_place(self) -> bool:
        """Whether the write-ahead log and its index are the files that were opened."""
        return _side_files(self.real_path) == (self.log, self.shared_memory)

    def left_behind_at(self, other: "Files") -> bool:
        """
        Return whether side files of this database lie beside another one.

        SQLite would take their content for that of the other database.
        """
        if other.database == self.database:
            return False
        pairs = ((self.log, other.log), (self.shared_memory, other.shared_memory))
        return any(own is not None and own == there for own, there in pairs)


def files_at(path: str) -> Files:
    """Return the files of the database at a path, as they are now."""
    real_path = os.path.realpath(path)
    return Files(real_path, file_id(path), *_side_files(real_path))


def file_id(path: str) -> FileId | None:
    """Return device and inode of the file that a path leads to; None where there is no file."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def create_private(path: str) -> None:
    """
    Create an empty file that only its owner can read and write, whatever the umask.

    A file that exists stays as it is. SQLite gives the write-ahead log and its index the mode of
    the database. Side files of a database that was moved away without them are set aside first:
    SQLite would share them between the new database and a process that still has the old one open.

    Raises:
        OSError: The file cannot be created.
    """
    real_path = os.path.realpath(path)
    if os.path.exists(real_path):
        return
    with _locked(os.path.dirname(real_path)):
        # A file that exists is not opened: closing a file descriptor gives up all locks that SQLite
        # has on the same file in this process.
        if os.path.exists(real_path):
            return
        _set_aside_side_files(real_path)
        descriptor = os.open(real_path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.fchmod(descriptor, 0o600)  # the umask may have taken bits away
        finally:
            os.close(descriptor)


@contextmanager
def _locked(folder: str) -> Iterator[None]:
    """Lock a folder, so that one process at a time creates a database in it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)  # gives the lock up, too


def _set_aside_side_files(real_path: str) -> None:
    """Rename a write-ahead log that has content; remove an empty log, and the index of a log."""
    log_path = f"{real_path}-wal"
    if os.path.exists(log_path) and os.path.getsize(log_path):
        kept_path = next(
            name
            for number in count(1)
            if not os.path.exists(name := f"{log_path}.left-behind-{number}")
        )
        os.rename(log_path, kept_path)
        log.warning(
            "set aside the write-ahead log of a database that was moved away without it",
            path=log_path,
            kept_path=kept_path,
        )
    for side_path in (log_path, f"{real_path}-shm"):
        with suppress(FileNotFoundError):
            os.unlink(side_path)


def _side_files(real_path: str) -> tuple[FileId | None, FileId | None]:
    return file_id(f"{real_path}-wal"), file_id(f"{real_path}-shm")
