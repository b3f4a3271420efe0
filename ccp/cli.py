"""The command line: `ccp`, with its commands in `ccp.commands`."""

import errno
from importlib import import_module
from typing import Any

import click

# By name, the module; the command in it has the same name as that.
_COMMANDS = {
    "audit": "audit",
    "backup": "backup",
    "check": "check",
    "check-config": "check_config",
    "cleanse": "cleanse",
    "completion": "completion",
    "decode": "decode",
    "default": "default",
    "export": "export",
    "import": "import_",
    "list": "list_",
    "migrate": "migrate",
    "restore": "restore",
    "roots": "roots",
    "serve": "serve",
    "show": "show",
    "stats": "stats",
    "token": "token",
    "workshop": "workshop",
}


class _Commands(click.Group):
    """Imports a command when it is asked for: each needs other libraries, which take a while."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        name = _COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(f"ccp.commands.{name}"), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Tell what the system refuses, such as to write to a full disk, in a sentence."""
        try:
            return super().invoke(ctx)
        except OSError as error:
            if error.errno == errno.EPIPE:  # nobody reads any more, and click says nothing
                raise
            raise click.ClickException(f"{error.filename or 'output'}: {error.strerror}") from None


@click.group(cls=_Commands)
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
