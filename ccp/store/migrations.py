"""The steps that make the database; numbered, and never edited once released."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import cast

import structlog
from sqlite_utils import Database, Migrations
from sqlite_utils.db import Table

from ccp.store.connections import StoreUnusable
from ccp.store.copies import back_up, connect_patiently, told

log = structlog.get_logger()

migrations = Migrations("ccp")


def require_ours(database: Database) -> None:
    """
    Refuse a database that knows more steps than we do, or other tables alone.

    Raises:
        StoreUnusable: It was made by a newer version, or is another application's.
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
    Refuse what no pool made, or a newer version did.

    Raises:
        StoreUnusable: It is such a database; *path* is what it is called.
    """
    database = Database(connection, execute_plugins=False)
    if not migrations.applied(database):
        raise StoreUnusable(f"{path} is no database of a pool")
    require_ours(database)


def require_up_to_date(connection: sqlite3.Connection, path: Path) -> None:
    """
    Refuse what is no database of a pool of this version.

    Raises:
        StoreUnusable: It is another one; *path* is what it is called.
    """
    require_pool(connection, path)
    if migrations.pending(Database(connection, execute_plugins=False)):
        raise StoreUnusable(f"{path} is of an older version; `ccp migrate` brings it up to date")


def steps_missing(path: Path) -> list[str]:
    """
    Name the steps that a database lacks; all of them where there is none.

    Raises:
        StoreUnusable: It cannot be read, or is none of a pool, or was made by a newer version.
    """
    with (
        told(f"{path} cannot be used"),
        closing(
            connect_patiently(path, "ro") if path.exists() else sqlite3.connect(":memory:")
        ) as connection,
    ):
        database = Database(connection, execute_plugins=False)
        require_ours(database)
        return [step.name for step in migrations.pending(database)]


def migrate(database: Database, path: Path) -> None:
    """
    Apply the steps that are missing, after a copy of a database that has had others.

    Args:
        database: A connection in a transaction.
        path: Of the database; the copy is made beside it.
    Raises:
        StoreUnusable: See `require_ours` and `back_up`.
    """
    require_ours(database)
    pending = migrations.pending(database)
    if pending and migrations.applied(database):
        copy = path.with_name(f"{path.name}.before-{pending[0].name}")
        back_up(path, copy, replaces=True)
        log.warning("the database is brought up to date", copy_of_it_as_it_was=str(copy))
    migrations.apply(database)


@migrations(name="0001_signed_contract_data")
def signed_contract_data(db: Database) -> None:
    """
    Contracts, and which one is a car's default.

    The `_key` columns identify (see ccp.domain.identifiers), the ones without are what answers
    carry. An unknown root is an empty fingerprint, so that the primary key holds for it too.
    Times are seconds since 1970, UTC.
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
    # One default per car and namespace: the primary key says so, no code has to.
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
    Where a message of ISO 15118-20 has what each answer sets anew; no other message has it.

    Unsigned values of fixed width: with their places known nothing is decoded to answer.
    """
    contracts = cast(Table, db["signed_contract_data"])
    contracts.add_column("evse_processing_bit", int)
    contracts.add_column("remaining_chains_bit", int)


@migrations(name="0004_audit")
def audit(db: Database) -> None:
    """Who did what to which record, and when: a line for each write, in its transaction."""
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
    Contract certificates that the PKI has revoked for us: it is not asked again for them.

    By SHA-256 of the DER, in lower-case hex digits. They stay when their contract has gone.
    """
    cast(Table, db["revoked_certificate"]).create(
        {"fingerprint": str, "at": str},
        pk="fingerprint",
        not_null={"fingerprint", "at"},
        strict=True,
    )


@migrations(name="0006_ends_of_validity")
def ends_of_validity(db: Database) -> None:
    """What ends when, without a look at the records: with their messages they are a hundredfold."""
    cast(Table, db["signed_contract_data"]).create_index(["valid_to", "namespace"])
