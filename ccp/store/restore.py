"""Restore a backup into a pool's database, which may be in use."""

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlite_utils import Database

from ccp.store.connect import StoreUnusable
from ccp.store.copies import connect_for_copy, copy_database, store_unusable
from ccp.store.migrations import migrations, require_pool
from ccp.store.schema import schema_problems, time_limit
from ccp.store.store import Store


@contextmanager
def brought_up_to_date(source: Path, beside: Path) -> Iterator[Path]:
    """
    Yield a copy of a backup that is migrated to this version. The backup stays unchanged.

    Args:
        source: Path of the backup.
        beside: Path of the database; the copy is made in its folder.
    Raises:
        StoreUnusable: The backup is not a pool's database, is of a newer version, has a foreign
            schema, or there is no space for the copy.
    """
    try:
        with tempfile.TemporaryDirectory(dir=beside.parent, prefix=f".{beside.name}.") as folder:
            copy = Path(folder) / "copy"
            copy_database(source, copy)
            with (
                store_unusable(f"{source} cannot be brought up to date"),
                closing(connect_for_copy(copy, "rw")) as connection,
            ):
                with time_limit(connection, source):
                    problems = schema_problems(connection)
                if problems:  # a trigger or view must not run when the steps are applied
                    raise StoreUnusable(f"{source} cannot be restored:\n" + "\n".join(problems))
                require_pool(connection, source)
                migrations.apply(Database(connection, execute_plugins=False))
            yield copy
    except OSError as error:
        raise StoreUnusable(f"{beside.parent} cannot be written: {error.strerror}") from error


def replace(path: Path, copy: Path) -> None:
    """
    Replace the content of a database, which may be in use, in one transaction.

    Args:
        path: Path of the database; it is created if its folder exists.
        copy: See `brought_up_to_date`.
    Raises:
        StoreUnusable: The database cannot be written. Nothing was changed.
    """
    Store(path).close()  # creates the database if it is missing
    with (
        store_unusable(f"{path} cannot be used"),
        closing(connect_for_copy(path, "rw")) as database,
    ):
        database.execute("PRAGMA synchronous=full")
        with closing(connect_for_copy(copy, "ro")) as source:
            source.backup(database)
