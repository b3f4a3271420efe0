"""`ccp default`: which contract a car installs first."""

import click

from ccp.commands.database import by_command, pool_store
from ccp.commands.options import EMAID, PCID
from ccp.commands.output import json_option, tell
from ccp.domain.identifiers import Emaid, Pcid


@click.command()
@click.argument("emaid", type=EMAID)
@click.argument("pcid", type=PCID)
@json_option
def default(emaid: Emaid, pcid: Pcid, as_json: bool) -> None:
    """
    Make the contract EMAID the one that the car PCID installs first.

    In every edition that it is stored in, as the API's setdefault does; `ccp list --pcid` shows
    what is. The pool may be running.
    """
    with pool_store() as store:
        if not store.set_default(emaid, pcid, by_command("default")):
            raise click.ClickException(f"{emaid.text} is not stored for {pcid.text}.")
    text = f"{emaid.text} is the default contract of {pcid.text}."
    tell(text, as_json=as_json, emaid=emaid.text, pcid=pcid.text)
