"""`ccp list`: which contracts the pool has."""

from typing import Any

import click

from ccp.commands.database import pool_database
from ccp.commands.options import selecting, selection
from ccp.commands.output import json_lines_option, say, tell
from ccp.domain.identifiers import ISO_15118_2
from ccp.schemas import ContractDataV1
from ccp.store import SignedContractData
from ccp.store.queries import select

_COLUMNS = "{:<15} {:<18} {:<12} {:<10} {:<16} {}"
_HEADERS = ("EMAID", "PCID", "EDITION", "EXPIRES", "V2G ROOT", "DEFAULT")


@click.command("list")
@selecting
@json_lines_option
def list_(as_json: bool, **options: Any) -> None:
    """
    List the contracts of the pool, in the order in which they were put.

    The database is that of CCP_DATABASE_URL; it is only read. Behind the headers, a line has EMAID
    and PCID, the edition of ISO 15118, the day on which the contract certificate expires, the
    beginning of the V2G root's fingerprint, and `default` for the contract that its car installs
    first; `-` stands for a root that is not known, and for another contract. The objects of --json
    are ContractDataV1 of the API, and have no headers.
    """
    shape = ContractDataV1()
    wanted = selection(**options)
    with pool_database() as path:
        if not as_json:
            say(_COLUMNS.format(*_HEADERS))
        for record in select(path, wanted):
            if as_json:
                tell(as_json=True, **shape.dump(record))
            else:
                say(_row(record))


def _row(record: SignedContractData) -> str:
    edition = "2" if record.namespace == ISO_15118_2 else "20"
    root = (record.v2g_root_fingerprint or "-")[:16]
    return _COLUMNS.format(
        record.emaid.text,
        record.pcid.text,
        f"ISO 15118-{edition}",
        f"{record.valid_to:%F}",
        root,
        "default" if record.is_default else "-",
    )
