"""Store: reads, and writes of one transaction each, over one SQLite file."""

import hashlib
import sqlite3
from collections.abc import Collection
from datetime import datetime
from pathlib import Path

import structlog
from sqlite_utils import Database

from ccp.errors import EmaidBelongsToOtherPcid, StoreBusy
from ccp.identifiers import Emaid, Pcid
from ccp.origin import Origin
from ccp.store import audit
from ccp.store.connections import Connections, StoreUnusable
from ccp.store.copies import back_up
from ccp.store.migrations import migrations, require_ours
from ccp.store.records import SignedContractData
from ccp.store.rows import SELECT, record_of

log = structlog.get_logger()

_INSERT = """
    INSERT OR REPLACE INTO signed_contract_data (
        emaid_key, pcid_key, namespace, v2g_root_fingerprint, emaid, pcid,
        v2g_root_distinguished_name, v2g_root_serial_number, installation_res_exi,
        contract_certificate_der, valid_from, valid_to, meta_data,
        evse_processing_bit, remaining_chains_bit)
    VALUES (
        :emaid_key, :pcid_key, :namespace, :v2g_root_fingerprint, :emaid, :pcid,
        :v2g_root_distinguished_name, :v2g_root_serial_number, :installation_res_exi,
        :contract_certificate_der, :valid_from, :valid_to, :meta_data,
        :evse_processing_bit, :remaining_chains_bit)
"""


class Store:
    """
    The contracts of one pool, shared by threads and processes.

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
        self._connections = Connections(str(path), busy_timeout_seconds=busy_timeout_seconds)
        try:
            with self._connections.write() as database:
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
        emaid, pcid = record.emaid, record.pcid
        serial_number = record.v2g_root_serial_number
        processing_bit, remaining_bit = record.unsigned_bits or (None, None)
        with self._connections.write() as database:
            if database.execute(
                "SELECT 1 FROM signed_contract_data WHERE emaid_key = ? AND pcid_key <> ?",
                [emaid.key, pcid.key],
            ).fetchone():
                raise EmaidBelongsToOtherPcid
            database.execute(
                """
                INSERT INTO default_contract (pcid_key, namespace, emaid_key)
                SELECT :pcid, :namespace, :emaid WHERE NOT EXISTS (
                    SELECT 1 FROM signed_contract_data
                    WHERE pcid_key = :pcid AND namespace = :namespace)
                """,
                {"pcid": pcid.key, "namespace": record.namespace, "emaid": emaid.key},
            )
            key = (emaid.key, pcid.key, record.namespace, record.v2g_root_fingerprint or "")
            replaces = database.execute(
                """
                SELECT 1 FROM signed_contract_data
                WHERE (emaid_key, pcid_key, namespace, v2g_root_fingerprint) = (?, ?, ?, ?)
                """,
                key,
            ).fetchone()
            # REPLACE gives a new rowid, so the order of rowids is the order of puts.
            database.execute(
                _INSERT,
                {
                    "emaid_key": emaid.key,
                    "pcid_key": pcid.key,
                    "namespace": record.namespace,
                    "v2g_root_fingerprint": record.v2g_root_fingerprint or "",
                    "emaid": emaid.text,
                    "pcid": pcid.text,
                    "v2g_root_distinguished_name": record.v2g_root_distinguished_name,
                    "installation_res_exi": record.installation_res_exi,
                    "contract_certificate_der": record.contract_certificate_der,
                    "valid_from": _to_seconds(record.valid_from),
                    "valid_to": _to_seconds(record.valid_to),
                    "meta_data": record.meta_data,
                    "v2g_root_serial_number": None if serial_number is None else str(serial_number),
                    "evse_processing_bit": processing_bit,
                    "remaining_chains_bit": remaining_bit,
                },
            )
            audit.note(
                database,
                origin,
                "replace" if replaces else "put",
                emaid,
                pcid.key,
                namespace=record.namespace,
                v2g_root_fingerprint=record.v2g_root_fingerprint,
            )

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
        with self._connections.write() as database:
            changed = database.execute(
                """
                INSERT OR REPLACE INTO default_contract (pcid_key, namespace, emaid_key)
                SELECT DISTINCT pcid_key, namespace, emaid_key FROM signed_contract_data
                WHERE emaid_key = ? AND pcid_key = ?
                """,
                [emaid.key, pcid.key],
            )
            if changed.rowcount > 0:
                audit.note(database, origin, "set-default", emaid, pcid.key)
            return changed.rowcount > 0

    def contract_certificates(self, emaid: Emaid) -> set[bytes]:
        """Return the certificates of a contract, X.509 DER, in all its records."""
        with self._connections.read() as database:
            ders = database.execute(
                "SELECT contract_certificate_der FROM signed_contract_data WHERE emaid_key = ?",
                [emaid.key],
            )
            return {der for (der,) in ders}

    def is_revoked(self, certificate_der: bytes) -> bool:
        """Tell whether a certificate has been revoked for this pool."""
        with self._connections.read() as database:
            found = database.execute(
                "SELECT 1 FROM revoked_certificate WHERE fingerprint = ?",
                [_fingerprint(certificate_der)],
            )
            return found.fetchone() is not None

    def note_revoked(self, emaid: Emaid, certificate_der: bytes, origin: Origin) -> None:
        """
        Keep for ever that a certificate of a contract has been revoked.

        Args:
            origin: For the audit trail.
        """
        with self._connections.write() as database:
            noted = database.execute(
                "INSERT OR IGNORE INTO revoked_certificate (fingerprint, at) VALUES (?, ?)",
                [_fingerprint(certificate_der), audit.timestamp(origin.at)],
            )
            if noted.rowcount > 0:
                audit.note(database, origin, "revoke", emaid, _car(database, emaid) or "")

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
        with self._connections.write() as database:
            pcid_key = _car(database, emaid)
            if pcid_key is None:
                return False
            if seen is not None and self.contract_certificates(emaid) - set(seen):
                raise StoreBusy
            database.execute("DELETE FROM default_contract WHERE emaid_key = ?", [emaid.key])
            database.execute("DELETE FROM signed_contract_data WHERE emaid_key = ?", [emaid.key])
            audit.note(database, origin, "delete", emaid, pcid_key)
            return True

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


def _car(database: Database, emaid: Emaid) -> str | None:
    """The key of the car that a contract is for."""
    row = database.execute(
        "SELECT pcid_key FROM signed_contract_data WHERE emaid_key = ?", [emaid.key]
    ).fetchone()
    return None if row is None else row[0]


def _fingerprint(der: bytes) -> str:
    return hashlib.sha256(der).hexdigest()


def _to_seconds(moment: datetime) -> int:
    return int(moment.timestamp())
