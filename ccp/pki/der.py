"""
A small reader of DER and BER, for certificates that stricter parsers refuse.

It accepts what OpenSSL accepts: lengths that are not in their shortest form, indefinite lengths,
strings in parts. It refuses tag numbers above 30, which X.509 does not use.

Source: X.690, 8 and 10.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, OBJECT_IDENTIFIER = 0x01, 0x02, 0x03, 0x04, 0x06
SEQUENCE, SET, UTF8_STRING, UTC_TIME, GENERALIZED_TIME = 0x30, 0x31, 0x0C, 0x17, 0x18
CONSTRUCTED = 0x20

_MOST_DEPTH = 16
_LONGEST_SHOWN_OID = 32
_INDEFINITE = 0x80
_FIRST_OTHER_CLASS = 0x40  # tags below are of the class "universal"
_END_OF_CONTENTS = b"\0\0"


class DerError(ValueError):
    """The bytes are not the ASN.1 value that was expected; the text says why."""


class Element(NamedTuple):
    """
    One element: tag, length and content.

    Attributes:
        tag: The identifier octet, such as SEQUENCE.
        content: Without tag and length.
        encoded: With tag and length, as it stands in the data.
    """

    tag: int
    content: bytes
    encoded: bytes


def elements(data: bytes) -> list[Element]:
    """
    Parse the elements that follow each other in *data*, without looking into them.

    Raises:
        DerError: A tag or length is not valid, or the last element is cut off.
    """
    found = []
    position = 0
    while position < len(data):
        begin = position
        start, end, position = _span(data, begin, _MOST_DEPTH)
        found.append(Element(data[begin], data[start:end], data[begin:position]))
    return found


def content_of(data: bytes, tag: int) -> bytes:
    """
    Return the content of the one element that *data* is.

    Raises:
        DerError: *data* is not one element with this tag.
    """
    found = elements(data)
    if len(found) != 1 or found[0].tag != tag:
        raise DerError("an element has another type than expected")
    return found[0].content


def items_of(data: bytes, tag: int = SEQUENCE) -> list[Element]:
    """
    Return the elements inside the one SEQUENCE (or other *tag*) that *data* is.

    Raises:
        DerError: See `elements` and `content_of`.
    """
    return elements(content_of(data, tag))


def encode(tag: int, *parts: bytes) -> bytes:
    """Encode one element in DER; its content is *parts*, one after the other."""
    content = b"".join(parts)
    size = len(content)
    if size < _INDEFINITE:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, _INDEFINITE | len(length))) + length + content


def is_der(found: Iterable[Element], depth: int = _MOST_DEPTH) -> bool:
    """
    Check whether lengths are in their shortest form, and strings in one piece, also inside.

    Raises:
        DerError: An element inside is malformed.
    Source: X.690, 10.1 and 10.2.
    """
    for one in found:
        if one.encoded != encode(one.tag, one.content):
            return False
        if one.tag & CONSTRUCTED:
            if one.tag < _FIRST_OTHER_CLASS and one.tag not in (SEQUENCE, SET):
                return False
            if depth == 0 or not is_der(elements(one.content), depth - 1):
                return False
    return True


@lru_cache(maxsize=256)  # a few of them are in each certificate
def oid_text(content: bytes) -> str:
    """Write an object identifier with dots; a very long one as its first bytes in hex."""
    if not content or len(content) > _LONGEST_SHOWN_OID or content[-1] & 0x80:
        return f"(OID of {len(content)} bytes, {content[:8].hex()}…)"
    arcs, value = [], 0
    for byte in content:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def _span(data: bytes, position: int, depth: int) -> tuple[int, int, int]:
    """Return where the content of an element starts and ends, and where the next one starts."""
    if len(data) - position < 2:
        raise DerError("an element is cut off")
    if data[position] & 0x1F == 0x1F:
        raise DerError("a tag number is above 30")
    length, start = data[position + 1], position + 2
    if length == _INDEFINITE:
        if not data[position] & CONSTRUCTED:
            raise DerError("a primitive element has an indefinite length")
        return _indefinite_span(data, start, depth)
    if length > _INDEFINITE:
        size = length - _INDEFINITE
        if size > 4 or len(data) - start < size:
            raise DerError("a length is too long")
        length, start = int.from_bytes(data[start : start + size]), start + size
    if length > len(data) - start:
        raise DerError("an element is cut off")
    return start, start + length, start + length


def _indefinite_span(data: bytes, start: int, depth: int) -> tuple[int, int, int]:
    if depth == 0:
        raise DerError("elements are nested too deeply")
    position = start
    while data[position : position + 2] != _END_OF_CONTENTS:
        _, _, position = _span(data, position, depth - 1)
    return start, position, position + 2
