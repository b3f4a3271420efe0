"""`ccp audit`: who wrote what into the pool."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import click
import orjson

from ccp.commands.database import pool_database
from ccp.identifiers import Emaid, Pcid
from ccp.store import AuditLine, read_audit_trail


def _parsed_by(parse: Callable[[str], Any], kind: str) -> Callable[..., Any]:
    def callback(_ctx: click.Context, _param: click.Parameter, text: str | None) -> Any:
        try:
            return None if text is None else parse(text)
        except ValueError:
            raise click.BadParameter(f"{text!r} is no {kind}") from None

    return callback


@click.command()
@click.option("--emaid", callback=_parsed_by(Emaid.parse, "EMAID"), help="Of this contract alone.")
@click.option("--pcid", callback=_parsed_by(Pcid.parse, "PCID"), help="Of this car alone.")
@click.option(
    "--after",
    type=click.IntRange(0),
    default=0,
    metavar="NUMBER",
    help="Only what was written after the line of this number.",
)
@click.option("--json", "as_json", is_flag=True, help="A JSON object a line.")
def audit(emaid: Emaid | None, pcid: Pcid | None, after: int, as_json: bool) -> None:
    """
    Show who wrote what into the pool, the oldest first.

    The database is that of CCP_DATABASE_URL; it is only read. A line has its number, moment,
    action, contract, car, the trace id that the log has too, and of the access token the roles, ids
    and subject; `-` stands for what is not known. The EMAID is without its check digit.
    """
    with pool_database() as path:
        for line in read_audit_trail(path, emaid=emaid, pcid=pcid, after=after):
            click.echo(orjson.dumps(asdict(line)) if as_json else _row(line))


def _row(line: AuditLine) -> str:
    # The subject is an issuer's free text, so it stands at the end.
    columns = (line.pcid, line.trace_id, line.roles, line.ids, line.subject)
    known = " ".join(column or "-" for column in columns)
    return f"{line.number} {line.at} {line.action} {line.emaid} {known}"
