"""`ccp check`: whether all that is stored is whole."""

from pathlib import Path

import click

from ccp.commands.checking import all_problems
from ccp.commands.database import pool_database
from ccp.commands.output import json_lines_option, say, tell


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
@json_lines_option
def check(file: Path | None, as_json: bool) -> None:
    """
    Check the pool's database, or a copy of it in FILE.

    Is the file sound, does every message decode, and is what is known of it what it says? Nothing
    is written, and the pool may be running. The exit status is 1 where something is wrong.
    """
    found = 0
    with pool_database(file) as database:
        for problem in all_problems(database):
            found += 1
            tell(problem, as_json=as_json, problem=problem)
    if found:
        raise click.ClickException(f"{found} things are wrong.")
    if not as_json:
        say("Nothing is wrong.")
