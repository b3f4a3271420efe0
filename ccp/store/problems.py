"""Checks of a database as such: schema, integrity, contradictions (`ccp check`)."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from sqlite3 import Connection

from ccp.store.copies import connect_for_copy, store_unusable
from ccp.store.migrations import require_up_to_date
from ccp.store.queries import rows_of
from ccp.store.records import SignedContractData
from ccp.store.rows import RowInvalid, record_of
from ccp.store.schema import schema_problems, time_limit


def problems_of(path: Path) -> list[str]:
    """
    Check a database, which may be in use, without writing to it.

    Returns: A sentence for each problem: missing or foreign objects in the schema, findings of
        SQLite's integrity check, and contradictory rows.
    Raises:
        StoreUnusable: The database cannot be read, is not one of a pool of this version, or was
            crafted to take very long.
    """
    with (
        store_unusable(f"{path} cannot be used"),
        closing(connect_for_copy(path, "ro")) as connection,
        time_limit(connection, path),
    ):
        problems = schema_problems(connection)
        if problems:
            return problems
        require_up_to_date(connection, path)
        found = [text for (text,) in connection.execute("PRAGMA integrity_check") if text != "ok"]
        return found or _contradictions(connection)  # a damaged file is not read further


def _contradictions(connection: Connection) -> list[str]:
    orphans = connection.execute(
        """
        SELECT emaid_key, pcid_key FROM default_contract
        EXCEPT SELECT emaid_key, pcid_key FROM signed_contract_data
        """
    )
    found = [
        f"{emaid} is the default of {pcid}, and is not stored for it." for emaid, pcid in orphans
    ]
    shared = connection.execute(
        """
        SELECT emaid_key FROM signed_contract_data
        GROUP BY emaid_key HAVING COUNT(DISTINCT pcid_key) > 1
        """
    )
    return [*found, *(f"{emaid} is stored for several cars." for (emaid,) in shared)]


def read_all(path: Path) -> Iterator[SignedContractData | RowInvalid]:
    """
    Yield the records of a database, and an error for each row that is not a record.

    Raises:
        StoreUnusable: The database cannot be read.
    """
    with (
        store_unusable(f"{path} cannot be used"),
        closing(connect_for_copy(path, "ro")) as connection,
    ):
        connection.text_factory = _lenient_text
        for row in rows_of(connection):
            try:
                yield record_of(row)
            except RowInvalid as error:
                yield error


def _lenient_text(raw: bytes) -> str:
    """Decode text that may not be UTF-8, so that one such row does not stop the reading."""
    return raw.decode(errors="backslashreplace")
