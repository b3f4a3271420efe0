"""Queries for operators: lists, counts and summaries of a database, which may be in use."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from sqlite_utils import Database

from ccp.domain.identifiers import Emaid, Pcid
from ccp.store.copies import connect_for_copy, store_unusable
from ccp.store.counts import count_records
from ccp.store.migrations import require_up_to_date
from ccp.store.records import SignedContractData
from ccp.store.rows import SELECT, record_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """
    A filter of records. All given conditions have to hold.

    Attributes:
        provider_id: The eMSP: the first five characters of the EMAID, upper case.
        wmi: The OEM: the first three characters of the PCID, upper case.
        namespace: The message namespace, in the spec's spelling.
        v2g_root_fingerprint: SHA-256, 64 lower-case hex digits.
        valid_until: The contract ends at this moment or before, aware UTC.
    """

    emaid: Emaid | None = None
    pcid: Pcid | None = None
    provider_id: str | None = None
    wmi: str | None = None
    namespace: str | None = None
    v2g_root_fingerprint: str | None = None
    valid_until: datetime | None = None

    def conditions(self) -> Iterator[tuple[str, str | int]]:
        """Yield each condition as SQL on `c`, the contracts, with the value that it binds."""
        if self.emaid is not None:
            yield "c.emaid_key = ?", self.emaid.key
        if self.pcid is not None:
            yield "c.pcid_key = ?", self.pcid.key
        if self.provider_id is not None:
            yield "substr(c.emaid_key, 1, 5) = ?", self.provider_id
        if self.wmi is not None:
            yield "substr(c.pcid_key, 1, 3) = ?", self.wmi
        if self.namespace is not None:
            yield "c.namespace = ?", self.namespace
        if self.v2g_root_fingerprint is not None:
            yield "c.v2g_root_fingerprint = ?", self.v2g_root_fingerprint
        if self.valid_until is not None:
            yield "c.valid_to <= ?", int(self.valid_until.timestamp())


EVERYTHING = Selection()

_BATCH = 100


def select(path: Path, selection: Selection = EVERYTHING) -> Iterator[SignedContractData]:
    """
    Yield records in the order of their puts, including those put during the iteration.

    Raises:
        StoreUnusable: The database cannot be read, or is not one of a pool of this version.
    """
    with _reading(path) as connection:
        yield from map(record_of, rows_of(connection, selection))


def rows_of(connection: Connection, selection: Selection = EVERYTHING) -> Iterator[tuple[Any, ...]]:
    """
    Yield rows for `record_of` as `select` yields records.

    Rows are read in batches: a caller that pauses blocks no checkpoint of a running pool.
    """
    where, values = _where(selection)
    position = 0
    while True:
        found = connection.execute(
            f"""
            SELECT c.rowid FROM signed_contract_data AS c
            WHERE c.rowid > ? AND {where} ORDER BY c.rowid LIMIT {_BATCH}
            """,  # noqa: S608 - *where* is made of literals alone
            [position, *values],
        )
        rowids = [rowid for (rowid,) in found]
        if not rowids:
            return
        within = [rowids[0], rowids[-1], *values]
        rows = connection.execute(
            f"{SELECT} WHERE c.rowid BETWEEN ? AND ? AND {where} ORDER BY c.rowid", within
        )
        yield from rows.fetchall()
        position = rowids[-1]


def count(path: Path, selection: Selection = EVERYTHING) -> int:
    """
    Count the records that `select` yields.

    Raises:
        StoreUnusable: See `select`.
    """
    where, values = _where(selection)
    with _reading(path) as connection:
        query = f"SELECT COUNT(*) FROM signed_contract_data AS c WHERE {where}"  # noqa: S608
        (number,) = connection.execute(query, values).fetchone()
        return int(number)


def _where(selection: Selection) -> tuple[str, list[str | int]]:
    """Return an SQL condition, made of literals only, and the values that it binds."""
    conditions = dict(selection.conditions())
    return " AND ".join(conditions) or "TRUE", list(conditions.values())


# The primary key's index covers all but the name, for which one record of each root is read.
RECORDS_BY_ROOT = """
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
    The number of records under one V2G root.

    Attributes:
        fingerprint: SHA-256 of the root, 64 lower-case hex digits; None if it is unknown.
        distinguished_name: Name of the root, as in one of the records.
        records: The number of records.
    """

    fingerprint: str | None
    distinguished_name: str
    records: int


def records_by_root(path: Path) -> list[RecordsOfRoot]:
    """
    Count the records of a database by V2G root.

    Raises:
        StoreUnusable: The database cannot be read, or is not one of a pool.
    """
    with _reading(path) as connection:
        return _by_root(connection)


def _by_root(connection: Connection) -> list[RecordsOfRoot]:
    found = connection.execute(RECORDS_BY_ROOT)
    return [RecordsOfRoot(root or None, name, records) for root, name, records in found]


ENDING_WITHIN = "SELECT COUNT(*) FROM signed_contract_data WHERE valid_to >= ? AND valid_to < ?"
"""Reads only that part of an index that it counts."""

LATER = "later"

_LAST = "\x7f"  # sorts after every character of a key
_MONTHS = 24
_NEVER = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """
    Statistics of a database (`ccp stats`).

    Attributes:
        records: All records: contracts in all their variants.
        contracts, cars: Different EMAIDs, different PCIDs.
        by_namespace, by_provider_id, by_wmi: Records of each.
        by_v2g_root: Records under each root, by its fingerprint (SHA-256, lower-case hex digits);
            empty if the root is unknown.
        v2g_root_names: The distinguished name of each root, as in one of its records.
        expired, expiring_within_7_days, expiring_within_30_days: Records by the end of their
            contract. 30 days include 7 days; neither includes expired records.
        ending_by_month: Records that have not expired, by the month of their end (such as 2025-06,
            in UTC): each month up to two years from now, and LATER.
        audit_lines: Lines of the audit trail.
        revoked_certificates: Certificates recorded as revoked.
        bytes: Size of the database without its write-ahead log.
    """

    records: int
    contracts: int
    cars: int
    by_namespace: dict[str, int]
    by_provider_id: dict[str, int]
    by_wmi: dict[str, int]
    by_v2g_root: dict[str, int]
    v2g_root_names: dict[str, str]
    expired: int
    expiring_within_7_days: int
    expiring_within_30_days: int
    ending_by_month: dict[str, int]
    audit_lines: int
    revoked_certificates: int
    bytes: int


def summarise(path: Path, *, at: datetime) -> Summary:
    """
    Compute the statistics of a database.

    Args:
        at: The present moment, aware UTC.
    Raises:
        StoreUnusable: The database cannot be read, or is not one of a pool of this version.
    """
    with _reading(path) as connection:
        connection.execute("BEGIN")  # all counts are of one moment

        def number(query: str) -> int:
            (count,) = connection.execute(f"SELECT {query}").fetchone()
            return int(count)

        counts = count_records(Database(connection, execute_plugins=False), at=at, days=(7, 30))
        roots = {one.fingerprint or "": one for one in _by_root(connection)}
        return Summary(
            records=sum(one.stored for one in counts),
            contracts=number("COUNT(DISTINCT emaid_key) FROM signed_contract_data"),
            cars=number("COUNT(DISTINCT pcid_key) FROM signed_contract_data"),
            by_namespace={one.namespace: one.stored for one in counts},
            by_provider_id=_by_prefix(connection, "emaid_key", 5),
            by_wmi=_by_prefix(connection, "pcid_key", 3),
            by_v2g_root={root: one.records for root, one in roots.items()},
            v2g_root_names={root: one.distinguished_name for root, one in roots.items()},
            expired=sum(one.expired for one in counts),
            expiring_within_7_days=sum(one.expiring[7] for one in counts),
            expiring_within_30_days=sum(one.expiring[30] for one in counts),
            ending_by_month=_ending_by_month(connection, at),
            audit_lines=number("COUNT(*) FROM audit"),
            revoked_certificates=number("COUNT(*) FROM revoked_certificate"),
            bytes=number("page_count * page_size FROM pragma_page_count, pragma_page_size"),
        )


def _by_prefix(connection: Connection, key: str, length: int) -> dict[str, int]:
    """
    Count the records by the first characters of a key, the largest number first.

    Goes from prefix to prefix by the key's index: a GROUP BY takes ten times as long.
    """
    found = {}
    after = ""
    while row := connection.execute(
        f"SELECT substr({key}, 1, {length}) FROM signed_contract_data"  # noqa: S608 - our names
        f" WHERE {key} > ? ORDER BY {key} LIMIT 1",
        [after],
    ).fetchone():
        (prefix,) = row
        after = prefix + _LAST
        (found[prefix],) = connection.execute(
            f"SELECT COUNT(*) FROM signed_contract_data WHERE {key} BETWEEN ? AND ?",  # noqa: S608
            [prefix, after],
        ).fetchone()
    return dict(sorted(found.items(), key=lambda row: (-row[1], row[0])))


def _ending_by_month(connection: Connection, at: datetime) -> dict[str, int]:
    months = [_month(at, later) for later in range(_MONTHS + 1)]
    moments = [int(moment.timestamp()) for moment in (at, *months[1:])]
    names = [f"{month:%Y-%m}" for month in months[:-1]]
    found = [
        connection.execute(ENDING_WITHIN, within).fetchone()[0]
        for within in pairwise((*moments, _NEVER))
    ]
    return dict(zip((*names, LATER), found, strict=True))


def _month(at: datetime, later: int) -> datetime:
    """Return the beginning of the month that is *later* months after *at*."""
    years, months = divmod(at.month - 1 + later, 12)
    return datetime(at.year + years, months + 1, 1, tzinfo=at.tzinfo)


@contextmanager
def _reading(path: Path) -> Iterator[Connection]:
    with (
        store_unusable(f"{path} cannot be used"),
        closing(connect_for_copy(path, "ro")) as connection,
    ):
        require_up_to_date(connection, path)
        yield connection
