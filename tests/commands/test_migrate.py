"""`ccp migrate` and `ccp default`: the commands that write."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from sqlite_utils import Database

from ccp.domain.identifiers import ISO_15118_2, Pcid
from ccp.store import Store
from ccp.store.migrations import migrations
from tests.builders import EMAID_TEXT, ORIGIN, PCID_TEXT, record
from tests.commands.conftest import run
from tests.running import ROOT


def test_a_database_is_made(here: Path) -> None:
    """All steps are told, once."""
    first = run("migrate")
    assert first.exit_code == 0
    assert first.stdout.startswith("Done: 0001_signed_contract_data\n")
    assert run("migrate").stdout == f"{here}/ccp.db is up to date.\n"
    assert run("check").exit_code == 0


def test_an_older_database_is_brought_up_to_date(here: Path) -> None:
    """A copy is left as it was; other commands say what to do before."""
    with closing(sqlite3.connect(here / "ccp.db")) as connection:
        last = migrations.pending(Database(connection))[-1].name
        migrations.apply(Database(connection), stop_before=last)
    assert "`ccp migrate` brings it up to date" in run("list").stderr
    for command in (["default", EMAID_TEXT, PCID_TEXT], ["cleanse", "--dry-run"]):
        assert "`ccp migrate` brings it up to date" in run(*command).stderr
    assert not list(here.glob("*.before-*"))
    assert json.loads(run("migrate", "--json").stdout) == {
        "database": f"{here}/ccp.db",
        "done": [last],
    }
    assert (here / f"ccp.db.before-{last}").exists()
    assert run("list").exit_code == 0


def test_six_migrations_of_a_new_database_at_once_all_succeed(here: Path) -> None:
    """As when several services begin; each in a process of its own."""
    command = [sys.executable, "-m", "ccp.cli", "migrate"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    running = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(6)
    ]
    outputs = [process.communicate(timeout=120)[0].decode() for process in running]
    assert [process.returncode for process in running] == [0] * 6, outputs
    assert run("check").exit_code == 0
    assert not list(here.glob("*.before-*"))


def test_what_is_no_database_is_told(here: Path) -> None:
    """Nothing is done to it."""
    (here / "ccp.db").write_text("nonsense" * 1000)
    result = run("migrate")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "not a database" in result.stderr
    assert (here / "ccp.db").read_text() == "nonsense" * 1000


def test_a_contract_becomes_the_default(here: Path, store: Store) -> None:
    """The car installs it first, and the trail says who wanted that."""
    for emaid in (EMAID_TEXT, "NLZZZ123456789"):
        store.put(record(emaid), ORIGIN)
    result = run("default", "nl-zzz-123456789", PCID_TEXT.lower())
    assert (result.exit_code, result.output.split()[:2]) == (0, ["NLZZZ123456789", "is"])
    (found,) = store.find_default(Pcid.parse(PCID_TEXT), ISO_15118_2)
    assert found.emaid.text == "NLZZZ123456789"
    last = run("audit").stdout.splitlines()[-1]
    assert " set-default NLZZZ123456789 " in last
    assert " ccp default (" in last


def test_a_default_that_is_not_stored_is_refused(here: Path, store: Store) -> None:
    """For that car; and nothing is made where there is no pool."""
    store.put(record(), ORIGIN)
    result = run("default", EMAID_TEXT, "WVWZZZ4B0CC012345")
    assert (result.exit_code, "is not stored for" in result.stderr) == (1, True)
    assert run("default", "short", PCID_TEXT).exit_code == 2
    store.close()
    for path in here.glob("ccp.db*"):
        path.unlink()
    result = run("default", EMAID_TEXT, PCID_TEXT)
    assert (result.exit_code, "`ccp migrate` makes one" in result.stderr) == (1, True)
    assert not (here / "ccp.db").exists()


def test_another_s_database_is_left_alone(here: Path) -> None:
    """Whatever is called for; nothing of a pool is put into it."""
    with closing(sqlite3.connect(here / "ccp.db")) as connection:
        connection.execute("CREATE TABLE invoices (number)")
    for command in (["migrate"], ["default", EMAID_TEXT, PCID_TEXT], ["cleanse"]):
        result = run(*command)
        assert (result.exit_code, "not one of a pool" in result.stderr) == (1, True)
    with closing(sqlite3.connect(here / "ccp.db")) as connection:
        names = connection.execute("SELECT name FROM sqlite_master").fetchall()
    assert names == [("invoices",)]


def test_a_folder_is_no_database(here: Path) -> None:
    """A sentence says so."""
    (here / "ccp.db").mkdir()
    result = run("migrate")
    assert result.exit_code == 1
    assert "cannot be used" in result.stderr
