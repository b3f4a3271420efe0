"""`ccp backup`: a copy of the pool's data, taken while it runs."""

from pathlib import Path

import click

from ccp.commands.database import pool_database
from ccp.store.copies import back_up


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup(file: Path) -> None:
    """
    Copy the pool's database to FILE, which must not be there yet.

    The database is that of CCP_DATABASE_URL; the pool may be running. FILE has all that was
    acknowledged before, and only its owner can read it.
    """
    with pool_database() as database:
        back_up(database, file)
    click.echo(f"Copied {file.stat().st_size} bytes to {file}")
