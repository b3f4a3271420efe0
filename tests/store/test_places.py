"""A database that is moved, replaced or robbed of its log under a pool: nothing is lost quietly."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from ccp.domain.errors import StoreBusy, StoreUnreachable
from ccp.domain.identifiers import ISO_15118_2, Emaid, Pcid
from ccp.store import Store
from ccp.store.copies import back_up
from tests.builders import BASE, EMAID_TEXT, ORIGIN, PCID_TEXT, post_body, put_body, record
from tests.contract.conformance import assert_error
from tests.running import ROOT, SECONDS
from tests.vectors.databases import make_database

PCID = Pcid.parse(PCID_TEXT)
OTHER = "FRXYZ123456789"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the store's database is."""
    return tmp_path / "ccp.db"


@pytest.fixture
def workers(path: Path) -> Iterator[list[Store]]:
    """Two stores on one database, as two workers have them; one contract is stored."""
    stores = [Store(path), Store(path)]
    stores[0].put(record(), ORIGIN)
    assert [emaids(one) for one in stores] == [{EMAID_TEXT}] * 2
    yield stores
    for one in stores:
        one.close()


def emaids(store: Store) -> set[str]:
    """The contracts of the car."""
    return {found.emaid.text for found in store.find_by_pcid(PCID, ISO_15118_2)}


def stored_in(path: Path) -> set[str]:
    """The contracts in a database file that no pool has open."""
    with closing(sqlite3.connect(path)) as connection:
        return {emaid for (emaid,) in connection.execute("SELECT emaid FROM signed_contract_data")}


RESTORING = """
import sys
from pathlib import Path
from ccp.store.restore import brought_up_to_date, replace
copy, path = map(Path, sys.argv[1:])
with brought_up_to_date(copy, path) as ready:
    replace(path, ready)
"""


def restore(copy: Path, path: Path) -> None:
    """Restore a copy as `ccp restore` does, in a process of its own, which shares no locks."""
    command = [sys.executable, "-c", RESTORING, str(copy), str(path)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=SECONDS)


def test_put_after_database_was_moved_fails_until_it_is_back(
    workers: list[Store], path: Path
) -> None:
    """No write is acknowledged; with the file back in its place all is there."""
    moved = path.with_name("moved.db")
    path.rename(moved)
    for store in workers:
        for _ in range(3):
            with pytest.raises(StoreUnreachable):
                store.put(record(OTHER), ORIGIN)
            with pytest.raises(StoreUnreachable):
                emaids(store)
        assert store.readiness().database is not None
    assert not path.exists()
    moved.rename(path)
    for store in workers:
        assert emaids(store) == {EMAID_TEXT}
        assert store.readiness() == (None, None)
    workers[0].put(record(OTHER), ORIGIN)
    assert emaids(workers[1]) == {EMAID_TEXT, OTHER}


def test_database_moved_is_logged_once(workers: list[Store], path: Path) -> None:
    """With its path, for the operator."""
    path.rename(path.with_name("moved.db"))
    with capture_logs() as lines:
        for _ in range(5):
            with pytest.raises(StoreUnreachable):
                emaids(workers[0])
    (line,) = lines
    assert (line["error"], line["path"]) == ("the database file is missing", str(path))


@pytest.mark.parametrize("move", [True, False], ids=["moved", "unlinked"])
def test_restore_after_move_is_seen_by_all_workers(
    workers: list[Store], path: Path, move: bool
) -> None:
    """`mv ccp.db` and `ccp restore` under a running pool: no worker keeps the old contracts."""
    back_up(path, path.with_name("copy.db"))
    workers[0].put(record(OTHER), ORIGIN)
    if move:
        path.rename(path.with_name("moved.db"))
    else:
        path.unlink()
    restore(path.with_name("copy.db"), path)
    workers[1].put(record("NLZZZ123456789"), ORIGIN)
    for store in workers:
        assert emaids(store) == {EMAID_TEXT, "NLZZZ123456789"}
        assert store.readiness() == (None, None)
        store.close()
    assert stored_in(path) == {EMAID_TEXT, "NLZZZ123456789"}
    (log_path,) = path.parent.glob("ccp.db-wal.left-behind-1")
    assert log_path.stat().st_size > 0
    if move:  # with its log, the database that was moved is whole
        log_path.rename(path.with_name("moved.db-wal"))
        assert stored_in(path.with_name("moved.db")) == {EMAID_TEXT, OTHER}


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
def test_write_is_not_acknowledged_if_a_file_goes_before_the_commit(
    workers: list[Store], path: Path, suffix: str
) -> None:
    """Between the check and the commit; that is why there is a second check."""
    file = path.with_name(f"ccp.db{suffix}")
    write = workers[0]._writes.submit(lambda _database: file.rename(f"{file}.moved"))
    assert isinstance(write.exception(), StoreUnreachable)


@pytest.mark.parametrize("suffix", ["-wal", "-shm"])
@pytest.mark.parametrize("replaced", [True, False], ids=["replaced", "removed"])
def test_put_without_the_log_fails_and_restart_keeps_everything(
    workers: list[Store], path: Path, suffix: str, replaced: bool
) -> None:
    """The log has what was acknowledged; it is not opened anew, and kept when the pool ends."""
    file = path.with_name(f"ccp.db{suffix}")
    if replaced:
        shutil.copy(file, f"{file}.new")
        Path(f"{file}.new").replace(file)
    else:
        file.unlink()
    for store in workers:
        with pytest.raises(StoreUnreachable):
            store.put(record(OTHER), ORIGIN)
        assert "restart the pool" in (store.readiness().database or "")
        assert emaids(store) == {EMAID_TEXT}
    for store in workers:
        store.close()
    assert stored_in(path) == {EMAID_TEXT}


def test_database_beside_the_log_of_another_one_is_not_opened(
    workers: list[Store], path: Path
) -> None:
    """SQLite would read the old log into it; without the old side files it serves."""
    back_up(path, path.with_name("copy.db"))
    workers[0].put(record(OTHER), ORIGIN)
    path.rename(path.with_name("moved.db"))
    path.with_name("copy.db").rename(path)
    for store in workers:
        assert "log of another database" in (store.readiness().database or "")
        with pytest.raises(StoreUnreachable):
            store.put(record("NLZZZ123456789"), ORIGIN)
        with pytest.raises(StoreUnreachable):
            emaids(store)
        assert "log of another database" in (store.readiness().database or "")
    for suffix in ("-wal", "-shm"):
        path.with_name(f"ccp.db{suffix}").rename(path.with_name(f"moved.db{suffix}"))
    for store in workers:
        assert emaids(store) == {EMAID_TEXT}
    assert stored_in(path.with_name("moved.db")) == {EMAID_TEXT, OTHER}


def garbage(path: Path) -> None:
    """Write a file that is no database."""
    path.write_bytes(b"not a database" * 1000)


def strange(path: Path) -> None:
    """Make a database of another application."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE invoices (number)")


@pytest.mark.parametrize(
    "make",
    [garbage, strange, lambda path: make_database("0003", path), Path.mkdir, Path.touch],
    ids=["garbage", "another application's", "older", "folder", "empty"],
)
def test_database_replaced_by_what_is_not_ours_is_not_served(
    workers: list[Store], path: Path, make: Callable[[Path], None]
) -> None:
    """Told as a database that cannot be reached, and not touched; the right one serves again."""
    kept = path.with_name("kept")
    kept.mkdir()
    for suffix in ("", "-wal", "-shm"):
        path.with_name(f"ccp.db{suffix}").rename(kept / f"ccp.db{suffix}")
    make(path)
    before = None if path.is_dir() else path.read_bytes()
    for store in workers:
        with pytest.raises(StoreUnreachable):
            store.put(record(OTHER), ORIGIN)
        with pytest.raises(StoreUnreachable):
            emaids(store)
    assert path.is_dir() or path.read_bytes() == before
    for file in path.parent.glob("ccp.db*"):
        file.rmdir() if file.is_dir() else file.unlink()
    for suffix in ("", "-wal", "-shm"):
        (kept / f"ccp.db{suffix}").rename(path.with_name(f"ccp.db{suffix}"))
    for store in workers:
        assert emaids(store) == {EMAID_TEXT}


def test_database_behind_a_link_is_followed(tmp_path: Path) -> None:
    """The link may lead to a file that is not there yet, and later to another one."""
    path = tmp_path / "ccp.db"
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    path.symlink_to(tmp_path / "one" / "data.db")
    store = Store(path)
    store.put(record(), ORIGIN)
    assert {file.name for file in (tmp_path / "one").iterdir()} == {
        "data.db",
        "data.db-wal",
        "data.db-shm",
    }
    assert store.readiness() == (None, None)
    Store(tmp_path / "two" / "data.db").close()
    path.unlink()
    path.symlink_to(tmp_path / "two" / "data.db")
    assert emaids(store) == set()
    store.put(record(OTHER), ORIGIN)
    store.close()
    assert stored_in(tmp_path / "two" / "data.db") == {OTHER}


def test_snapshot_of_a_database_that_is_moved_stays_whole(workers: list[Store], path: Path) -> None:
    """What is read in one piece comes from one file."""
    with workers[0].snapshot():
        assert emaids(workers[0]) == {EMAID_TEXT}
        path.rename(path.with_name("moved.db"))
        assert emaids(workers[0]) == {EMAID_TEXT}
    with pytest.raises(StoreUnreachable):
        emaids(workers[0])


def test_snapshot_does_not_see_later_writes(workers: list[Store]) -> None:
    """All reads inside are of one moment, whatever another worker writes."""
    with workers[0].snapshot():
        assert emaids(workers[0]) == {EMAID_TEXT}
        workers[1].delete(Emaid.parse(EMAID_TEXT), ORIGIN)
        assert emaids(workers[0]) == {EMAID_TEXT}
    assert emaids(workers[0]) == set()
    with pytest.raises(StoreBusy), workers[0].snapshot():
        raise StoreBusy
    assert emaids(workers[0]) == set()


def test_api_answers_503_while_the_database_is_away(client: TestClient, tmp_path: Path) -> None:
    """Writes and reads, in the words of the spec; nothing is a fault of the pool."""
    text = "The pool cannot reach its database. The request was not confirmed; try again later."
    url = f"{BASE}/signedcontractdata"
    assert client.put(url, json=put_body()).status_code == 201
    (tmp_path / "ccp.db").rename(tmp_path / "moved.db")
    for answer in (
        client.put(url, json=put_body()),
        client.post(url, json=post_body()),
        client.get(f"{BASE}/contractData/emaid/{EMAID_TEXT}"),
        client.delete(f"{url}/{EMAID_TEXT}"),
    ):
        assert_error(answer, 503, text)
        assert answer.headers["retry-after"] == "10"
    (tmp_path / "moved.db").rename(tmp_path / "ccp.db")
    assert client.get(f"{BASE}/contractData/emaid/{EMAID_TEXT}").status_code == 200
