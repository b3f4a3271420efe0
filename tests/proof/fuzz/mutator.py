"""
Changes that leave a message a message, and a body a body.

Any bits are changed too, but those seldom get past a first certificate, or a first quotation mark.
"""

import dataclasses
import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from ccp.iso15118 import ExiError, decode, encode

Mutate = Callable[[bytes, int], bytes]
"""Changes some bytes into others, of at most so many."""

_Place = tuple[Any, Any]
"""An object and the name of its attribute, or a list and an index."""


def mutate_message(exi: bytes, longest: int, random: Random, mutate: Mutate) -> bytes:
    """Change a value of a message and encode it anew; or, as often, or if that fails, any bits."""
    if random.random() < 0.5:
        try:
            message = decode(exi)
            holder, key = random.choice(list(_places(message)))
            _set(holder, key, _changed(_get(holder, key), random, mutate))
            changed = encode(message)
        except ExiError:
            pass
        else:
            return changed[:longest]
    return mutate(exi, longest)


def mutate_body(body: bytes, longest: int, random: Random, mutate: Mutate) -> bytes:
    """Change a field of a body, also within the message that it has; or, as often, any bytes."""
    if random.random() < 0.5:
        try:
            fields = json.loads(body)
            name = random.choice(list(fields))
            if name.startswith("certificateInstallation"):
                exi = mutate_message(b64decode(fields[name]), len(body), random, mutate)
                fields[name] = b64encode(exi).decode()
            else:
                fields[name] = _changed(fields[name], random, mutate)
            changed = json.dumps(fields, ensure_ascii=random.random() < 0.5).encode()
        except (ValueError, TypeError, IndexError, AttributeError, RecursionError):
            pass  # no JSON, or no object with a field, or no message in it
        else:
            return changed[:longest]
    return mutate(body, longest)


def _places(value: Any) -> Iterator[_Place]:
    """Everywhere in a message where a value stands, the inner ones first."""
    keys: list[Any] = []
    if dataclasses.is_dataclass(value):
        keys = [field.name for field in dataclasses.fields(value) if field.name != "spans"]
    elif isinstance(value, list):
        keys = list(range(len(value)))
    for key in keys:
        inner = _get(value, key)
        yield from _places(inner)
        if isinstance(inner, (bytes, str, int, list)):
            yield value, key


def _changed(value: Any, random: Random, mutate: Mutate) -> Any:
    match value:
        case bytes():
            return mutate(value, len(value) + 16)
        case str():
            return mutate(value.encode(), len(value) + 16).decode(errors="replace")
        case int():
            return random.choice([0, 1, -1, value + 1, -value, random.getrandbits(64)])
        case list():
            return random.choice([value[1:], value[::-1], value + value[:1], value * 3])
        case _:
            return random.choice([None, [value], 1.5, "true"])


def _get(holder: Any, key: Any) -> Any:
    return holder[key] if isinstance(holder, list) else getattr(holder, key)


def _set(holder: Any, key: Any, value: Any) -> None:
    if isinstance(holder, list):
        holder[key] = value
    else:
        setattr(holder, key, value)
