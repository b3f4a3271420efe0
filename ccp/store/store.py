"""Store: reads, and writes that are done whole or not at all, over one SQLite file."""

import math
import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import structlog
from sqlite_utils import Database

from ccp.errors import StoreBusy
from ccp.identifiers import NAMESPACES, Emaid, Pcid
from ccp.origin import Origin
from ccp.store import writes
from ccp.store.connections import Connections, StoreUnusable, told_to_writers
from ccp.store.copies import back_up
from ccp.store.counts import Counts, count_records
from ccp.store.group_commit import GroupCommit
from ccp.store.migrations import migrations, require_ours
from ccp.store.readiness import Readiness, readiness_of
from ccp.store.records import SignedContractData
from ccp.store.rows import SELECT, record_of

log = structlog.get_logger()

_BATCH = 100  # records of some 7 kB each, or a few times that


class Batch(NamedTuple):
    """
    Some of all records.

    Attributes:
        size: How many were looked at.
        records: Those of them that were asked for.
    """

    size: int
    records: list[SignedContractData]


class Store:
    """
    The contracts of one pool, shared by threads and processes.

    A write is on disk when its method returns; those that come at once are committed together.
    Every method raises StoreBusy where the database is held by others for too long, and a write
    StoreFull where the disk takes no more; a write that does has changed nothing.

    What ``begin_...`` gives has a result, or raises, what the method without would, once that does;
    what is cancelled before its turn is not done.

    Args:
        path: Of the SQLite file; it is made, or brought up to date, here. Of one that an older
            version has made a copy is left beside it.
        busy_timeout_seconds: How long a request waits for another writer before StoreBusy.
        gather: Waits for writes that may still come, to be committed together with those that
            have; see `Crew`.
    Raises:
        StoreUnusable: The file cannot be opened, is no database, is held by somebody for too long,
            was made by a newer version, or there is no room for the copy.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        busy_timeout_seconds: float = 1.0,
        gather: Callable[[], bool] = lambda: True,
    ) -> None:
        self._path = Path(path)
        self._connections = Connections(str(path), busy_timeout_seconds=busy_timeout_seconds)
        self._writes = GroupCommit(self._connections, gather)
        try:
            with told_to_writers(), self._connections.transaction() as database:
                _migrate(database, Path(path))
        except (sqlite3.DatabaseError, StoreBusy) as error:
            raise StoreUnusable(f"the database {path} cannot be used: {error}") from error
        finally:
            self._connections.close()  # nothing may be open when the server forks

    def close(self) -> None:
        """Close the connections of this process."""
        self._connections.close()

    def put(
        self, record: SignedContractData, origin: Origin, *, default: bool | None = None
    ) -> None:
        """
        Store *record*, or replace the one of the same EMAID, PCID, namespace and V2G root.

        The first contract of a car (by namespace) becomes its default; a replaced one stays what
        it was. `record.is_default` is not looked at.

        Args:
            origin: For the audit trail.
            default: Whether it becomes the default in its namespace, where that is not left to the
                order of puts.
        Raises:
            EmaidBelongsToOtherPcid: The EMAID is stored for another car; nothing was changed.
        """
        self.begin_put(record, origin, default=default).result()

    def begin_put(
        self, record: SignedContractData, origin: Origin, *, default: bool | None = None
    ) -> Future[None]:
        """Begin to `put`."""
        return self._writes.submit(lambda db: writes.put(db, record, origin, default=default))

    def find_by_emaid(
        self,
        emaid: Emaid,
        namespace: str,
        *,
        pcid: Pcid | None = None,
        v2g_root_fingerprint: str | None = None,
    ) -> list[SignedContractData]:
        """Return the contract's variants, newest first; of that car and root, where given."""
        where = "c.emaid_key = ? AND c.namespace = ?"
        values = [emaid.key, namespace]
        if pcid is not None:
            where += " AND c.pcid_key = ?"
            values.append(pcid.key)
        if v2g_root_fingerprint is not None:
            where += " AND c.v2g_root_fingerprint = ?"
            values.append(v2g_root_fingerprint)
        return self._select(where, values)

    def find_by_pcid(self, pcid: Pcid, namespace: str) -> list[SignedContractData]:
        """Return all contracts of the car in all their variants, newest first."""
        return self._select("c.pcid_key = ? AND c.namespace = ?", [pcid.key, namespace])

    def find_contract(self, emaid: Emaid) -> list[SignedContractData]:
        """Return all records of the contract, by namespace, the newest first."""
        return [one for namespace in NAMESPACES for one in self.find_by_emaid(emaid, namespace)]

    def find_car(self, pcid: Pcid) -> list[SignedContractData]:
        """Return all records of the car, by namespace, the newest first."""
        return [one for namespace in NAMESPACES for one in self.find_by_pcid(pcid, namespace)]

    def find_default(self, pcid: Pcid, namespace: str) -> list[SignedContractData]:
        """Return the variants of the car's default contract, newest first."""
        return self._select(
            "c.pcid_key = ? AND c.namespace = ? AND d.emaid_key IS NOT NULL",
            [pcid.key, namespace],
        )

    def set_default(self, emaid: Emaid, pcid: Pcid, origin: Origin) -> bool:
        """
        Make the contract the car's default in every namespace that it is stored in.

        Args:
            origin: For the audit trail.
        Returns: False, and nothing is changed, where no such contract is stored for that car.
        """
        return self.begin_set_default(emaid, pcid, origin).result()

    def begin_set_default(self, emaid: Emaid, pcid: Pcid, origin: Origin) -> Future[bool]:
        """Begin to `set_default`."""
        return self._writes.submit(lambda db: writes.set_default(db, emaid, pcid, origin))

    def contract_certificates(self, emaid: Emaid) -> set[bytes]:
        """Return the certificates of a contract, X.509 DER, in all its records."""
        with self._connections.read() as database:
            return writes.contract_certificates(database, emaid)

    def is_revoked(self, certificate_der: bytes) -> bool:
        """Tell whether a certificate is kept as revoked."""
        with self._connections.read() as database:
            found = database.execute(
                "SELECT 1 FROM revoked_certificate WHERE fingerprint = ?",
                [writes.fingerprint_of(certificate_der)],
            )
            return found.fetchone() is not None

    def note_revoked(self, emaid: Emaid, certificate_der: bytes, origin: Origin) -> None:
        """
        Keep for ever that a certificate of a contract has been revoked.

        Args:
            origin: For the audit trail.
        """
        self.begin_note_revoked(emaid, certificate_der, origin).result()

    def begin_note_revoked(
        self, emaid: Emaid, certificate_der: bytes, origin: Origin
    ) -> Future[None]:
        """Begin to `note_revoked`."""
        return self._writes.submit(
            lambda db: writes.note_revoked(db, emaid, certificate_der, origin)
        )

    def delete(
        self, emaid: Emaid, origin: Origin, *, seen: Collection[bytes] | None = None
    ) -> bool:
        """
        Remove every record of the contract; a car whose default it was is left without one.

        Args:
            origin: For the audit trail.
            seen: Its certificates, X.509 DER, as the caller knows them; None where they do not
                matter.
        Returns: False where nothing was stored.
        Raises:
            StoreBusy: A record with another certificate than those seen was put meanwhile.
        """
        return self.begin_delete(emaid, origin, seen=seen).result()

    def begin_delete(
        self, emaid: Emaid, origin: Origin, *, seen: Collection[bytes] | None = None
    ) -> Future[bool]:
        """Begin to `delete`."""
        return self._writes.submit(lambda db: writes.delete(db, emaid, origin, seen=seen))

    def walk(self, *, ended_before: datetime | None = None) -> Iterator[Batch]:
        """
        Give the records that are there when it begins, some at a time, the oldest puts first.

        Nothing is held between two batches, so each one is as it is when it is given.

        Args:
            ended_before: Only those whose contract's validity has ended before, aware UTC; no
                others are read.
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

    def remove(
        self,
        records: Collection[SignedContractData],
        action: str,
        origin: Origin,
        *,
        bars: bool = False,
    ) -> list[SignedContractData]:
        """
        Remove single records, in one transaction; the contract's other records stay.

        A car whose default contract has no record left in a namespace is left without one there.

        Args:
            records: As they were found; one that was replaced meanwhile stays.
            action: What the audit trail calls it.
            origin: For the audit trail.
            bars: Whether their contract certificates are kept as revoked, as `note_revoked` does.
        Returns: Those that have gone.
        """

        def write(database: Database) -> list[SignedContractData]:
            return [
                record
                for record in records
                if writes.remove(database, record, action, origin, bars=bars)
            ]

        return self._writes.submit(write).result()

    def count_records(self, *, at: datetime, days: Sequence[int]) -> list[Counts]:
        """
        Count the records, by namespace; it takes some half a second for a million of them.

        Args:
            at: The present, aware UTC.
            days: Within which contracts may end.
        """
        with self._connections.read() as database:
            return count_records(database, at=at, days=days)

    def readiness(self) -> Readiness:
        """Try whether the database can be written; nothing is changed, and nobody waited for."""
        return readiness_of(self._path)

    def try_to_read(self) -> None:
        """Read one record by the connection of the calling thread, and raise what that raises."""
        with self._connections.read() as database:
            database.execute(f"{SELECT} LIMIT 1").fetchone()

    def _last_position(self) -> int:
        with self._connections.read() as database:
            (last,) = database.execute("SELECT max(rowid) FROM signed_contract_data").fetchone()
            return last or 0

    def _select(self, where: str, values: Sequence[str | int]) -> list[SignedContractData]:
        with self._connections.read() as database:
            # *where* is one of the literals above; values are always bound.
            rows = database.execute(f"{SELECT} WHERE {where} ORDER BY c.rowid DESC", values)
            return [record_of(row) for row in rows]


def _migrate(database: Database, path: Path) -> None:
    """Apply the steps that are missing, behind a copy of a database that has had others."""
    require_ours(database)
    pending = migrations.pending(database)
    if pending and migrations.applied(database):
        copy = path.with_name(f"{path.name}.before-{pending[0].name}")
        back_up(path, copy, replaces=True)
        log.warning("the database is brought up to date", copy_of_it_as_it_was=str(copy))
    migrations.apply(database)
