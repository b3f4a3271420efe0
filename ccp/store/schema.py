"""Comparison of a database's schema with the schema that its migration steps make."""

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from sqlite_utils import Database

from ccp.store.connect import StoreUnusable
from ccp.store.migrations import migrations

_SECONDS = 60.0
_BYTES_PER_SECOND = 2**20  # the slowest supported disk
_STEPS = 10_000  # instructions of SQLite's virtual machine between two looks at the clock

# In the spelling of `_one_spelling`. By their SQL, since a crafted trigger can have their names.
_STATISTICS = frozenset(
    (
        "CREATE TABLE sqlite_stat1(tbl,idx,stat)",
        "CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)",
    )
)

_KIND = re.compile(r"CREATE (?:UNIQUE )?(TABLE|INDEX|VIEW|TRIGGER|VIRTUAL TABLE)\b", re.ASCII)


class _Definition(NamedTuple):
    """One row of sqlite_master without its name."""

    type: str
    table: str
    sql: str

    @property
    def kind(self) -> str:
        """Kind of object by its SQL; the column `type` of a crafted file can be wrong."""
        found = _KIND.match(self.sql)
        return found[1].lower() if found else "index" if not self.sql else "entry"


def schema_problems(connection: sqlite3.Connection) -> list[str]:
    """
    Compare the schema of a database with a new one that has the same migration steps.

    No table is read before views and triggers are excluded, which may never end.

    Returns: A sentence for each difference. A database that is not one of a pool, or is of a newer
        version, has no differences here: `require_pool` refuses it.
    """
    definitions = _schema_of(connection)
    strange = [(one.kind, name) for name, one in definitions if one.kind not in ("table", "index")]
    if strange:
        return [f"The {kind} {name!r} is not one of a pool." for kind, name in strange]
    found = dict(definitions)
    if len(found) < len(definitions):
        return ["Two tables or indexes have the same name."]
    steps = {step.name for step in migrations.applied(Database(connection, execute_plugins=False))}
    expected = _expected_schema(steps)
    if expected is None:
        return []
    problems = []
    for name in sorted(found.keys() | expected.keys()):
        if name not in expected:
            problems.append(f"The {found[name].kind} {name!r} is not one of a pool.")
        elif name not in found:
            problems.append(f"The {expected[name].kind} {name!r} is missing.")
        elif found[name] != expected[name]:
            problems.append(f"The {expected[name].kind} {name!r} is not as a pool makes it.")
    return problems


@contextmanager
def time_limit(
    connection: sqlite3.Connection, path: Path, *, seconds: float = _SECONDS
) -> Iterator[None]:
    """
    Interrupt statements of a connection that take longer than a sound database can need.

    Args:
        path: Path of the database; each MiB of its size adds a second.
        seconds: The limit for a small database.
    Raises:
        StoreUnusable: A statement was interrupted.
    """
    seconds += path.stat().st_size / _BYTES_PER_SECOND
    deadline = time.monotonic() + seconds
    connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        raise StoreUnusable(
            f"{path} could not be read within {seconds:.0f} s; a sound file of this size can be"
        ) from error
    finally:
        connection.set_progress_handler(None, 0)


def _expected_schema(steps: set[str]) -> dict[str, _Definition] | None:
    """Return the schema after some steps; None if they are not steps of a pool of this version."""
    with closing(sqlite3.connect(":memory:")) as connection:
        database = Database(connection, execute_plugins=False)
        known = [step.name for step in migrations.pending(database)]
        if not steps or steps - set(known):
            return None
        missing = [name for name in known if name not in steps]
        migrations.apply(database, stop_before=missing[0] if missing else None)
        return dict(_schema_of(connection))


def _schema_of(connection: sqlite3.Connection) -> list[tuple[str, _Definition]]:
    """
    Return all names with their definitions, without the statistics that ANALYZE makes.

    A trigger can have the name of a table. Indexes that a table implies have no SQL.
    """
    rows = connection.execute("SELECT name, type, tbl_name, sql FROM sqlite_master")
    definitions = [
        (name, _Definition(kind, table, _one_spelling(sql or "")))
        for name, kind, table, sql in rows
    ]
    return [(name, one) for name, one in definitions if one.sql not in _STATISTICS]


def _one_spelling(sql: str) -> str:
    """Normalise SQL; versions of sqlite-utils differ in quotes and spaces."""
    quoted = re.sub(r"[\[\]`]", '"', sql)
    return re.sub(r" ?([(),]) ?", r"\1", re.sub(r"\s+", " ", quoted))
