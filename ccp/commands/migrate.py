"""`ccp migrate`: a database as this version wants it."""

import click

from ccp.commands.database import pool_database
from ccp.commands.output import json_option, tell
from ccp.store import Store
from ccp.store.migrations import steps_missing


@click.command()
@json_option
def migrate(as_json: bool) -> None:
    """
    Make the pool's database, or bring it up to date.

    The database is that of CCP_DATABASE_URL. A pool that starts does the same by itself. Of a
    database of an older version a copy is left beside it, as it was.
    """
    with pool_database(may_be_new=True) as path:
        missing = steps_missing(path)
        Store(path).close()
    done = [f"Done: {name}" for name in missing]
    tell(*done, f"{path} is up to date.", as_json=as_json, database=str(path), done=missing)
