"""`ccp restore`: a copy in place of the pool's data."""

from pathlib import Path

import click

from ccp.commands.checking import all_problems
from ccp.commands.database import pool_database
from ccp.commands.output import json_option, tell
from ccp.store.restore import brought_up_to_date, replace


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.confirmation_option(
    "--yes", prompt="All that the pool has now is replaced. Do you want that?"
)
@json_option
def restore(file: Path, as_json: bool) -> None:
    """
    Put what FILE has, a copy that `ccp backup` made, in place of all that the pool has.

    The copy is checked before, as by `ccp check`, and brought up to date; FILE itself stays as it
    is. The pool may be running: from one moment to the next it has the other contracts.
    """
    with pool_database() as database, brought_up_to_date(file, database) as copy:
        problems = list(all_problems(copy))
        if problems:
            raise click.ClickException(
                f"{file} is not restored, since something is wrong with it:\n" + "\n".join(problems)
            )
        replace(database, copy)
    tell(f"Restored {file}", as_json=as_json, file=str(file))
