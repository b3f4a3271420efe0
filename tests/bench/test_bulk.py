"""The bulk path: it leaves what single puts leave."""

import sqlite3
from contextlib import closing
from pathlib import Path

from ccp.store import Store
from tests.bench.bulk import put_many
from tests.builders import ORIGIN, record

RECORDS = [
    record("DEWRKC00000001", "WRKSH0PCAR0000001", v2g_root_serial_number=2**150),
    record("DEWRKC00000002", "WRKSH0PCAR0000002", root=None),
]
QUERIES = (
    "SELECT * FROM signed_contract_data ORDER BY rowid",
    "SELECT * FROM default_contract ORDER BY 1",
    "SELECT action, subject, roles, ids, trace_id, emaid_key, pcid_key, namespace,"
    " v2g_root_fingerprint FROM audit ORDER BY id",
)


def contents(path: Path) -> list[list[tuple[object, ...]]]:
    """All that a database has but for moments."""
    with closing(sqlite3.connect(path)) as connection:
        return [connection.execute(query).fetchall() for query in QUERIES]


def test_many_are_stored_as_one_by_one(tmp_path: Path) -> None:
    """Rows, defaults and audit trail are the same."""
    put_many(tmp_path / "many.db", RECORDS)
    with closing(Store(tmp_path / "single.db")) as store:
        for each in RECORDS:
            store.put(each, ORIGIN)
    assert contents(tmp_path / "many.db") == contents(tmp_path / "single.db")
