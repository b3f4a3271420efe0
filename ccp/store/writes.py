"""The SQL of each write. The caller has begun the transaction."""

import hashlib
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from ccp.domain.errors import ContractLimitReached, EmaidBelongsToOtherPcid, StoreBusy
from ccp.domain.identifiers import Emaid, Pcid
from ccp.domain.origin import Origin
from ccp.store import audit
from ccp.store.records import SignedContractData

INSERT = """
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
_INSERT_AS_DEFAULT = """
    INSERT OR REPLACE INTO default_contract (pcid_key, namespace, emaid_key)
    VALUES (:pcid_key, :namespace, :emaid_key)
"""
_INSERT_FIRST_AS_DEFAULT = """
    INSERT INTO default_contract (pcid_key, namespace, emaid_key)
    SELECT :pcid_key, :namespace, :emaid_key WHERE NOT EXISTS (
        SELECT 1 FROM signed_contract_data
        WHERE pcid_key = :pcid_key AND namespace = :namespace)
"""


def put(
    database: Database,
    record: SignedContractData,
    origin: Origin,
    *,
    default: bool | None = None,
    most_contracts: int,
) -> None:
    """See `Store.put`."""
    row = columns(record)
    key = (row["pcid_key"], row["namespace"], row["v2g_root_fingerprint"])
    variants = database.execute(
        """
        SELECT pcid_key, namespace, v2g_root_fingerprint
        FROM signed_contract_data WHERE emaid_key = ?
        """,
        [record.emaid.key],
    ).fetchall()
    if any(pcid_key != record.pcid.key for pcid_key, _, _ in variants):
        raise EmaidBelongsToOtherPcid
    if key not in variants:
        _require_room(database, record, variants, most_contracts)
    if default:
        database.execute(_INSERT_AS_DEFAULT, row)
    elif default is None and record.namespace not in {namespace for _, namespace, _ in variants}:
        database.execute(_INSERT_FIRST_AS_DEFAULT, row)
    # REPLACE gives a new rowid, so the order of rowids is the order of puts.
    database.execute(INSERT, row)
    audit.record(
        database,
        origin,
        "replace" if key in variants else "put",
        record.emaid,
        record.pcid.key,
        namespace=record.namespace,
        v2g_root_fingerprint=record.v2g_root_fingerprint,
    )


def _require_room(
    database: Database,
    record: SignedContractData,
    variants: Collection[tuple[str, str, str]],
    most_contracts: int,
) -> None:
    """Raise ContractLimitReached if a new record would exceed the limit."""
    same_edition = sum(namespace == record.namespace for _, namespace, _ in variants)
    if same_edition >= most_contracts:
        raise ContractLimitReached(most_contracts)
    if not same_edition:
        (contracts,) = database.execute(
            """
            SELECT COUNT(DISTINCT emaid_key) FROM signed_contract_data
            WHERE pcid_key = ? AND namespace = ?
            """,
            [record.pcid.key, record.namespace],
        ).fetchone()
        if contracts >= most_contracts:
            raise ContractLimitReached(most_contracts)


def columns(record: SignedContractData) -> dict[str, Any]:
    """Convert a record to the values that INSERT binds."""
    serial_number = record.v2g_root_serial_number
    processing_bit, remaining_bit = record.unsigned_bits or (None, None)
    return {
        "emaid_key": record.emaid.key,
        "pcid_key": record.pcid.key,
        "namespace": record.namespace,
        "v2g_root_fingerprint": record.v2g_root_fingerprint or "",
        "emaid": record.emaid.text,
        "pcid": record.pcid.text,
        "v2g_root_distinguished_name": record.v2g_root_distinguished_name,
        "v2g_root_serial_number": None if serial_number is None else str(serial_number),
        "installation_res_exi": record.installation_res_exi,
        "contract_certificate_der": record.contract_certificate_der,
        "valid_from": _to_seconds(record.valid_from),
        "valid_to": _to_seconds(record.valid_to),
        "meta_data": record.meta_data,
        "evse_processing_bit": processing_bit,
        "remaining_chains_bit": remaining_bit,
    }


def set_default(database: Database, emaid: Emaid, pcid: Pcid, origin: Origin) -> bool:
    """See `Store.set_default`."""
    changed = database.execute(
        """
        INSERT OR REPLACE INTO default_contract (pcid_key, namespace, emaid_key)
        SELECT DISTINCT pcid_key, namespace, emaid_key FROM signed_contract_data
        WHERE emaid_key = ? AND pcid_key = ?
        """,
        [emaid.key, pcid.key],
    )
    if changed.rowcount > 0:
        audit.record(database, origin, "set-default", emaid, pcid.key)
    return changed.rowcount > 0


def record_revoked(
    database: Database, emaid: Emaid, certificate_der: bytes, origin: Origin
) -> None:
    """See `Store.record_revoked`."""
    if _keep_revoked(database, certificate_der, origin):
        audit.record(database, origin, "revoke", emaid, _car(database, emaid) or "")


def _keep_revoked(database: Database, certificate_der: bytes, origin: Origin) -> bool:
    """Record that a certificate is revoked; return whether that is new."""
    recorded = database.execute(
        "INSERT OR IGNORE INTO revoked_certificate (fingerprint, at) VALUES (?, ?)",
        [fingerprint_of(certificate_der), audit.timestamp(origin.at)],
    )
    return recorded.rowcount > 0


def delete(
    database: Database, emaid: Emaid, origin: Origin, *, seen: Collection[bytes] | None
) -> bool:
    """See `Store.delete`."""
    pcid_key = _car(database, emaid)
    if pcid_key is None:
        return False
    if seen is not None and contract_certificates(database, emaid) - set(seen):
        raise StoreBusy
    database.execute(  # by the car, as no index leads from an EMAID to its defaults
        "DELETE FROM default_contract WHERE pcid_key = ? AND emaid_key = ?", [pcid_key, emaid.key]
    )
    database.execute("DELETE FROM signed_contract_data WHERE emaid_key = ?", [emaid.key])
    audit.record(database, origin, "delete", emaid, pcid_key)
    return True


def remove(
    database: Database, record: SignedContractData, action: str, origin: Origin, *, revoke: bool
) -> bool:
    """See `Store.remove`."""
    row = columns(record)
    gone = database.execute(
        """
        DELETE FROM signed_contract_data
        WHERE emaid_key = :emaid_key AND pcid_key = :pcid_key AND namespace = :namespace
            AND v2g_root_fingerprint = :v2g_root_fingerprint
            AND installation_res_exi = :installation_res_exi
        """,
        row,
    )
    if gone.rowcount == 0:
        return False
    database.execute(
        """
        DELETE FROM default_contract
        WHERE pcid_key = :pcid_key AND namespace = :namespace AND emaid_key = :emaid_key
            AND NOT EXISTS (
                SELECT 1 FROM signed_contract_data
                WHERE emaid_key = :emaid_key AND pcid_key = :pcid_key AND namespace = :namespace)
        """,
        row,
    )
    if revoke:
        _keep_revoked(database, record.contract_certificate_der, origin)
    audit.record(
        database,
        origin,
        action,
        record.emaid,
        record.pcid.key,
        namespace=record.namespace,
        v2g_root_fingerprint=record.v2g_root_fingerprint,
    )
    return True


def contract_certificates(database: Database, emaid: Emaid) -> set[bytes]:
    """See `Store.contract_certificates`."""
    ders = database.execute(
        "SELECT contract_certificate_der FROM signed_contract_data WHERE emaid_key = ?",
        [emaid.key],
    )
    return {der for (der,) in ders}


def fingerprint_of(der: bytes) -> str:
    """Return the key of a revoked certificate: SHA-256 of its DER, lower-case hex digits."""
    return hashlib.sha256(der).hexdigest()


def _car(database: Database, emaid: Emaid) -> str | None:
    """Return the key of the car that a contract is stored for; None if it is not stored."""
    row = database.execute(
        "SELECT pcid_key FROM signed_contract_data WHERE emaid_key = ?", [emaid.key]
    ).fetchone()
    return None if row is None else row[0]


def _to_seconds(moment: datetime) -> int:
    return int(moment.timestamp())
