"""How many records there are under each V2G root."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ccp.store import Store, StoreUnusable
from ccp.store.roots import COUNT, RecordsOfRoot, records_by_root
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
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {COUNT}")]
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
