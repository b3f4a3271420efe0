"""
Changes of a message's bits without decoding: set unsigned values, cut out signed elements.

The grammar of a type does not depend on the position of its element, and ISO 15118 uses no string
table, so an element has the same bits in a message and in a fragment. A cut keeps the bits that the
signer sent, even if another encoder would have written them differently.
"""

from typing import Any

from ccp.iso15118 import iso2
from ccp.iso15118.bits import Writer
from ccp.iso15118.codec import EXI_HEADER, edition_of, encode_fragment, fragments_of
from ccp.iso15118.errors import ExiError
from ccp.iso15118.iso2_schema import V2G_MESSAGE_ROOT
from ccp.iso15118.iso20_schema import PROCESSING, REMAINING, REQ_ROOT, RES_ROOT, RESPONSE_CODE
from ccp.iso15118.messages import Message
from ccp.iso15118.values import LONG_OCTETS, SimpleType, UnsignedLong

_LONGEST_SESSION_ID = 8
_ISO2_START = bytes([EXI_HEADER, V2G_MESSAGE_ROOT.octet])
# Some certain zeros, and the SessionID's length, which is fixed: one more bit of it follows.
_ISO20_STARTS = {bytes([EXI_HEADER, root.octet, 4]) for root in (REQ_ROOT, RES_ROOT)}
_ISO20_SESSION_ID = 8
_TIME_STAMP = 11  # the octet in whose lower half it begins
_TIME_STAMP_TYPE = UnsignedLong()
_VALUES: dict[str, Any] = {
    value.name: value.content for value in (RESPONSE_CODE, PROCESSING, REMAINING)
}


def with_session_id(exi: bytes, session_id: bytes) -> bytes:
    """
    Set the session id of a message; the result equals a new encoding.

    In ISO 15118-2 the id follows 18 bits and the octet of its length. A change of length moves the
    rest by whole bytes, so its bits stay the same. In ISO 15118-20 the length is fixed. The session
    id is not signed.

    Args:
        exi: A message that ``decode`` accepts; only its beginning is read.
        session_id: 0 to 8 bytes; for ISO 15118-20 exactly 8.
    Returns: The message with the new session id.
    Raises:
        ExiError: *exi* does not begin like such a message, or *session_id* is too long or short.
    """
    if _is_iso20(exi):
        return _with_iso20_session_id(exi, session_id)
    if len(session_id) > _LONGEST_SESSION_ID:
        raise ExiError(f"cannot have a session id of {len(session_id)} bytes")
    head = int.from_bytes(exi[2:4], "big")  # two zeros, the length, six bits of what follows
    length = head >> 6
    last = 3 + length  # the byte with the id's last two bits, and six that stay
    if exi[:2] != _ISO2_START or length > _LONGEST_SESSION_ID or len(exi) <= last:
        raise ExiError("does not begin like a message of ISO 15118 with a session id", 0)
    size = len(session_id)
    start = (size << 8 * size | int.from_bytes(session_id, "big")) << 6 | exi[last] & 0x3F
    return _ISO2_START + start.to_bytes(2 + size, "big") + exi[last + 1 :]


def _with_iso20_session_id(exi: bytes, session_id: bytes) -> bytes:
    if len(session_id) != _ISO20_SESSION_ID:
        raise ExiError(f"cannot have a session id of {len(session_id)} bytes")
    id_ = int.from_bytes(session_id, "big") << 7 | exi[11] & 0x7F
    return exi[:3] + id_.to_bytes(9, "big") + exi[12:]


def _is_iso20(exi: bytes) -> bool:
    return exi[:3] in _ISO20_STARTS and len(exi) > _TIME_STAMP and exi[3] < 0x80


def with_time_stamp(exi: bytes, time_stamp: int) -> bytes:
    """
    Set the TimeStamp of a message of ISO 15118-20; the result equals a new encoding.

    The TimeStamp follows 92 bits and takes as many bytes as it needs, so the rest moves by whole
    bytes. It is not signed.

    Args:
        exi: A message of ISO 15118-20 that ``decode`` accepts; only its beginning is read.
        time_stamp: At most 64 bits.
    Returns: The message with the new TimeStamp.
    Raises:
        ExiError: *exi* does not begin like such a message, or *time_stamp* is out of range.
    """
    last = _time_stamp_end(exi)
    writer = Writer()
    writer.code(exi[_TIME_STAMP] >> 4, 4)
    _write(writer, "TimeStamp", _TIME_STAMP_TYPE, time_stamp)
    writer.code(exi[last] & 0x0F, 4)
    return exi[:_TIME_STAMP] + writer.getvalue() + exi[last + 1 :]


def _time_stamp_end(exi: bytes) -> int:
    """Return the octet in whose upper half the TimeStamp ends: its last group has a zero bit."""
    if _is_iso20(exi):
        for last in range(_TIME_STAMP + 1, min(_TIME_STAMP + 1 + LONG_OCTETS, len(exi))):
            if not exi[last - 1] & 0x08:
                return last
    raise ExiError("does not begin like a message of ISO 15118-20 with a TimeStamp", 0)


def with_value(exi: bytes, name: str, bit: int, value: Any) -> bytes:
    """
    Set a value of fixed width in a CertificateInstallationRes of ISO 15118-20.

    Args:
        exi: The message.
        name: ResponseCode, EVSEProcessing or RemainingContractCertificateChains; none is signed.
        bit: Its first bit in *exi*, from the message's ``spans``.
        value: The value, as in the field of that name.
    Returns: The message with the new value.
    Raises:
        ExiError: The type does not allow *value*.
    """
    type_ = _VALUES[name]
    writer = Writer()
    first, last = bit >> 3, bit + type_.width - 1 >> 3
    before, behind = bit & 7, -(bit + type_.width) & 7
    writer.code(exi[first] >> 8 - before, before)
    _write(writer, name, type_, value)
    writer.code(exi[last] & (1 << behind) - 1, behind)
    return exi[:first] + writer.getvalue() + exi[last + 1 :]


def _write(writer: Writer, name: str, type_: SimpleType, value: Any) -> None:
    try:
        type_.write(writer, value)
    except ExiError as error:
        error.add_parent(name)
        raise


def cut_fragment(
    exi: bytes, message: Message, name: str, *, message_grammar: bool = False
) -> bytes:
    """
    Cut a signed element out of a message, with the bits that were sent, as a fragment.

    The relaxed form of eMAID cannot be cut; it is encoded from the value.

    Args:
        exi: The bytes that *message* was decoded from.
        message: The decoded message.
        name: See ``encode_fragment``.
        message_grammar: Whether to use the message's grammar where it differs.
    Returns: The EXI fragment, header included.
    Raises:
        ExiError: The message has no such element.
    """
    edition = edition_of(message)
    if name not in message.spans or name not in edition.fragments.elements:
        raise ExiError(f"has no {name} that could be signed")
    fragments = fragments_of(name, message_grammar=edition if message_grammar else None)
    if (
        name in fragments.relaxed
        and not message_grammar
        and isinstance(message.body, iso2.CertificateInstallationRes)
    ):
        return encode_fragment(name, message.body.emaid)
    start, end = message.spans[name]
    bits = int.from_bytes(exi[start >> 3 : (end + 7) >> 3], "big") >> (-end & 7)
    width = end - start
    head = EXI_HEADER << fragments.width | fragments.elements[name][0]
    whole = (head << width | bits & (1 << width) - 1) << fragments.width | fragments.end
    padding = -(width + 2 * fragments.width) % 8
    return (whole << padding).to_bytes((8 + width + 2 * fragments.width + padding) >> 3, "big")
