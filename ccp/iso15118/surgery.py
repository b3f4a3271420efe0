"""
Changes to a message's bits that need no decoding: a new session id, a signed element cut out.

A type's grammar does not depend on where its element stands, and there is no string table, so an
element has the same bits in a message and in a fragment. A cut keeps what the signer sent, even if
another encoder would have written it differently.
"""

from ccp.iso15118.codec import EXI_HEADER, encode_fragment, fragments_of
from ccp.iso15118.errors import ExiError
from ccp.iso15118.messages import CertificateInstallationRes, Message
from ccp.iso15118.schema import ROOT

_LONGEST_SESSION_ID = 8
_ISO2_START = bytes([EXI_HEADER, ROOT.code << 8 - ROOT.width])


def with_session_id(exi: bytes, session_id: bytes) -> bytes:
    """
    Put another session id into an ISO 15118-2 message; equal to encoding it anew.

    The id follows 18 bits and its length's octet. A change of length moves the rest by whole
    bytes, which leaves it as it is. The session id is not signed.

    Args:
        exi: A V2G_Message that ``decode`` accepts; only its beginning is looked at.
        session_id: 0 to 8 bytes.
    Returns: The message with the new session id.
    Raises:
        ExiError: *exi* does not begin like such a message, or *session_id* is too long.
    """
    if len(session_id) > _LONGEST_SESSION_ID:
        raise ExiError(f"cannot have a session id of {len(session_id)} bytes")
    head = int.from_bytes(exi[2:4], "big")  # two zeros, the length, six bits of what follows
    length = head >> 6
    last = 3 + length  # the byte with the id's last two bits, and six that stay
    if exi[:2] != _ISO2_START or length > _LONGEST_SESSION_ID or len(exi) <= last:
        raise ExiError("does not begin like an ISO 15118-2 message with a session id", 0)
    size = len(session_id)
    start = (size << 8 * size | int.from_bytes(session_id, "big")) << 6 | exi[last] & 0x3F
    return _ISO2_START + start.to_bytes(2 + size, "big") + exi[last + 1 :]


def cut_fragment(
    exi: bytes, message: Message, name: str, *, message_grammar: bool = False
) -> bytes:
    """
    Cut a signed element out of a message: the very bits sent, as a fragment.

    The relaxed form of eMAID cannot be cut, and is encoded from the value.

    Args:
        exi: The bytes that *message* was decoded from.
        message: What ``decode`` made of them.
        name, message_grammar: As for ``encode_fragment``.
    Returns: The EXI fragment, header included.
    Raises:
        ExiError: The message has no such element.
    """
    if name not in message.spans:
        raise ExiError(f"has no {name} that could be signed")
    if (
        name == "eMAID"
        and not message_grammar
        and isinstance(message.body, CertificateInstallationRes)
    ):
        return encode_fragment(name, message.body.emaid)
    fragments = fragments_of(name, message_grammar=message_grammar)
    start, end = message.spans[name]
    bits = int.from_bytes(exi[start >> 3 : (end + 7) >> 3], "big") >> (-end & 7)
    width = end - start
    head = EXI_HEADER << fragments.width | fragments.elements[name][0]
    whole = (head << width | bits & (1 << width) - 1) << fragments.width | fragments.end
    padding = -(width + 2 * fragments.width) % 8
    return (whole << padding).to_bytes((8 + width + 2 * fragments.width + padding) >> 3, "big")
