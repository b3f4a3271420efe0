"""Whether a database can be written: tried for real, with nothing changed and nobody waited for."""

import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from ccp.store import Store
from tests.builders import ORIGIN, record
from tests.vectors.databases import DUMPS, make_database

READY = (None, None)


def test_a_database_that_serves_is_ready(tmp_path: Path, store: Store) -> None:
    """Nothing is written for that, and nothing left behind."""
    store.put(record(), ORIGIN)
    before = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    for _ in range(3):
        assert store.readiness() == READY
    with closing(sqlite3.connect(tmp_path / "ccp.db")) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (0,)
    assert {path.name: path.stat().st_size for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("mode", ["IMMEDIATE", "EXCLUSIVE"])
def test_one_that_somebody_writes_is_ready(tmp_path: Path, store: Store, mode: str) -> None:
    """Who holds it for a moment shows that it can be written; nobody waits until he is done."""
    with closing(sqlite3.connect(tmp_path / "ccp.db", isolation_level=None)) as other:
        other.execute(f"BEGIN {mode}")
        assert store.readiness() == READY
        other.execute("ROLLBACK")


def test_one_that_was_taken_away_is_not(tmp_path: Path, store: Store) -> None:
    """Also where a connection to it is still open, which would go on writing to nowhere."""
    store.put(record(), ORIGIN)
    (tmp_path / "ccp.db").rename(tmp_path / "elsewhere.db")
    found = store.readiness()
    assert found.database is not None
    assert "unable to open database file" in found.database


def test_one_whose_folder_is_gone_is_not(tmp_path: Path) -> None:
    """Told in the system's words."""
    folder = tmp_path / "data"
    folder.mkdir()
    store = Store(folder / "ccp.db")
    store.close()
    folder.rename(tmp_path / "moved")
    assert store.readiness().database == f"{folder} cannot be written: No such file or directory"


def test_one_that_is_none_is_not(tmp_path: Path, store: Store) -> None:
    """Whatever has happened to the file."""
    store.close()
    (tmp_path / "ccp.db").write_bytes(b"not a database" * 1000)
    found = store.readiness()
    assert found.database is not None
    assert "file is not a database" in found.database


@pytest.mark.parametrize("step", list(DUMPS)[:-1])
def test_one_of_an_older_version_is_not(tmp_path: Path, store: Store, step: str) -> None:
    """As when an older copy was put in its place."""
    store.close()
    (tmp_path / "ccp.db").unlink()
    make_database(step, tmp_path / "ccp.db")
    database, migrations = store.readiness()
    assert database is None
    assert migrations is not None
    assert migrations.startswith("it lacks 0")


# Asks as a user who is not root, whom nothing is denied; or where no file may grow.
ASKING = """
import os, resource, sys
from pathlib import Path
from ccp.store.readiness import readiness_of
readiness_of(Path(sys.argv[1]))  # loads what that user may not read
if sys.argv[2] == "user" and os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
if sys.argv[2] == "disk":
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
print(readiness_of(Path(sys.argv[1])).database)
"""


def asked(path: Path, how: str) -> str:
    """What a process of its own finds."""
    command = [sys.executable, "-c", ASKING, str(path), how]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


@pytest.mark.parametrize(
    ("folder_mode", "file_mode", "why"),
    [(0o777, 0o444, "attempt to write a readonly database"), (0o555, 0o666, "Permission denied")],
)
def test_one_that_may_not_be_written_is_not(folder_mode: int, file_mode: int, why: str) -> None:
    """Neither a file that may only be read, nor one in a folder that takes no write-ahead log."""
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are closed to others
        path = Path(name, "ccp.db")
        Store(path).close()
        path.chmod(file_mode)
        path.parent.chmod(folder_mode)
        try:
            assert why in asked(path, "user")
        finally:
            path.parent.chmod(0o700)


def test_one_without_room_beside_it_is_not(tmp_path: Path, store: Store) -> None:
    """The write-ahead log could not grow; here no file may."""
    store.put(record(), ORIGIN)
    assert asked(tmp_path / "ccp.db", "disk") == f"{tmp_path} cannot be written: File too large\n"
    assert store.readiness() == READY
