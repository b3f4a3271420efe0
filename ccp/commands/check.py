"""`ccp check`: whether all that is stored is whole."""

from pathlib import Path

import click

from ccp.commands.checking import all_problems
from ccp.settings import SettingsInvalid, server_settings
from ccp.store import StoreUnusable


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
def check(file: Path | None) -> None:
    """
    Check the pool's database, or a copy of it in FILE.

    Is the file sound, does every message decode, and is what is known of it what it says? Nothing
    is written, and the pool may be running. The exit status is 1 where something is wrong.
    """
    found = 0
    try:
        for problem in all_problems(file or server_settings().database_path):
            found += 1
            click.echo(problem)
    except (SettingsInvalid, StoreUnusable) as error:
        raise click.ClickException(str(error)) from None
    if found:
        raise click.ClickException(f"{found} things are wrong.")
    click.echo("Nothing is wrong.")
