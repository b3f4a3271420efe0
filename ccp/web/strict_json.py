"""JSON that means one thing: no field twice, no depth or number that only an attacker needs."""

import json
from typing import Any

import orjson

MOST_DEPTH = 32
MOST_VALUES = 2048  # in all its objects and arrays; a body of the spec has a few


class JsonInvalid(Exception):
    """The text is not JSON as this pool reads it; the message repeats nothing of it."""


def parse_json(text: bytes) -> Any:
    """
    Parse JSON (RFC 8259).

    Args:
        text: UTF-8, without a byte order mark.
    Raises:
        JsonInvalid: It is something else, has a field twice in an object, is nested
            too deeply, or has too many values.
    """
    try:
        value = orjson.loads(text)
    except ValueError:
        raise JsonInvalid("The request body is not valid JSON.") from None
    _require_bounded(value)
    _EVERY_FIELD.decode(text.decode())
    return value


def _require_bounded(value: Any) -> None:
    """Look at a level at a time, which is twice as fast as from each value to those inside."""
    level, values = [value], 0
    for _ in range(MOST_DEPTH):
        outers = [item for item in level if isinstance(item, (dict, list))]
        values += sum(map(len, outers))
        if values > MOST_VALUES:
            raise JsonInvalid(f"The request body has more than {MOST_VALUES} values.")
        level = [
            item
            for outer in outers
            for item in (outer.values() if isinstance(outer, dict) else outer)
        ]
    if any(isinstance(item, (dict, list)) for item in level):
        raise JsonInvalid(f"The request body is nested deeper than {MOST_DEPTH} levels.")


def _require_unique(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) < len(pairs):
        raise JsonInvalid("The request body has a field twice.")


# orjson keeps the last of two equal fields, where others keep the first; the standard library shows
# all of them. What it makes of the values is not asked: float, since int takes no 5000 digits.
_EVERY_FIELD = json.JSONDecoder(object_pairs_hook=_require_unique, parse_int=float)
