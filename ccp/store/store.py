"""Store: reads, and writes that are done whole or not at all, over one SQLite file."""

import sqlite3
from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path

import structlog
from sqlite_utils import Database

from ccp.errors import StoreBusy
from ccp.identifiers import Emaid, Pcid
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


class Store:
    """
    The contracts of one pool, shared by threads and processes.

    A write is on disk when its method returns; those of several threads are committed together.
    Every method raises StoreBusy where the database is held by others for too long, and a write
    StoreFull where the disk takes no more; a write that does has changed nothing.

    Args:
        path: Of the SQLite file; it is made, or brought up to date, here. Of one that an older
            version has made a copy is left beside it.
        busy_timeout_seconds: How long a request waits for another writer before StoreBusy.
    Raises:
        StoreUnusable: The file cannot be opened, is no database, is held by somebody for too long,
            was made by a newer version, or there is no room for the copy.
    """

    def __init__(self, path: str | Path, *, busy_timeout_seconds: float = 1.0) -> None:
        self._path = Path(path)
        self._connections = Connections(str(path), busy_timeout_seconds=busy_timeout_seconds)
        self._writes = GroupCommit(self._connections)
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

    def put(self, record: SignedContractData, origin: Origin) -> None:
        """
        Store *record*, or replace the one of the same EMAID, PCID, namespace and V2G root.

        The first contract of a car (by namespace) becomes its default; a replaced one stays what
        it was. `record.is_default` is not looked at.

        Args:
            origin: For the audit trail.
        Raises:
            EmaidBelongsToOtherPcid: The EMAID is stored for another car; nothing was changed.
        """
        self._writes.write(lambda db: writes.put(db, record, origin))

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
        return self._writes.write(lambda db: writes.set_default(db, emaid, pcid, origin))

    def contract_certificates(self, emaid: Emaid) -> set[bytes]:
        """Return the certificates of a contract, X.509 DER, in all its records."""
        with self._connections.read() as database:
            return writes.contract_certificates(database, emaid)

    def is_revoked(self, certificate_der: bytes) -> bool:
        """Tell whether a certificate has been revoked for this pool."""
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
        self._writes.write(lambda db: writes.note_revoked(db, emaid, certificate_der, origin))

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
        return self._writes.write(lambda db: writes.delete(db, emaid, origin, seen=seen))

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

    def _select(self, where: str, values: list[str]) -> list[SignedContractData]:
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
