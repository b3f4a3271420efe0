"""`ccp restore`: a copy in place of the pool's data."""

from pathlib import Path

import click

from ccp.commands.checking import all_problems
from ccp.commands.database import pool_database, require_database
from ccp.commands.output import ask, json_option, tell
from ccp.domain.printable import printable
from ccp.store.restore import brought_up_to_date, replace


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def restore(file: Path, yes: bool, as_json: bool) -> None:
    """
    Put what FILE has, a copy that `ccp backup` made, in place of all that the pool has.

    The copy is checked first, as by `ccp check`, and brought up to date; then comes the question
    whether to go on. FILE itself stays as it is. The pool may be running: from one moment to the
    next it has the other contracts.
    """
    with pool_database(may_be_new=True) as database:
        require_database(file)
        _restore(file, database, yes=yes)
    tell(f"Restored {file}", as_json=as_json, file=str(file))


def _restore(file: Path, database: Path, *, yes: bool) -> None:
    with brought_up_to_date(file, database) as copy:
        problems = [printable(problem) for problem in all_problems(copy)]
        if problems:
            raise click.ClickException(
                f"{file} is not restored, since something is wrong with it:\n" + "\n".join(problems)
            )
        if not yes:
            ask("All that the pool has now is replaced. Do you want that?")
        replace(database, copy)
