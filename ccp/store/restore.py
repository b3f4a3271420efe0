"""A backup put in place of a pool's database, which may be in use."""

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlite_utils import Database

from ccp.store.connections import StoreUnusable
from ccp.store.copies import connect_patiently, copy_database, told
from ccp.store.migrations import migrations, require_pool
from ccp.store.schema import schema_problems, time_limit
from ccp.store.store import Store


@contextmanager
def brought_up_to_date(source: Path, beside: Path) -> Iterator[Path]:
    """
    Give a copy of a backup that this version can work with; the backup itself stays as it is.

    Args:
        source: The backup.
        beside: Of the database; there is room for one more there.
    Raises:
        StoreUnusable: It is no database of a pool, or of a newer version, or its schema is not one
            that a pool makes, or there is no room.
    """
    try:
        with tempfile.TemporaryDirectory(dir=beside.parent, prefix=f".{beside.name}.") as folder:
            copy = Path(folder) / "copy"
            copy_database(source, copy)
            with (
                told(f"{source} cannot be brought up to date"),
                closing(connect_patiently(copy, "rw")) as connection,
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
    Put a copy in place of all that a database has, in one transaction; it may be in use.

    Args:
        path: Of the database; it is made if its folder exists.
        copy: See `brought_up_to_date`.
    Raises:
        StoreUnusable: The database cannot be written; nothing was changed.
    """
    Store(path).close()  # one that is not there yet is begun as any other
    with told(f"{path} cannot be used"), closing(connect_patiently(path, "rw")) as database:
        database.execute("PRAGMA synchronous=full")
        with closing(connect_patiently(copy, "ro")) as source:
            source.backup(database)
