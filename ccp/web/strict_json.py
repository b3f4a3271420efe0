"""JSON that means one thing: no field twice, no depth or number that only an attacker needs."""

import codecs
import json
import re
from typing import Any

import orjson

MOST_DEPTH = 32
# In all its objects and arrays, of which empty ones count twice; a body of the spec has a few.
MOST_VALUES = 2048

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"')
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


class JsonInvalid(Exception):
    """The text is not JSON as this pool reads it; the message repeats nothing of it."""


def parse_json(text: bytes) -> Any:
    """
    Parse JSON (RFC 8259).

    Args:
        text: UTF-8. A byte order mark is ignored, as RFC 8259, 8.1 allows.
    Raises:
        JsonInvalid: It is something else, has a field twice in an object, is nested
            too deeply, or has too many values.
    """
    text = text.removeprefix(codecs.BOM_UTF8)
    try:
        value = orjson.loads(text)
    except ValueError:
        raise JsonInvalid("The request body is not valid JSON.") from None
    _require_bounded(text)
    _EVERY_FIELD.decode(text.decode())
    return value


def _require_bounded(text: bytes) -> None:
    """
    Look at the text, not at what it was read as: of a field that is there twice all counts.

    Args:
        text: Valid JSON.
    """
    brackets, commas = text.count(b"[") + text.count(b"{"), text.count(b",")
    if brackets <= MOST_DEPTH and brackets + commas <= MOST_VALUES:
        return  # with whatever stands in strings
    bare = _STRING.sub(b"", text)
    if bare.count(b",") + bare.count(b"[") + bare.count(b"{") > MOST_VALUES:
        raise JsonInvalid("The request body has too many values.")
    depth = 0
    for bracket in bare.translate(None, delete=_NO_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        if depth > MOST_DEPTH:
            raise JsonInvalid(f"The request body is nested deeper than {MOST_DEPTH} levels.")


def _require_unique(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) < len(pairs):
        raise JsonInvalid("The request body has a field twice.")


# orjson keeps the last of two equal fields, where others keep the first; the standard library shows
# all of them. What it makes of the values is not asked: float, since int takes no 5000 digits.
_EVERY_FIELD = json.JSONDecoder(object_pairs_hook=_require_unique, parse_int=float)
