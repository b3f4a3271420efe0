"""The store: reads and atomic writes over one SQLite file."""

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
from ccp.store.connect import StoreUnusable
from ccp.store.connections import Connections
from ccp.store.faults import translated_errors
from ccp.store.group_commit import GroupCommit
from ccp.store.migrations import migrate, require_up_to_date
from ccp.store.readiness import Readiness, misplaced, readiness_of
from ccp.store.reads import Reads
from ccp.store.records import SignedContractData


class Store(Reads):
    """
    The contracts of one pool, shared by threads and processes.

    A write is on disk when its method returns; concurrent writes are committed together. Every
    method raises StoreBusy if other processes hold the database for too long, StoreFailed if the
    disk reports an error, and StoreUnreachable if the database file is missing, was moved or
    replaced. Writes also raise StoreFull if the disk is full. A write that raises StoreBusy or
    StoreFull has changed nothing.

    A ``begin_...`` method returns a future with the result or error of the method without the
    prefix. A write whose future is cancelled before it starts is not executed.

    Args:
        path: Path of the SQLite file, which is created or migrated here. Before a migration it is
            copied.
        busy_timeout_seconds: How long a write waits for other writers before StoreBusy.
        most_contracts: Limit on a car's contracts in a namespace, and on a contract's V2G root
            variants.
        gather: Waits for writes that may still come, to be committed together with those that
            have; see `Crew`.
    Raises:
        StoreUnusable: The file cannot be opened, is not a database, is locked for too long, was
            made by a newer version, or there is no space for the copy.
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

        The first contract of a car in a namespace becomes its default; replacing a record does not
        change that. `record.is_default` is ignored.

        Args:
            origin: Origin of the write, for the audit trail.
            default: Whether the contract becomes the default in its namespace; None leaves that to
                the order of puts.
        Raises:
            EmaidBelongsToOtherPcid: The EMAID is stored for another car. Nothing was changed.
            ContractLimitReached: The record would exceed a limit. Nothing was changed.
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
            origin: Origin of the write, for the audit trail.
        Returns: False if the contract is not stored for that car. Nothing was changed then.
        """
        return self.begin_set_default(emaid, pcid, origin).result()

    def begin_set_default(self, emaid: Emaid, pcid: Pcid, origin: Origin) -> Future[bool]:
        """Begin to `set_default`."""
        return self._writes.submit(lambda db: writes.set_default(db, emaid, pcid, origin))

    def record_revoked(self, emaid: Emaid, certificate_der: bytes, origin: Origin) -> None:
        """
        Record for ever that a contract certificate is revoked.

        Args:
            origin: Origin of the write, for the audit trail.
        """
        self.begin_record_revoked(emaid, certificate_der, origin).result()

    def begin_record_revoked(
        self, emaid: Emaid, certificate_der: bytes, origin: Origin
    ) -> Future[None]:
        """Begin to `record_revoked`."""
        return self._writes.submit(
            lambda db: writes.record_revoked(db, emaid, certificate_der, origin)
        )

    def delete(
        self, emaid: Emaid, origin: Origin, *, seen: Collection[bytes] | None = None
    ) -> bool:
        """
        Remove every record of the contract. A car whose default it was has no default afterwards.

        Args:
            origin: Origin of the write, for the audit trail.
            seen: The contract certificates (X.509, DER) that the caller has handled; None if they
                do not matter.
        Returns: False if nothing was stored.
        Raises:
            StoreBusy: A record with a certificate that is not in *seen* was put meanwhile.
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
        Remove single records in one transaction. Other records of their contracts stay.

        A car whose default contract has no record left in a namespace has no default there.

        Args:
            records: The records as they were read; one that was replaced meanwhile stays.
            action: Name of the action in the audit trail.
            origin: Origin of the write, for the audit trail.
            revoke: Whether to record their contract certificates as revoked; see `record_revoked`.
        Returns: The removed records.
        """

        def write(database: Database) -> list[SignedContractData]:
            return [
                record
                for record in records
                if writes.remove(database, record, action, origin, revoke=revoke)
            ]

        return self._writes.submit(write).result()

    def last_write_at(self) -> datetime | None:
        """Return the moment of the last line of the audit trail, aware UTC; None without lines."""
        with self._connections.read() as database:
            return audit.last_moment(database)

    def trim_audit(
        self, origin: Origin, *, before: datetime, after: int = 0, is_noted: bool = False
    ) -> audit.Trimmed:
        """
        Remove the old lines of one batch of the audit trail; see `audit.trim`.

        Args:
            origin: Origin of the trimming; its moment is the present.
            before: Lines older than this moment are removed; aware UTC.
            after: Position of the batch before; 0 for the first batch.
            is_noted: Whether an earlier batch has added the line about the trimming.
        """
        write = partial(audit.trim, origin=origin, before=before, after=after, is_noted=is_noted)
        return self._writes.submit(write).result()

    def readiness(self) -> Readiness:
        """Check whether the database can be written, without changing it or waiting for a lock."""
        problem = self._connections.problem()
        return readiness_of(self._path) if problem is None else misplaced(problem)
