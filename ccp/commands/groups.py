"""Groups of commands: whole summaries in their help, and errors that a terminal cannot obey."""

from typing import Any

import click

from ccp.domain.printable import printable_lines


class CommandGroup(click.Group):
    """A group of commands."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the commands in the order in which the code has them."""
        return list(self.commands)

    def summary(self, ctx: click.Context, name: str) -> str:
        """Return the first sentence of a command's help."""
        command = self.get_command(ctx, name)
        return command.get_short_help_str(limit=1000) if command else ""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each command with its summary, which click would cut off."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, self.summary(ctx, name)) for name in self.list_commands(ctx)]
            )

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; its error message has nothing that a terminal would obey."""
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            message = error.format_message()
            shown = printable_lines(message)
            if shown == message:
                raise
            if isinstance(error, click.UsageError):
                raise click.UsageError(shown, error.ctx) from None
            raise click.ClickException(shown) from None
