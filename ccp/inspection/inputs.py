"""Whatever somebody has at hand that has a message in it: EXI, base64, or JSON of a pool."""

from collections import deque
from collections.abc import Iterator
from typing import Any

import orjson

from ccp.domain.base64_text import read_base64
from ccp.domain.errors import ExiInvalid
from ccp.iso15118 import MessageKind, sniff

MOST_BYTES = 256 * 1024
"""As much as a pool reads of what another pool answers."""

_FIELDS = ("certificateInstallationReq", "certificateInstallationRes")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_URL_ALPHABET = str.maketrans("-_", "+/")


class NoMessage(ValueError):
    """There is no message in what was given; the text says why."""


def read_messages(data: bytes) -> list[bytes]:
    """
    Take the messages out of what somebody has.

    Args:
        data: A message in EXI; in base64, of either alphabet (RFC 4648, 4 and 5), with or without
            padding and white space; or in a JSON document, wherever it has a
            certificateInstallationReq or certificateInstallationRes, such as the body of a request
            or an answer of the API.
    Returns: EXI, at least one, in their order; they need not be what they should.
    Raises:
        NoMessage: There is none, or *data* has more than MOST_BYTES.
    """
    if len(data) > MOST_BYTES:
        raise NoMessage(f"it is larger than {MOST_BYTES // 1024} KiB")
    text = data.removeprefix(_BYTE_ORDER_MARK).strip()
    if text[:1] in (b"{", b"[", b'"'):
        return _read_json(text)
    if text.isascii() and sniff(text) in (MessageKind.BASE64, MessageKind.UNKNOWN):
        return [_read_base64(text.decode("ascii"))]
    return [data]


def _read_json(text: bytes) -> list[bytes]:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise NoMessage("it begins as JSON does, and is none") from None
    found = [document] if isinstance(document, str) else list(_texts(document))
    if not found:
        fields = " or ".join(_FIELDS)
        raise NoMessage(f"this JSON has no {fields} in it")
    return [_read_base64(one) for one in found]


def _texts(document: Any) -> Iterator[str]:
    """Give what the fields have, in the order of the document, however deep it is."""
    waiting = deque([document])
    while waiting:
        match waiting.popleft():
            case dict() as members:
                texts = (members.get(name) for name in _FIELDS)
                yield from (text for text in texts if isinstance(text, str))
                waiting.extendleft(reversed(members.values()))
            case list() as items:
                waiting.extendleft(reversed(items))


def _read_base64(text: str) -> bytes:
    if not set("+/") & set(text):
        text = text.translate(_URL_ALPHABET)
    try:
        return read_base64(text)
    except ExiInvalid:
        raise NoMessage("it is neither EXI, base64 nor JSON") from None
