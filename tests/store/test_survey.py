"""What is read of a whole database, by those who run a pool."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ccp.store import Store, StoreUnusable
from ccp.store.survey import RECORDS_BY_ROOT, RecordsOfRoot, records_by_root, select
from tests.builders import ORIGIN, ROOT_A, ROOT_B, record

OTHER = "FRXYZ123456789"
NAME = "CN=V2G Root CA, DC=V2G, O=Test, C=DE"


def test_records_are_counted_by_root(store: Store, tmp_path: Path) -> None:
    """Those of no known root too; each record once, whatever else it shares with others."""
    for emaid, root in [(None, ROOT_A), (None, ROOT_B), (OTHER, ROOT_A), (OTHER, None)]:
        one = record(*filter(None, [emaid]), root=root)
        store.put(one, ORIGIN)
        store.put(one, ORIGIN)
    assert records_by_root(tmp_path / "ccp.db") == [
        RecordsOfRoot(None, NAME, 1),
        RecordsOfRoot(ROOT_A, NAME, 2),
        RecordsOfRoot(ROOT_B, NAME, 1),
    ]


def test_no_records_are_under_no_root(store: Store, tmp_path: Path) -> None:
    """An empty pool has none."""
    assert records_by_root(tmp_path / "ccp.db") == []


def test_the_messages_are_not_read(store: Store, tmp_path: Path) -> None:
    """SQLite goes through an index, and not through gigabytes."""
    store.put(record(), ORIGIN)
    with closing(sqlite3.connect(tmp_path / "ccp.db")) as connection:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {RECORDS_BY_ROOT}")]
    (scan,) = [step for step in plan if step.startswith("SCAN signed_contract_data")]
    assert "USING COVERING INDEX" in scan
    assert any(step.startswith("SEARCH c USING INTEGER PRIMARY KEY") for step in plan)


def test_what_is_no_pool_s_is_told(tmp_path: Path) -> None:
    """Nothing is made, and another database is not counted."""
    with pytest.raises(StoreUnusable):
        records_by_root(tmp_path / "nothing.db")
    assert not (tmp_path / "nothing.db").exists()
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        connection.execute("CREATE TABLE other (x)")
    with pytest.raises(StoreUnusable, match="no database of a pool"):
        records_by_root(tmp_path / "other.db")


def test_all_records_come_in_the_order_of_puts(store: Store, tmp_path: Path) -> None:
    """Whatever the size of a batch; one that is replaced while they are read is not missed."""
    emaids = [f"DEABC{number:09}" for number in range(250)]
    for emaid in emaids:
        store.put(record(emaid), ORIGIN)
    records = select(tmp_path / "ccp.db")
    first = [next(records).emaid.text for _ in range(120)]
    store.put(record(emaids[249], meta_data="new"), ORIGIN)
    rest = list(records)
    assert first + [one.emaid.text for one in rest] == [*emaids[:249], emaids[249]]
    assert rest[-1].meta_data == "new"


def test_whoever_pauses_holds_up_no_checkpoint(store: Store, tmp_path: Path) -> None:
    """As a pager does: the write-ahead log is emptied meanwhile."""
    for number in range(150):
        store.put(record(f"DEABC{number:09}"), ORIGIN)
    records = select(tmp_path / "ccp.db")
    next(records)
    store.put(record("NLZZZ123456789"), ORIGIN)
    with closing(sqlite3.connect(tmp_path / "ccp.db")) as connection:
        busy, logged, moved = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert (busy, logged, moved) == (0, 0, 0)
    assert len(list(records)) == 150
