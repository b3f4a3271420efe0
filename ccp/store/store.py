"""Store: reads, and writes that are done whole or not at all, over one SQLite file."""

import sqlite3
from collections.abc import Callable, Collection
from concurrent.futures import Future
from datetime import datetime
from functools import partial
from pathlib import Path

from sqlite_utils import Database

from ccp.domain.errors import CcpError
from ccp.domain.identifiers import Emaid, Pcid
from ccp.domain.origin import Origin
from ccp.store import audit, writes
from ccp.store.connections import Connections, StoreUnusable
from ccp.store.faults import translated_errors
from ccp.store.group_commit import GroupCommit
from ccp.store.migrations import migrate, require_up_to_date
from ccp.store.readiness import Readiness, misplaced, readiness_of
from ccp.store.reads import Reads
from ccp.store.records import SignedContractData


class Store(Reads):
    """
    The contracts of one pool, shared by threads and processes.

    A write is on disk when its method returns; those that come at once are committed together.
    Every method raises StoreBusy where the database is held by others for too long, StoreFailed
    where the disk reports an error, and StoreUnreachable where the database file is missing, was
    moved or replaced; a write also StoreFull where the disk takes no more. A write that raises
    StoreBusy or StoreFull has changed nothing.

    What ``begin_...`` gives has a result, or raises, what the method without would, once that does;
    what is cancelled before its turn is not done.

    Args:
        path: Of the SQLite file; it is made, or brought up to date, here. Of one that an older
            version has made a copy is left beside it.
        busy_timeout_seconds: How long a request waits for another writer before StoreBusy.
        most_contracts: How many contracts a car can have in a namespace, and how many V2G root
            variants a contract.
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
        most_contracts: int = 64,
        gather: Callable[[], bool] = lambda: True,
    ) -> None:
        self._path = Path(path)
        self._most_contracts = most_contracts
        connections = Connections(
            str(path),
            busy_timeout_seconds=busy_timeout_seconds,
            require_usable=lambda database: require_up_to_date(database.conn, Path(path)),
        )
        super().__init__(connections)
        self._writes = GroupCommit(self._connections, gather)
        try:
            with translated_errors(), self._connections.transaction() as database:
                migrate(database, self._path)
        except (sqlite3.DatabaseError, CcpError) as error:
            raise StoreUnusable(f"the database {path} cannot be used: {error}") from error
        except OSError as error:
            raise StoreUnusable(f"{path} cannot be created: {error.strerror}") from error
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
            ContractLimitReached: The record would be one too many; nothing was changed.
        """
        self.begin_put(record, origin, default=default).result()

    def begin_put(
        self, record: SignedContractData, origin: Origin, *, default: bool | None = None
    ) -> Future[None]:
        """Begin to `put`."""
        return self._writes.submit(
            lambda db: writes.put(
                db, record, origin, default=default, most_contracts=self._most_contracts
            )
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

    def remove(
        self,
        records: Collection[SignedContractData],
        action: str,
        origin: Origin,
        *,
        revoke: bool = False,
    ) -> list[SignedContractData]:
        """
        Remove single records, in one transaction; the contract's other records stay.

        A car whose default contract has no record left in a namespace is left without one there.

        Args:
            records: As they were found; one that was replaced meanwhile stays.
            action: What the audit trail calls it.
            origin: For the audit trail.
            revoke: Whether their contract certificates are kept as revoked, as `note_revoked` does.
        Returns: Those that have gone.
        """

        def write(database: Database) -> list[SignedContractData]:
            return [
                record
                for record in records
                if writes.remove(database, record, action, origin, revoke=revoke)
            ]

        return self._writes.submit(write).result()

    def last_write_at(self) -> datetime | None:
        """Return the moment of the last line of the audit trail, aware UTC; None without any."""
        with self._connections.read() as database:
            return audit.last_moment(database)

    def trim_audit(
        self, origin: Origin, *, before: datetime, after: int = 0, is_noted: bool = False
    ) -> audit.Trimmed:
        """
        Remove the old lines of one batch of the audit trail; see `audit.trim`.

        Args:
            origin: For the line that notes it; its moment is the present.
            before: Lines that were written before are removed; aware UTC.
            after: Position of the batch before; 0 for the first one.
            is_noted: Whether a batch before has noted it.
        """
        write = partial(audit.trim, origin=origin, before=before, after=after, is_noted=is_noted)
        return self._writes.submit(write).result()

    def readiness(self) -> Readiness:
        """Try whether the database can be written; nothing is changed, and nobody waited for."""
        problem = self._connections.problem()
        return readiness_of(self._path) if problem is None else misplaced(problem)
