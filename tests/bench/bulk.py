"""Rows of the store, written past it, many at once."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from ccp.store import SignedContractData, Store
from ccp.store.audit import timestamp
from ccp.store.writes import INSERT, columns

_BATCH = 10_000
_INSERT_DEFAULT = """
    INSERT OR REPLACE INTO default_contract (pcid_key, namespace, emaid_key)
    VALUES (:pcid_key, :namespace, :emaid_key)
"""
_INSERT_AUDIT = """
    INSERT INTO audit (at, action, roles, ids, emaid_key, pcid_key, namespace, v2g_root_fingerprint)
    VALUES (:at, 'put', '', '', :emaid_key, :pcid_key, :namespace,
            nullif(:v2g_root_fingerprint, ''))
"""


def put_many(path: Path, records: Iterable[SignedContractData]) -> None:
    """
    Store contracts in large transactions, each with its car's default and its audit line.

    Args:
        path: Of the database; it is made if there is none.
        records: Of cars that have one contract each.
    """
    Store(path).close()
    rows = map(_row, records)
    with closing(connect_durably(path)) as connection:
        while batch := list(islice(rows, _BATCH)):
            connection.execute("BEGIN IMMEDIATE")
            for insert in (INSERT, _INSERT_DEFAULT, _INSERT_AUDIT):
                connection.executemany(insert, batch)
            connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def connect_durably(path: Path) -> sqlite3.Connection:
    """Open a database as durably as the pool does."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=10)
    connection.execute("PRAGMA journal_mode=wal")
    connection.execute("PRAGMA synchronous=full")
    return connection


def _row(record: SignedContractData) -> dict[str, Any]:
    """The columns of a record, and the moment for its audit line."""
    return {"at": timestamp(datetime.now(UTC)), **columns(record)}
