"""How many records there are under each V2G root."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ccp.store.copies import connect_patiently, told
from ccp.store.migrations import require_pool

# The index of the primary key has all but the name, for which one record of each root is read.
COUNT = """
    SELECT c.v2g_root_fingerprint, c.v2g_root_distinguished_name, root.records
    FROM (
        SELECT COUNT(*) AS records, MIN(rowid) AS first
        FROM signed_contract_data GROUP BY v2g_root_fingerprint
    ) AS root
    JOIN signed_contract_data AS c ON c.rowid = root.first
    ORDER BY c.v2g_root_fingerprint
"""


@dataclass(frozen=True, slots=True)
class RecordsOfRoot:
    """
    What is stored under one V2G root.

    Attributes:
        fingerprint: SHA-256 of the root, 64 lower-case hex digits; None where it is not known.
        distinguished_name: Of the root, as one of the records has it.
        records: How many there are.
    """

    fingerprint: str | None
    distinguished_name: str
    records: int


def records_by_root(path: Path) -> list[RecordsOfRoot]:
    """
    Count the records of a database by their V2G roots; nothing is written, and it may be in use.

    Raises:
        StoreUnusable: It cannot be read, or is none of a pool.
    """
    with told(f"{path} cannot be used"), closing(connect_patiently(path, "ro")) as connection:
        require_pool(connection, path)
        found = connection.execute(COUNT)
        return [RecordsOfRoot(root or None, name, records) for root, name, records in found]
