"""Whatever version has made a database, this one answers the same, and keeps it as it was."""

import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database
from starlette.testclient import TestClient

from ccp.app import create_app
from ccp.commands.checking import all_problems
from ccp.store import Store, StoreUnusable
from ccp.store.migrations import migrations
from tests.builders import BASE, NOW
from tests.conftest import make_settings
from tests.contract.conformance import conforming_client
from tests.vectors.databases import DUMPS, answers, bodies, make_database

SIGNED = f"{BASE}/signedcontractdata"
STEPS = [step.name for step in migrations.pending(Database(memory=True))]
OLDER = list(DUMPS)[:-1]


def dump(path: Path) -> list[str]:
    """All that is in a database."""
    with closing(sqlite3.connect(path)) as database:
        return list(database.iterdump())


def schema(path: Path) -> set[tuple[str, str]]:
    """The tables and indexes of a database, as SQL."""
    with closing(sqlite3.connect(path)) as database:
        return set(database.execute("SELECT name, sql FROM sqlite_master"))


def steps_of(path: Path) -> list[str]:
    """The steps that a database knows."""
    with closing(sqlite3.connect(path)) as database:
        return [step.name for step in migrations.applied(Database(database))]


def copies(folder: Path) -> list[str]:
    """The copies beside a database, by name."""
    return sorted(path.name for path in folder.glob("ccp.db.*before*"))


def answered(client: TestClient, path: str) -> object:
    """The body of an answer, without its trace id."""
    body = client.get(f"{BASE}/{path}").json()
    body.pop("traceId", None)
    return body


def test_there_is_a_database_of_every_version() -> None:
    """Whoever adds a step adds the database that it makes: `python -m tests.vectors.databases`."""
    assert list(DUMPS) == [name[:4] for name in STEPS]


@pytest.mark.parametrize("step", DUMPS)
def test_an_upgraded_pool_answers_as_before(tmp_path: Path, step: str) -> None:
    """Every answer is what the version that made the database gave; and it can be written."""
    make_database(step, tmp_path / "ccp.db")
    app = create_app(make_settings(tmp_path), clock=lambda: NOW)
    expected = answers()
    post = expected.pop("POST")
    with conforming_client(app) as client:
        for path, body in expected.items():
            if step >= "0003" or "15118:20" not in path:  # the edition that came with 0003
                assert answered(client, path) == body, path
        assert client.post(SIGNED, json=bodies()["post"]).json() == post
        for body in bodies()["puts"] + bodies()["puts of ISO 15118-20"]:
            assert client.put(SIGNED, json=body).status_code == 201
        assert client.delete(f"{SIGNED}/DEICEC00000001").status_code == 200
    assert list(all_problems(tmp_path / "ccp.db")) == []


@pytest.mark.parametrize("step", OLDER)
def test_a_copy_is_left_as_it_was(tmp_path: Path, step: str) -> None:
    """Whole, private, and taken once: the next start finds nothing to do."""
    path = tmp_path / "ccp.db"
    make_database(step, path)
    before = dump(path)
    Store(path).close()
    Store(tmp_path / "new.db").close()
    assert schema(path) == schema(tmp_path / "new.db")
    (name,) = copies(tmp_path)
    assert name == f"ccp.db.before-{STEPS[OLDER.index(step) + 1]}"
    assert dump(tmp_path / name) == before
    assert steps_of(tmp_path / name) == STEPS[: OLDER.index(step) + 1]  # as its version wants it
    assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    taken = (tmp_path / name).stat().st_mtime_ns
    Store(path).close()
    assert copies(tmp_path) == [name]
    assert (tmp_path / name).stat().st_mtime_ns == taken


@pytest.mark.parametrize("step", [None, list(DUMPS)[-1]], ids=["new", "present"])
def test_there_is_no_copy_without_need(tmp_path: Path, step: str | None) -> None:
    """A new database has nothing to be kept, and one of this version is not changed."""
    if step:
        make_database(step, tmp_path / "ccp.db")
    Store(tmp_path / "ccp.db").close()
    assert copies(tmp_path) == []


def test_a_copy_of_an_earlier_attempt_is_replaced(tmp_path: Path) -> None:
    """What counts is how the database was just before it was changed."""
    path = tmp_path / "ccp.db"
    make_database("0002", path)
    copy = tmp_path / f"ccp.db.before-{STEPS[2]}"
    copy.write_text("half of it")
    before = dump(path)
    Store(path).close()
    assert dump(copy) == before


def test_what_a_killed_pool_left_in_its_log_is_kept(tmp_path: Path) -> None:
    """The last writes of a pool that was killed are in the write-ahead log alone."""
    make_database("0003", tmp_path / "made.db")
    with closing(sqlite3.connect(tmp_path / "made.db")) as killed:
        killed.execute("PRAGMA journal_mode=wal")
        killed.execute("UPDATE default_contract SET emaid_key = 'DEICEC00000001'")
        killed.commit()
        for file in tmp_path.glob("made.db*"):  # as it is on disk, not as it would be closed
            shutil.copy(file, tmp_path / file.name.replace("made", "ccp"))
    (tmp_path / "ccp.db-shm").unlink()
    Store(tmp_path / "ccp.db").close()
    for path in (tmp_path / "ccp.db", tmp_path / f"ccp.db.before-{STEPS[3]}"):
        with closing(sqlite3.connect(path)) as database:
            defaults = database.execute("SELECT DISTINCT emaid_key FROM default_contract")
            assert defaults.fetchall() == [("DEICEC00000001",)]


def test_without_a_copy_nothing_is_changed(tmp_path: Path) -> None:
    """Where it cannot be put into its place, the pool does not start, and says so."""
    path = tmp_path / "ccp.db"
    make_database("0002", path)
    (tmp_path / f"ccp.db.before-{STEPS[2]}").mkdir()
    before = dump(path)
    with pytest.raises(StoreUnusable, match="cannot be written"):
        Store(path)
    assert dump(path) == before
