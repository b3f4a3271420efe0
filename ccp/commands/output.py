"""What commands say: a sentence for people, or JSON for programs."""

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
    click.echo(orjson.dumps(facts) if as_json else text)
