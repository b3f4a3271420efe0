"""The command line: `ccp`, with its commands in `ccp.commands`."""

from importlib import import_module

import click

_COMMANDS = ("audit", "backup", "check", "restore", "roots", "token", "workshop")


class _Commands(click.Group):
    """Imports a command when it is asked for: each needs other libraries, which take a while."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"ccp.commands.{cmd_name}"), cmd_name)
        return command


@click.group(cls=_Commands)
@click.version_option(package_name="ccp")
def cli() -> None:
    """The Contract Certificate Pool's tools."""


if __name__ == "__main__":
    cli()
