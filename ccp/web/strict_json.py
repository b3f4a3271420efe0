"""JSON that means one thing: no field twice, no depth that only an attacker needs."""

import json
from typing import Any

import orjson

MOST_DEPTH = 32


class JsonInvalid(Exception):
    """The text is not JSON as this pool reads it; the message repeats nothing of it."""


def parse_json(text: bytes) -> Any:
    """
    Parse JSON (RFC 8259).

    Args:
        text: UTF-8, without a byte order mark.
    Raises:
        JsonInvalid: It is something else, has a field twice in an object, or is nested too deeply.
    """
    try:
        value = orjson.loads(text)
    except ValueError:
        raise JsonInvalid("The request body is not valid JSON.") from None
    if _is_deeper(value, MOST_DEPTH):
        raise JsonInvalid(f"The request body is nested deeper than {MOST_DEPTH} levels.")
    _EVERY_FIELD.decode(text.decode())
    return value


def _is_deeper(value: Any, levels: int) -> bool:
    """Look at a level at a time, which is twice as fast as from each value to those inside."""
    level = [value] if isinstance(value, dict | list) else []
    while level and levels:
        level = [
            item
            for outer in level
            for item in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(item, (dict, list))
        ]
        levels -= 1
    return bool(level)


def _require_unique(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) < len(pairs):
        raise JsonInvalid("The request body has a field twice.")


# orjson keeps the last of two equal fields, where others keep the first; the standard library shows
# all of them. What it makes of the values is not asked: float, since int takes no 5000 digits.
_EVERY_FIELD = json.JSONDecoder(object_pairs_hook=_require_unique, parse_int=float)
