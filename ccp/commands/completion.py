"""`ccp completion`: what makes a shell complete the commands of `ccp`."""

import click
from click.shell_completion import get_completion_class

from ccp.commands.output import say


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """
    Print what makes a SHELL complete the commands of ccp.

    For bash, in ~/.bashrc, or at once:

    \b
      eval "$(ccp completion bash)"
    """
    complete = get_completion_class(shell)
    if complete is None:  # click knows these three
        raise click.ClickException(f"there is no completion for {shell}")
    root = ctx.find_root()
    say(*complete(root.command, {}, "ccp", "_CCP_COMPLETE").source().splitlines())
