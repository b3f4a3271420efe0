"""A strict JSON parser: no field twice, bounded depth, bounded number of values."""

import codecs
import re
from typing import Any

import orjson

MOST_DEPTH = 32
MOST_VALUES = 2048
"""The limit on all values of all objects and arrays; a body of the spec has fewer than 20."""

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"')
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


class JsonInvalid(Exception):
    """The text is not JSON as the pool accepts it. The message repeats nothing of the text."""


def parse_json(text: bytes) -> Any:
    """
    Parse JSON (RFC 8259).

    Args:
        text: UTF-8. A byte order mark is ignored, as RFC 8259, 8.1 allows.
    Raises:
        JsonInvalid: The text is not JSON, has a field twice in an object, is nested deeper than
            MOST_DEPTH, or has more than MOST_VALUES values.
    """
    text = text.removeprefix(codecs.BOM_UTF8)
    try:
        value = orjson.loads(text)
    except ValueError:
        raise JsonInvalid("The request body is not valid JSON.") from None
    structure = _STRING.sub(b"", text)
    _require_bounded(structure)
    # The parser keeps the last of two fields of one name; the text has a colon for each of them.
    if structure.count(b":") != _count_fields(value):
        raise JsonInvalid("The request body has a field twice.")
    return value


def _require_bounded(structure: bytes) -> None:
    """
    Check depth and number of values. An empty object or array counts as two values.

    Args:
        structure: Valid JSON without its strings.
    """
    brackets = structure.translate(None, delete=_NO_BRACKETS)
    if structure.count(b",") + len(brackets) // 2 > MOST_VALUES:
        raise JsonInvalid("The request body has too many values.")
    depth = 0
    for bracket in brackets:
        depth += 1 if bracket in b"[{" else -1
        if depth > MOST_DEPTH:
            raise JsonInvalid(f"The request body is nested deeper than {MOST_DEPTH} levels.")


def _count_fields(value: Any) -> int:
    """Return the number of fields in all objects of a parsed text."""
    if isinstance(value, dict):
        return len(value) + sum(map(_count_fields, value.values()))
    if isinstance(value, list):
        return sum(map(_count_fields, value))
    return 0
