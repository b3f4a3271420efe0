"""`ccp backup`, `ccp check` and `ccp restore`: nothing is lost, and nothing broken is put back."""

import re
import resource
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from ccp.config.settings import server_settings
from ccp.domain.identifiers import ISO_15118_2, ISO_15118_20, Emaid
from ccp.store import Store, StoreUnusable
from ccp.store.migrations import migrations
from ccp.store.schema import time_limit
from tests.builders import EMAID_TEXT, ORIGIN, PCID_TEXT, installation_res, record
from tests.commands.conftest import OTHER, run
from tests.vectors.databases import DUMPS, make_database

EMAID = Emaid.parse(EMAID_TEXT)


def contents(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables."""
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {
            name: sorted(connection.execute(f"SELECT * FROM [{name}]"))  # noqa: S608
            for (name,) in tables
            if name != "_sqlite_migrations"
        }


def change(path: Path, statement: str, *values: object) -> None:
    """Do something to a database that no pool does."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute(statement, values).rowcount != 0
        connection.commit()


def test_a_copy_is_whole_and_private(database: Path, tmp_path: Path) -> None:
    """One file with all there is, which its owner alone can read; nothing lies beside it."""
    before = contents(database)
    result = run("backup", "copy.db")
    assert (result.exit_code, result.stdout.split()[-1]) == (0, "copy.db")
    assert contents(tmp_path / "copy.db") == before
    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.glob("*copy.db?*"))
    assert not list(tmp_path.glob(".*"))


def test_a_copy_replaces_nothing(database: Path, tmp_path: Path) -> None:
    """A file that is there stays as it is."""
    (tmp_path / "copy.db").write_text("the only other copy")
    result = run("backup", "copy.db")
    assert (result.exit_code, "File exists" in result.stderr) == (1, True)
    assert (tmp_path / "copy.db").read_text() == "the only other copy"
    assert run("backup", "nowhere/copy.db").exit_code == 1
    assert not list(tmp_path.glob(".*"))


def test_restored_is_what_was_copied(database: Path, store: Store, tmp_path: Path) -> None:
    """What came later is gone, what went later is there; an open store sees it at once."""
    before = contents(database)
    run("backup", "copy.db")
    store.delete(EMAID, ORIGIN)
    store.put(record("NLZZZ123456789"), ORIGIN)
    copy = (tmp_path / "copy.db").read_bytes()
    result = run("restore", "copy.db", "--yes")
    assert (result.exit_code, result.output) == (0, "Restored copy.db\n")
    assert contents(database) == before
    (found,) = store.find_by_emaid(EMAID, ISO_15118_2)
    assert found.is_default
    assert store.find_by_emaid(Emaid.parse("NLZZZ123456789"), ISO_15118_2) == []
    store.put(record("NLZZZ123456789"), ORIGIN)  # and it goes on as any other
    assert (tmp_path / "copy.db").read_bytes() == copy
    assert not list(tmp_path.glob(".*"))


def test_restored_where_nothing_was(database: Path, store: Store, tmp_path: Path) -> None:
    """After the worst: the database is made anew."""
    before = contents(database)
    run("backup", "copy.db")
    store.close()
    for path in tmp_path.glob("ccp.db*"):
        path.unlink()
    assert run("restore", "copy.db", "--yes").exit_code == 0
    assert contents(database) == before
    assert run("check").stdout == "Nothing is wrong.\n"


def test_a_copy_of_an_older_version_is_brought_up_to_date(database: Path, tmp_path: Path) -> None:
    """In the copy's copy: the backup stays what it was."""
    old = tmp_path / "old.db"
    with closing(sqlite3.connect(old)) as connection:
        last = [step.name for step in migrations.pending(Database(connection))][-1]
        migrations.apply(Database(connection), stop_before=last)
    content = old.read_bytes()
    assert run("check", "old.db").exit_code == 1
    assert run("restore", "old.db", "--yes").exit_code == 0
    assert old.read_bytes() == content
    assert run("check").exit_code == 0
    assert contents(database)["signed_contract_data"] == []


def test_nobody_restores_by_accident(database: Path) -> None:
    """Without a yes nothing happens."""
    run("backup", "copy.db")
    before = contents(database)
    assert run("restore", "copy.db").exit_code == 1
    assert contents(database) == before


def test_restore_of_a_broken_file_asks_nothing(database: Path, tmp_path: Path) -> None:
    """Who is asked has a file that can be restored."""
    (tmp_path / "copy.db").write_text("nonsense" * 1000)
    result = run("restore", "copy.db", stdin=b"y\n")
    assert (result.exit_code, "Do you want" in result.output) == (1, False)
    assert "not a database" in result.stderr
    run("backup", "good.db")
    result = run("restore", "good.db", stdin=b"y\n")
    assert (result.exit_code, "Do you want" in result.stderr) == (0, True)
    assert result.stdout == "Restored good.db\n"


def broken(path: Path) -> None:
    """Overwrite the middle of a file."""
    content = bytearray(path.read_bytes())
    content[8192:12288] = b"\xff" * 4096
    path.write_bytes(content)


def alter(*statements: str) -> Callable[[Path], None]:
    """Change the schema of a database, in ways that SQLite itself would refuse, too."""

    def spoil(path: Path) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            for statement in ("PRAGMA writable_schema=on", *statements):
                connection.execute(statement)

    return spoil


ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x AS {} FROM n"
CONTRACTS_ENDLESS = f"CREATE VIEW signed_contract_data AS {ENDLESS.format('emaid_key')}"
STEPS_ENDLESS = f"CREATE VIEW _sqlite_migrations AS {ENDLESS.format('name')}"
GONE = "AFTER INSERT ON signed_contract_data BEGIN DELETE FROM default_contract; END"
WRONG = {
    "a trigger": (
        alter(
            "CREATE TRIGGER gone AFTER INSERT ON audit BEGIN DELETE FROM signed_contract_data; END"
        ),
        "The trigger 'gone' is not one of a pool.",
    ),
    "a trigger before the table of the same name": (
        alter(
            f"CREATE TRIGGER audit {GONE}",
            "UPDATE sqlite_master SET rowid = 99 WHERE type = 'table' AND name = 'audit'",
        ),
        "The trigger 'audit' is not one of a pool.",
    ),
    "a trigger that is called statistics": (
        alter(
            f"CREATE TRIGGER audit {GONE}",
            "UPDATE sqlite_master SET name = 'sqlite_stat1',"
            " sql = replace(sql, 'audit', 'sqlite_stat1') WHERE type = 'trigger'",
        ),
        "The trigger 'sqlite_stat1' is not one of a pool.",
    ),
    "a view": (
        alter(f"CREATE VIEW more AS {ENDLESS.format('y')}"),
        "The view 'more' is not one of a pool.",
    ),
    "a virtual table": (
        alter("CREATE VIRTUAL TABLE words USING fts5(word)"),
        "The virtual table 'words' is not one of a pool.",
    ),
    "another table": (
        alter("CREATE TABLE invoices (number)"),
        "The table 'invoices' is not one of a pool.",
    ),
    "an endless view of contracts": (
        alter("ALTER TABLE signed_contract_data RENAME TO old", CONTRACTS_ENDLESS),
        "The view 'signed_contract_data' is not one of a pool.",
    ),
    "an endless view of steps": (
        alter("DROP TABLE _sqlite_migrations", STEPS_ENDLESS),
        "The view '_sqlite_migrations' is not one of a pool.",
    ),
    "an endless view that is called a table": (
        alter(
            "DROP TABLE _sqlite_migrations",
            STEPS_ENDLESS,
            "UPDATE sqlite_master SET type = 'table' WHERE type = 'view'",
        ),
        "malformed database schema",
    ),
    "a missing index": (
        alter("DROP INDEX idx_signed_contract_data_valid_to_namespace"),
        "The index 'idx_signed_contract_data_valid_to_namespace' is missing.",
    ),
    "another index": (
        alter(
            "DROP INDEX idx_signed_contract_data_valid_to_namespace",
            "CREATE UNIQUE INDEX idx_signed_contract_data_valid_to_namespace"
            " ON signed_contract_data (valid_to, namespace, emaid_key)",
        ),
        "The index 'idx_signed_contract_data_valid_to_namespace' is not as a pool makes it.",
    ),
    "a missing key": (
        alter(
            "ALTER TABLE default_contract RENAME TO old",
            "CREATE TABLE default_contract AS SELECT * FROM old",
            "DROP TABLE old",
        ),
        "The table 'default_contract' is not as a pool makes it.",
    ),
    "a column with a check": (
        alter("ALTER TABLE revoked_certificate ADD COLUMN no TEXT CHECK (no IS NOT NULL)"),
        "The table 'revoked_certificate' is not as a pool makes it.",
    ),
    "a damaged file": (broken, "malformed"),
    "no database": (lambda path: path.write_text("nonsense" * 1000), "not a database"),
    "an empty file": (lambda path: path.write_bytes(b""), "no database of a pool"),
    "another's database": (
        lambda path: path.unlink() or change(path, "CREATE TABLE a (b)"),
        "no database of a pool",
    ),
    "a newer version": (
        lambda path: change(
            path, "INSERT INTO _sqlite_migrations VALUES (99, 'ccp', '9999_future', '2050')"
        ),
        "newer version",
    ),
    "another message": (
        lambda path: change(
            path,
            "UPDATE signed_contract_data SET installation_res_exi = ? WHERE emaid = ?",
            installation_res(),
            EMAID_TEXT,
        ),
        f"{EMAID_TEXT} for {PCID_TEXT}: its message has another contract certificate.",
    ),
    "a cut message": (
        lambda path: change(
            path,
            "UPDATE signed_contract_data SET installation_res_exi = ? WHERE emaid = ?",
            installation_res()[:-40],
            EMAID_TEXT,
        ),
        "EXI format is invalid!",
    ),
    "another edition": (
        lambda path: change(
            path,
            "UPDATE signed_contract_data SET namespace = ? WHERE emaid = ?",
            ISO_15118_20,
            EMAID_TEXT,
        ),
        "its message is of another edition.",
    ),
    "another validity": (
        lambda path: change(path, "UPDATE signed_contract_data SET valid_to = valid_to + 1"),
        "its validity is not that of its contract certificate.",
    ),
    "other bits": (
        lambda path: change(
            path,
            "UPDATE signed_contract_data SET remaining_chains_bit = 7 WHERE emaid = ?",
            OTHER,
        ),
        "what answers set in its message is somewhere else.",
    ),
    "another key": (
        lambda path: change(path, "UPDATE signed_contract_data SET emaid = 'DEICE000000001'"),
        "its EMAID is malformed, or stored under another key.",
    ),
    "a lost default": (
        lambda path: change(path, "DELETE FROM signed_contract_data WHERE emaid = ?", EMAID_TEXT),
        f"{EMAID_TEXT} is the default of {PCID_TEXT}, and is not stored for it.",
    ),
    "two cars": (
        lambda path: change(
            path,
            "UPDATE signed_contract_data SET emaid_key = ?, emaid = ?",
            EMAID_TEXT,
            EMAID_TEXT,
        ),
        f"{EMAID_TEXT} is stored for several cars.",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_and_not_restored(database: Path, tmp_path: Path, name: str) -> None:
    """The check says what it is; the pool keeps what it has."""
    spoil, told = WRONG[name]
    run("backup", "copy.db")
    spoil(tmp_path / "copy.db")
    before = contents(database)
    checked = run("check", "copy.db")
    assert checked.exit_code == 1
    assert told in checked.output
    assert "Traceback" not in checked.output
    restored = run("restore", "copy.db", "--yes")
    assert restored.exit_code == 1
    assert told in restored.output
    assert contents(database) == before
    assert not list(tmp_path.glob(".*"))


def test_statistics_of_the_query_planner_are_not_wrong(database: Path) -> None:
    """An operator may call ANALYZE; versions of sqlite-utils may quote in other ways."""
    alter(
        "ANALYZE",
        "UPDATE sqlite_master SET sql = replace(replace(sql, '\n', ' '), '   ', '')"
        " WHERE name = 'audit'",
        """UPDATE sqlite_master SET sql = replace(sql, '"namespace"', '[namespace]')""",
    )(database)
    assert run("check").output == "Nothing is wrong.\n"


@pytest.mark.parametrize("step", list(DUMPS))
def test_databases_of_all_versions_are_restored(here: Path, step: str) -> None:
    """Each has the schema of its own steps."""
    make_database(step, here / "old.db")
    result = run("restore", "old.db", "--yes")
    assert (result.exit_code, result.output) == (0, "Restored old.db\n")


def test_older_copy_with_a_trigger_is_not_restored(database: Path, tmp_path: Path) -> None:
    """Also before it is brought up to date: a trigger would run in the course of that."""
    make_database("0003", tmp_path / "old.db")
    alter(
        "CREATE TRIGGER steps AFTER INSERT ON _sqlite_migrations"  # noqa: S608
        " BEGIN SELECT count(*) FROM (" + ENDLESS.format("y") + "); END"
    )(tmp_path / "old.db")
    result = run("restore", "old.db", "--yes")
    assert (result.exit_code, "The trigger 'steps'" in result.stderr) == (1, True)


STRANGE_VALUES = {
    "emaid": ["", "DE\u001b[31m", "DEICE12345", "x" * 5000],
    "emaid_key": ["", "DEICE000000001"],
    "pcid": ["", "WAUZZZ4B0CC01234\n"],
    "pcid_key": [""],
    "namespace": ["", "urn:other"],
    "v2g_root_fingerprint": ["nonsense"],
    "v2g_root_distinguished_name": [""],
    "v2g_root_serial_number": ["", "x", "9" * 5000],
    "installation_res_exi": [b"", b"\x80"],
    "contract_certificate_der": [b""],
    "valid_from": [-(2**63), 2**63 - 1, 2**40],
    "valid_to": [-(2**63), 2**63 - 1],
    "evse_processing_bit": [None, 2**63 - 1],
    "remaining_chains_bit": [None, -1],
    "meta_data": [""],
}
UNSEEN = ("v2g_root_fingerprint", "v2g_root_distinguished_name", "meta_data")
"""Columns whose values no message is held against."""


@pytest.mark.parametrize("column", STRANGE_VALUES)
def test_check_of_a_row_with_strange_values_is_a_finding(database: Path, column: str) -> None:
    """Of that row alone; no value is a traceback."""
    where = "FROM signed_contract_data WHERE rowid = 2"
    values = [(value, "?") for value in STRANGE_VALUES[column]]
    if isinstance(values[0][0], str):
        values.append((b"\xff\xfe", "CAST(? AS TEXT)"))
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        (kept,) = connection.execute(f"SELECT {column} {where}").fetchone()
        for value, as_text in values:
            statement = f"UPDATE signed_contract_data SET {column} = {{}} WHERE rowid = 2"  # noqa: S608
            connection.execute(statement.format(as_text), [value])
            result = run("check")
            connection.execute(statement.format("?"), [kept])
            assert result.exception is None or isinstance(result.exception, SystemExit)
            assert result.exit_code == (column not in UNSEEN), value
            assert EMAID_TEXT not in result.output
    assert run("check").exit_code == 0


def test_list_of_a_row_that_cannot_be_read_is_a_sentence(database: Path) -> None:
    """As for the pool's other commands that read."""
    change(database, "UPDATE signed_contract_data SET valid_to = ?", 2**62)
    for command in ("list", "export"):
        result = run(command)
        assert (result.exit_code, "cannot be read" in result.stderr) == (1, True)


def test_a_statement_that_never_ends_is_interrupted(database: Path) -> None:
    """Whatever a crafted file does."""
    with (
        closing(sqlite3.connect(database)) as connection,
        pytest.raises(StoreUnusable, match="could not be read within 0 s"),
        time_limit(connection, database, seconds=0),
    ):
        connection.execute("SELECT count(*) FROM (" + ENDLESS.format("y") + ")").fetchone()  # noqa: S608


def test_a_sound_database_passes(database: Path) -> None:
    """In use, and nothing in it is written."""
    before = contents(database)
    result = run("check")
    assert (result.exit_code, result.output) == (0, "Nothing is wrong.\n")
    assert contents(database) == before


def test_a_copy_is_checked_whatever_the_settings_are(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the pool's own database is found by them."""
    run("backup", "copy.db")
    monkeypatch.setenv("CCP_PORT", "nonsense")
    server_settings.cache_clear()
    assert run("check", "copy.db").exit_code == 0
    assert "CCP_PORT" in run("check").stderr


@pytest.mark.parametrize("command", [["check"], ["backup", "copy.db"], ["check", "no.db"]])
def test_what_is_not_there_is_told(database: Path, store: Store, tmp_path: Path, command) -> None:
    """In a sentence; and looking makes no database."""
    store.close()
    database.unlink()
    result = run(*command)
    assert result.exit_code == 1
    assert "there is no database" in result.stderr
    assert not list(tmp_path.glob("copy.db*"))
    assert not database.exists()


@pytest.mark.parametrize("command", [["backup", "copy.db"], ["restore", "old.db", "--yes"]])
def test_a_disk_without_room_for_a_copy_is_told(database: Path, tmp_path: Path, command) -> None:
    """In a sentence that says nothing against the database; nothing is left behind."""
    run("backup", "old.db")
    before, files = contents(database), sorted(tmp_path.iterdir())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, hard))
    try:
        result = run(*command)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert result.exit_code == 1
    assert re.search(r"\.db cannot be copied: disk I/O error", result.stderr)
    assert sorted(tmp_path.iterdir()) == files
    assert contents(database) == before
