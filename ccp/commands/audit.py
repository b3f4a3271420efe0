"""`ccp audit`: who wrote what into the pool."""

from dataclasses import asdict

import click

from ccp.commands.database import pool_database
from ccp.commands.options import EMAID, PCID
from ccp.commands.output import json_lines_option, tell
from ccp.domain.identifiers import Emaid, Pcid
from ccp.store import AuditLine, read_audit_trail


@click.command()
@click.option("--emaid", type=EMAID, help="Of this contract alone.")
@click.option("--pcid", type=PCID, help="Of this car alone.")
@click.option(
    "--after",
    type=click.IntRange(0),
    default=0,
    metavar="NUMBER",
    help="Only what was written after the line of this number.",
)
@json_lines_option
def audit(emaid: Emaid | None, pcid: Pcid | None, after: int, as_json: bool) -> None:
    """
    Show who wrote what into the pool, the oldest first.

    The database is that of CCP_DATABASE_URL; it is only read. A line has its number, moment,
    action, contract, car, the trace id that the log has too, and of the access token the roles, ids
    and subject; `-` stands for what is not known. The EMAID is without its check digit.
    """
    with pool_database() as path:
        for line in read_audit_trail(path, emaid=emaid, pcid=pcid, after=after):
            tell(_row(line), as_json=as_json, **asdict(line))


def _row(line: AuditLine) -> str:
    # The subject is an issuer's free text, so it stands at the end.
    columns = (line.pcid, line.trace_id, line.roles, line.ids, line.subject)
    known = " ".join(column or "-" for column in columns)
    return f"{line.number} {line.at} {line.action} {line.emaid or '-'} {known}"
