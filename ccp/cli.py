"""The command line: `ccp`, with its commands in `ccp.commands`."""

from importlib import import_module
from typing import Any

import click

from ccp.commands.groups import CommandGroup
from ccp.commands.streams import prepare_streams
from ccp.domain.printable import printable

# By name: the module, in which the command has the same name, and what it does.
_COMMANDS = {
    "serve": ("serve", "Serve the pool until Ctrl-C."),
    "check-config": ("check_config", "Check the settings: would a pool start with them?"),
    "migrate": ("migrate", "Make the pool's database, or bring it up to date."),
    "list": ("list_", "List the contracts of the pool."),
    "show": ("show", "Show all that the pool has of one contract."),
    "stats": ("stats", "Count the contracts of the pool."),
    "default": ("default", "Set the contract that a car installs first."),
    "import": ("import_", "Put contracts into the pool, from JSON lines."),
    "export": ("export", "Write contracts as JSON lines."),
    "cleanse": ("cleanse", "Remove contracts that have expired or are revoked."),
    "roots": ("roots", "List, add and remove trust anchors."),
    "audit": ("audit", "Show who wrote what into the pool."),
    "backup": ("backup", "Copy the pool's database to a file."),
    "check": ("check", "Check the pool's database, or a copy of it."),
    "restore": ("restore", "Put a copy in place of all that the pool has."),
    "decode": ("decode", "Show all of a message, and whether its signature holds."),
    "token": ("token", "Print an access token for a laboratory."),
    "workshop": ("workshop", "Make test PKIs, contracts and cars, and play the demo."),
    "completion": ("completion", "Print what makes a shell complete these commands."),
}


class _Commands(CommandGroup):
    """Imports a command when it is called: each needs other libraries, which take a while."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        name, _ = _COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(f"ccp.commands.{name}"), name)
        return command

    def summary(self, ctx: click.Context, name: str) -> str:
        _, summary = _COMMANDS[name]
        return summary

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            raise click.NoSuchCommand(
                error.command_name, possibilities=_COMMANDS, ctx=ctx
            ) from None

    def main(self, *args: Any, **extra: Any) -> Any:
        """Say in a sentence what the system refuses, such as to write to a full disk."""
        prepare_streams()
        try:
            return super().main(*args, **extra)
        except OSError as error:  # click handles a closed pipe
            shown = printable(f"{error.filename or 'output'}: {error.strerror}")
            click.ClickException(shown).show()
            raise SystemExit(1) from None


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="opnc-ccp")
def cli() -> None:
    """
    The Contract Certificate Pool, and its tools.

    `ccp serve` serves it. What it is set up with is in the environment, as variables CCP_…, or in a
    file .env in the working folder; `ccp check-config` says what is made of them.

    The exit status is 0 where all is well, 1 where something is wrong or was refused, and 2 where a
    command was called in a wrong way.
    """


if __name__ == "__main__":
    cli()
