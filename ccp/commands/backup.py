"""`ccp backup`: a copy of the pool's data, taken while it runs."""

from pathlib import Path

import click

from ccp.commands.database import pool_database
from ccp.commands.output import json_option, tell
from ccp.store.copies import back_up


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@json_option
def backup(file: Path, as_json: bool) -> None:
    """
    Copy the pool's database to FILE, which must not be there yet.

    The database is that of CCP_DATABASE_URL; the pool may be running. FILE has all that was
    acknowledged before, and only its owner can read it.
    """
    with pool_database() as database:
        back_up(database, file)
    size = file.stat().st_size
    tell(f"Copied {size} bytes to {file}", as_json=as_json, file=str(file), bytes=size)
