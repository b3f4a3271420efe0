"""The folder in memory in which the workers of one pool count, and what is left of other ones."""

import atexit
import fcntl
import os
import shutil
import tempfile
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - the folder in it is private

_PREFIX = "ccp-counts-"


def make_counts_folder(uid: int, gid: int) -> Path:
    """
    Make a folder for a server's workers, and remove those of servers that were killed.

    The folder is in memory, if the system has such a place, and is removed when this process ends.

    Args:
        uid, gid: The user and group that the workers run as, who alone can read it.
    """
    parent = SHARED_MEMORY if SHARED_MEMORY.is_dir() else Path(tempfile.gettempdir())
    remove_abandoned(parent, owners={os.geteuid(), uid})
    # Locked under another name first, so that no other start takes it for abandoned.
    draft = Path(tempfile.mkdtemp(prefix=f".{_PREFIX}", dir=parent))
    os.chown(draft, uid, gid)
    _lock(draft)
    folder = draft.rename(parent / draft.name.removeprefix("."))
    owner = os.getpid()

    def remove() -> None:
        if os.getpid() == owner:  # each worker calls it too
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)
    return folder


def _lock(folder: Path) -> None:
    """Lock a folder until this process and all that it forks have ended, however they end."""
    with suppress(OSError):  # where there are no locks, no other start can get one either
        fcntl.flock(os.open(folder, os.O_RDONLY | os.O_DIRECTORY), fcntl.LOCK_EX)


def remove_abandoned(parent: Path, *, owners: Collection[int]) -> None:
    """
    Remove the folders that no process has locked.

    Args:
        parent: The folder that they are in; other users may write there too.
        owners: The users whose folders are removed.
    """
    for folder in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # it is in use, or another user's, or has gone meanwhile
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                if os.fstat(descriptor).st_uid in owners:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(descriptor)
