"""`ccp show`: all that the pool has of a contract, its message looked into."""

from collections.abc import Iterator
from datetime import UTC, datetime

import click

from ccp.commands.database import pool_database
from ccp.commands.options import EMAID
from ccp.commands.output import json_lines_option, say, tell
from ccp.config.settings import server_settings
from ccp.domain.identifiers import Emaid
from ccp.schemas import ContractDataV1
from ccp.store import SignedContractData
from ccp.store.queries import Selection, select


@click.command()
@click.argument("emaid", type=EMAID)
@json_lines_option
def show(emaid: Emaid, as_json: bool) -> None:
    """
    Show all that the pool has of the contract EMAID.

    Each of its records, and what its message says, as `ccp decode` tells it: signature,
    certificates, and the chains by the pool's anchors. The database is that of CCP_DATABASE_URL; it
    is only read. An object of --json has `contract`, ContractDataV1 of the API, and `message`.
    """
    # Imported only now: they take a while, and `--help` needs none of them.
    from ccp.inspection import UnreadableMessage, inspect_message, render_text
    from ccp.trust.kept_roots import trusted_at_start

    at = datetime.now(UTC)
    shape = ContractDataV1()
    found = is_broken = False
    with pool_database() as path:
        trust = trusted_at_start(server_settings(), at=at).current.trust
        for record in select(path, Selection(emaid=emaid)):
            message = inspect_message(record.installation_res_exi, at=at, trust=trust)
            if as_json:
                tell(as_json=True, contract=shape.dump(record), message=message)
            else:
                say(*[""] if found else [], *_facts(record), *render_text(message))
            found = True
            is_broken = is_broken or isinstance(message, UnreadableMessage)
    if is_broken:
        raise SystemExit(1)
    if not found:
        raise click.ClickException(f"{emaid.text} is not stored.")


def _facts(record: SignedContractData) -> Iterator[str]:
    facts = {
        "EMAID": record.emaid.text,
        "PCID": record.pcid.text,
        "default": "yes" if record.is_default else "no",
        "valid": f"{record.valid_from:%FT%TZ} to {record.valid_to:%FT%TZ}",
        "V2G root": record.v2g_root_distinguished_name,
        "fingerprint": record.v2g_root_fingerprint,
        "metaData": record.meta_data,
    }
    for name, fact in facts.items():
        if fact is not None:
            yield f"{name:12}{fact}"
    yield ""
