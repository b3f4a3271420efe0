"""`ccp list`: which contracts the pool has."""

from typing import Any

import click
import orjson

from ccp.commands.database import pool_database
from ccp.commands.options import selecting, selection
from ccp.commands.output import json_lines_option
from ccp.identifiers import ISO_15118_2
from ccp.schemas import ContractDataV1
from ccp.store import SignedContractData
from ccp.store.survey import select


@click.command("list")
@selecting
@json_lines_option
def list_(as_json: bool, **options: Any) -> None:
    """
    List the contracts of the pool, in the order in which they were put.

    The database is that of CCP_DATABASE_URL; it is only read. A line has EMAID and PCID, the
    edition of ISO 15118, the day on which the contract certificate expires, the beginning of the
    V2G root's fingerprint, or `-` if the root is not known, and `default` for the contract that its
    car installs first. The objects of --json are ContractDataV1 of the API.
    """
    shape = ContractDataV1()
    with pool_database() as path:
        for record in select(path, selection(**options)):
            click.echo(orjson.dumps(shape.dump(record)) if as_json else _row(record))


def _row(record: SignedContractData) -> str:
    edition = "2" if record.namespace == ISO_15118_2 else "20"
    root = (record.v2g_root_fingerprint or "-")[:16]
    default = " default" if record.is_default else ""
    return (
        f"{record.emaid.text} {record.pcid.text} ISO 15118-{edition} {record.valid_to:%F}"
        f" {root}{default}"
    )
