"""What commands say: a sentence for people, or JSON for programs."""

import sys
from collections.abc import Iterable
from typing import Any

import click
import orjson

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object.")
json_lines_option = click.option("--json", "as_json", is_flag=True, help="A JSON object a line.")


def tell(text: str, *, as_json: bool, **facts: Any) -> None:
    """
    Say what was done, or found, on standard output.

    Args:
        text: For people.
        as_json: Whether to write *facts* in its place, as one JSON object.
    """
    click.echo(orjson.dumps(facts, option=orjson.OPT_UTC_Z) if as_json else text)


def echo_lines(lines: Iterable[str]) -> None:
    """Write lines, escaping what the encoding of standard output does not have."""
    encoding = sys.stdout.encoding
    for line in lines:
        click.echo(line.encode(encoding, "backslashreplace").decode(encoding))
