"""What commands write: lines for people, or JSON for programs. Every command writes by these."""

import json
import sys
from typing import Any

import click
import orjson

from ccp.domain.printable import printable

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object.")
json_lines_option = click.option("--json", "as_json", is_flag=True, help="A JSON object a line.")


def say(*lines: str, err: bool = False) -> None:
    """
    Write lines for people, with nothing in them that a terminal would obey.

    Args:
        lines: Without line ends.
        err: Whether they are written to standard error.
    """
    # click would write UTF-8 to a stream that says it takes ASCII alone.
    encoding = (sys.stderr if err else sys.stdout).encoding or "utf-8"
    for line in lines:
        shown = printable(line).encode(encoding, "backslashreplace").decode(encoding)
        click.echo(shown, err=err)


def tell(*lines: str, as_json: bool, **facts: Any) -> None:
    """
    Write what was done or found to standard output.

    Args:
        lines: For people.
        as_json: Whether to write *facts* in their place, as one JSON object.
    """
    if as_json:
        click.echo(json_text(facts).encode())
    else:
        say(*lines)


def json_text(value: Any, *, indent: bool = False) -> str:
    """Convert to JSON; a character that cannot be printed becomes an escape of JSON."""
    option = orjson.OPT_UTC_Z | (orjson.OPT_INDENT_2 if indent else 0)
    text = orjson.dumps(value, option=option).decode()
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() or one == "\n" else json.dumps(one)[1:-1] for one in text
    )


def ask(question: str) -> None:
    """
    Ask for a yes on standard error.

    Raises:
        Abort: The answer is another one.
    """
    click.confirm(printable(question), abort=True, err=True)


def is_watched() -> bool:
    """Return whether standard error is a terminal, where a bar can show progress."""
    return sys.stderr.isatty()
