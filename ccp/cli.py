"""The command line: `ccp`, with its commands in `ccp.commands`."""

import click

from ccp.commands.audit import audit
from ccp.commands.token import token
from ccp.commands.workshop import workshop


@click.group()
@click.version_option(package_name="ccp")
def cli() -> None:
    """The Contract Certificate Pool's tools."""


for _command in (audit, token, workshop):
    cli.add_command(_command)

if __name__ == "__main__":
    cli()
