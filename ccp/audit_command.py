"""`ccp audit`: who wrote what into the pool."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import click
import orjson

from ccp.identifiers import Emaid, Pcid
from ccp.settings import SettingsInvalid, server_settings
from ccp.store import AuditLine, Store, StoreUnusable

_AT_A_TIME = 1000  # lines


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

    The database is that of CCP_DATABASE_URL. A line has its number, moment, action, contract, car,
    who did it (the subject of the access token and its roles; `-` where the pool asked nobody), and
    the trace id that the log has too. The EMAID is without its check digit.
    """
    for line in _lines(emaid, pcid, after):
        if as_json:
            click.echo(orjson.dumps(asdict(line)))
        else:
            who = line.subject or "-"
            roles = f" ({line.roles})" if line.roles else ""
            click.echo(
                f"{line.number} {line.at} {line.action} {line.emaid} {line.pcid} {who}{roles} "
                f"{line.trace_id or '-'}"
            )


def _lines(emaid: Emaid | None, pcid: Pcid | None, after: int) -> Iterator[AuditLine]:
    try:
        path = server_settings().database_path
        if not path.is_file():
            raise click.ClickException(f"there is no database {path}")
        store = Store(path)
    except (SettingsInvalid, StoreUnusable) as error:
        raise click.ClickException(str(error)) from None
    try:
        while lines := store.audit_trail(emaid=emaid, pcid=pcid, after=after, most=_AT_A_TIME):
            yield from lines
            after = lines[-1].number
    finally:
        store.close()
