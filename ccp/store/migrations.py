"""The numbered migration steps of the database; a released step is never edited."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import cast

import structlog
from sqlite_utils import Database, Migrations
from sqlite_utils.db import Table

from ccp.store.connect import StoreUnusable
from ccp.store.copies import back_up, connect_for_copy, store_unusable

log = structlog.get_logger()

migrations = Migrations("ccp")


def require_ours(database: Database) -> None:
    """
    Check that a database is empty, or was made by this version or an older one.

    Raises:
        StoreUnusable: The database was made by a newer version, or by another application.
    """
    tables = set(database.table_names()) - {migrations.migrations_table}
    if tables and not migrations.applied(database):
        raise StoreUnusable("the database is not one of a pool")
    with closing(sqlite3.connect(":memory:")) as empty:
        ours = {step.name for step in migrations.pending(Database(empty))}
    if {step.name for step in migrations.applied(database)} - ours:
        raise StoreUnusable("the database was made by a newer version of this pool")


def require_pool(connection: sqlite3.Connection, path: Path) -> None:
    """
    Check that a database was made by a pool of this version or an older one.

    Raises:
        StoreUnusable: It was not. The text has *path*.
    """
    database = Database(connection, execute_plugins=False)
    if not migrations.applied(database):
        raise StoreUnusable(f"{path} is no database of a pool")
    require_ours(database)


def require_up_to_date(connection: sqlite3.Connection, path: Path) -> None:
    """
    Check that a database is one of a pool of this version.

    Raises:
        StoreUnusable: It is not. The text has *path*.
    """
    require_pool(connection, path)
    if migrations.pending(Database(connection, execute_plugins=False)):
        raise StoreUnusable(f"{path} is of an older version; `ccp migrate` brings it up to date")


def steps_missing(path: Path) -> list[str]:
    """
    Return the names of the steps that a database lacks; all of them if there is no database.

    Raises:
        StoreUnusable: The database cannot be read, is not one of a pool, or is of a newer version.
    """
    with (
        store_unusable(f"{path} cannot be used"),
        closing(
            connect_for_copy(path, "ro") if path.exists() else sqlite3.connect(":memory:")
        ) as connection,
    ):
        database = Database(connection, execute_plugins=False)
        require_ours(database)
        return [step.name for step in migrations.pending(database)]


def migrate(database: Database, path: Path) -> None:
    """
    Apply the missing steps. A database that already has steps is copied before.

    Args:
        database: A connection in a transaction.
        path: Path of the database; the copy is made beside it.
    Raises:
        StoreUnusable: See `require_ours` and `back_up`.
    """
    require_ours(database)
    pending = migrations.pending(database)
    if pending and migrations.applied(database):
        copy = path.with_name(f"{path.name}.before-{pending[0].name}")
        back_up(path, copy, replaces=True)
        log.warning("migrating the database", backup_path=str(copy))
    migrations.apply(database)


@migrations(name="0001_signed_contract_data")
def signed_contract_data(db: Database) -> None:
    """
    Contracts, and the default contract of each car.

    The `_key` columns are compared (see ccp.domain.identifiers); answers carry the others. The
    fingerprint of an unknown root is empty, so that it can be part of the primary key. Times are
    seconds since 1970, UTC.
    """
    contracts = cast(Table, db["signed_contract_data"])
    contracts.create(
        {
            "emaid_key": str,
            "pcid_key": str,
            "namespace": str,
            "v2g_root_fingerprint": str,
            "emaid": str,
            "pcid": str,
            "v2g_root_distinguished_name": str,
            "installation_res_exi": bytes,
            "contract_certificate_der": bytes,
            "valid_from": int,
            "valid_to": int,
            "meta_data": str,
        },
        pk=("emaid_key", "pcid_key", "namespace", "v2g_root_fingerprint"),
        not_null={
            "emaid_key",
            "pcid_key",
            "namespace",
            "v2g_root_fingerprint",
            "emaid",
            "pcid",
            "v2g_root_distinguished_name",
            "installation_res_exi",
            "contract_certificate_der",
            "valid_from",
            "valid_to",
        },
        strict=True,
    )
    contracts.create_index(["pcid_key", "namespace"])
    # The primary key ensures one default for each car and namespace.
    cast(Table, db["default_contract"]).create(
        {"pcid_key": str, "namespace": str, "emaid_key": str},
        pk=("pcid_key", "namespace"),
        not_null={"pcid_key", "namespace", "emaid_key"},
        strict=True,
    )


@migrations(name="0002_v2g_root_serial_number")
def v2g_root_serial_number(db: Database) -> None:
    """
    The serial number of the V2G root, by which cars name their roots.

    As decimal text: it has up to 160 bits. Unknown where no trust anchor was found.
    """
    cast(Table, db["signed_contract_data"]).add_column("v2g_root_serial_number", str)


@migrations(name="0003_bits_that_answers_set")
def bits_that_answers_set(db: Database) -> None:
    """
    Bit positions of the two values in a message of ISO 15118-20 that each answer sets.

    They are not signed and have a fixed width, so an answer sets them without decoding the message.
    """
    contracts = cast(Table, db["signed_contract_data"])
    contracts.add_column("evse_processing_bit", int)
    contracts.add_column("remaining_chains_bit", int)


@migrations(name="0004_audit")
def audit(db: Database) -> None:
    """The audit trail: a line for each write, in the same transaction."""
    cast(Table, db["audit"]).create(
        {
            "id": int,
            "at": str,
            "action": str,
            "subject": str,
            "roles": str,
            "ids": str,
            "trace_id": str,
            "emaid_key": str,
            "pcid_key": str,
            "namespace": str,
            "v2g_root_fingerprint": str,
        },
        pk="id",
        not_null={"at", "action", "roles", "ids", "emaid_key", "pcid_key"},
        strict=True,
    )


@migrations(name="0005_revoked_certificate")
def revoked_certificate(db: Database) -> None:
    """
    Contract certificates that the PKI has revoked for the pool, so it is not asked again.

    The key is the SHA-256 of the DER in lower-case hex digits. Rows stay when contracts go.
    """
    cast(Table, db["revoked_certificate"]).create(
        {"fingerprint": str, "at": str},
        pk="fingerprint",
        not_null={"fingerprint", "at"},
        strict=True,
    )


@migrations(name="0006_ends_of_validity")
def ends_of_validity(db: Database) -> None:
    """An index of the ends of validity, a hundredth of the size of the records."""
    cast(Table, db["signed_contract_data"]).create_index(["valid_to", "namespace"])
