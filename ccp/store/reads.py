"""Reads from the database of a running pool."""

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import NamedTuple

from ccp.domain.identifiers import NAMESPACES, Emaid, Pcid
from ccp.store import writes
from ccp.store.connections import Connections
from ccp.store.counts import Counts, count_records
from ccp.store.records import ContractData, SignedContractData
from ccp.store.rows import SELECT, SELECT_WITHOUT_MESSAGE, contract_of, record_of

_BATCH = 100  # records of some 7 kB each, or a few times that


class Batch(NamedTuple):
    """
    A batch of records.

    Attributes:
        size: The number of records examined.
        records: Those of them that match.
    """

    size: int
    records: list[SignedContractData]


class Reads:
    """
    The reading methods of `Store`; its docstring lists their errors.

    Args:
        connections: The connections to the database.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def find_by_emaid(
        self,
        emaid: Emaid,
        namespace: str,
        *,
        pcid: Pcid | None = None,
        v2g_root_fingerprint: str | None = None,
    ) -> list[SignedContractData]:
        """Return the contract's variants, newest first; only of the given car and root, if any."""
        where = "c.emaid_key = ? AND c.namespace = ?"
        values = [emaid.key, namespace]
        if pcid is not None:
            where += " AND c.pcid_key = ?"
            values.append(pcid.key)
        if v2g_root_fingerprint is not None:
            where += " AND c.v2g_root_fingerprint = ?"
            values.append(v2g_root_fingerprint)
        return self._select(where, values)

    def find_by_pcid(self, pcid: Pcid, namespace: str) -> list[ContractData]:
        """Return all contracts of the car in all their variants, newest first."""
        return self._select_contracts("c.pcid_key = ? AND c.namespace = ?", [pcid.key, namespace])

    def find_contract(self, emaid: Emaid) -> list[SignedContractData]:
        """Return all records of the contract, by namespace, the newest first."""
        return [one for namespace in NAMESPACES for one in self.find_by_emaid(emaid, namespace)]

    def find_car(self, pcid: Pcid) -> list[ContractData]:
        """Return all contracts of the car, by namespace, the newest first."""
        return [one for namespace in NAMESPACES for one in self.find_by_pcid(pcid, namespace)]

    def find_default(self, pcid: Pcid, namespace: str) -> list[SignedContractData]:
        """Return the variants of the car's default contract, newest first."""
        return self._select(
            "c.pcid_key = ? AND c.namespace = ? AND d.emaid_key IS NOT NULL",
            [pcid.key, namespace],
        )

    def with_messages(self, contracts: Iterable[ContractData]) -> list[SignedContractData]:
        """Load the messages of contracts; skip those that were removed meanwhile."""
        return [
            record
            for one in contracts
            for record in self.find_by_emaid(
                one.emaid,
                one.namespace,
                pcid=one.pcid,
                v2g_root_fingerprint=one.v2g_root_fingerprint or "",
            )
        ]

    def snapshot(self) -> AbstractContextManager[None]:
        """Make all reads of this thread inside the block see the database at one moment."""
        return self._connections.snapshot()

    def contract_certificates(self, emaid: Emaid) -> set[bytes]:
        """Return the certificates of a contract, X.509 DER, in all its records."""
        with self._connections.read() as database:
            return writes.contract_certificates(database, emaid)

    def is_revoked(self, certificate_der: bytes) -> bool:
        """Return whether a certificate is recorded as revoked."""
        with self._connections.read() as database:
            found = database.execute(
                "SELECT 1 FROM revoked_certificate WHERE fingerprint = ?",
                [writes.fingerprint_of(certificate_der)],
            )
            return found.fetchone() is not None

    def iter_batches(self, *, ended_before: datetime | None = None) -> Iterator[Batch]:
        """
        Yield batches of the records that exist when the iteration starts, the oldest puts first.

        No lock is held between two batches; each batch is read when it is yielded.

        Args:
            ended_before: Yield only records whose contract ended before this moment, aware UTC.
        """
        position, end = 0, self._last_position()
        while position < end:
            with self._connections.read() as database:
                found = database.execute(
                    """
                    SELECT rowid FROM signed_contract_data
                    WHERE rowid > ? AND rowid <= ? ORDER BY rowid LIMIT ?
                    """,
                    [position, end, _BATCH],
                )
                rowids = [rowid for (rowid,) in found]
            if not rowids:
                return
            where, values = "c.rowid BETWEEN ? AND ?", [rowids[0], rowids[-1]]
            if ended_before is not None:
                where += " AND c.valid_to < ?"
                values.append(math.ceil(ended_before.timestamp()))
            yield Batch(len(rowids), self._select(where, values)[::-1])
            position = rowids[-1]

    def count_records(self, *, at: datetime, days: Sequence[int]) -> list[Counts]:
        """
        Count the records by namespace. A million records take about half a second.

        Args:
            at: The present moment, aware UTC.
            days: Numbers of days; contracts that end within each are counted.
        """
        with self._connections.read() as database:
            return count_records(database, at=at, days=days)

    def _last_position(self) -> int:
        with self._connections.read() as database:
            (last,) = database.execute("SELECT max(rowid) FROM signed_contract_data").fetchone()
            return last or 0

    def try_to_read(self) -> None:
        """Read one record on the calling thread's connection, to see whether that works."""
        with self._connections.read() as database:
            database.execute(f"{SELECT} LIMIT 1").fetchone()

    def _select(self, where: str, values: Sequence[str | int]) -> list[SignedContractData]:
        with self._connections.read() as database:
            # *where* is one of the literals above; values are always bound.
            rows = database.execute(f"{SELECT} WHERE {where} ORDER BY c.rowid DESC", values)
            return [record_of(row) for row in rows]

    def _select_contracts(self, where: str, values: Sequence[str | int]) -> list[ContractData]:
        with self._connections.read() as database:
            query = f"{SELECT_WITHOUT_MESSAGE} WHERE {where} ORDER BY c.rowid DESC"  # as above
            return [contract_of(row) for row in database.execute(query, values)]
