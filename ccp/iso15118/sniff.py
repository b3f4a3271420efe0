"""Recognise the kind of a message by its first bytes, without trying grammars."""

import re
from enum import Enum

from ccp.iso15118.bits import Reader
from ccp.iso15118.errors import ExiError
from ccp.iso15118.iso2_schema import BODIES, HEADER, V2G_MESSAGE_ROOT
from ccp.iso15118.iso20_schema import REQ_ROOT, RES_ROOT


class MessageKind(Enum):
    """The kinds of messages. A value is a description that fits into a sentence."""

    ISO2_CERTIFICATE_INSTALLATION_REQ = "an ISO 15118-2 CertificateInstallationReq"
    ISO2_CERTIFICATE_INSTALLATION_RES = "an ISO 15118-2 CertificateInstallationRes"
    ISO2_CERTIFICATE_UPDATE_REQ = "an ISO 15118-2 CertificateUpdateReq"
    ISO2_CERTIFICATE_UPDATE_RES = "an ISO 15118-2 CertificateUpdateRes"
    ISO2_OTHER = "another ISO 15118-2 message"
    ISO2_MALFORMED = "an ISO 15118-2 message with a malformed header"
    ISO20_CERTIFICATE_INSTALLATION_REQ = "an ISO 15118-20 CertificateInstallationReq"
    ISO20_CERTIFICATE_INSTALLATION_RES = "an ISO 15118-20 CertificateInstallationRes"
    ISO20_OTHER = "another ISO 15118-20 message"
    DIN_70121 = "a DIN SPEC 70121 message"
    APP_PROTOCOL = "a supportedAppProtocol handshake"
    EMPTY = "empty"
    XML = "XML text, not EXI"
    BASE64 = "Base64 text, not the bytes that it stands for"
    EXI_COOKIE = "EXI with a cookie, which ISO 15118 does not use"
    EXI_OPTIONS = "EXI with options in its header, which ISO 15118 does not use"
    UNKNOWN = "no message of ISO 15118"


_ISO2_BODIES = {
    BODIES.index("CertificateInstallationReq"): MessageKind.ISO2_CERTIFICATE_INSTALLATION_REQ,
    BODIES.index("CertificateInstallationRes"): MessageKind.ISO2_CERTIFICATE_INSTALLATION_RES,
    BODIES.index("CertificateUpdateReq"): MessageKind.ISO2_CERTIFICATE_UPDATE_REQ,
    BODIES.index("CertificateUpdateRes"): MessageKind.ISO2_CERTIFICATE_UPDATE_RES,
}
# The second byte: document event code, then certain zeros.
_SECOND_BYTES = {
    V2G_MESSAGE_ROOT.octet: MessageKind.ISO2_OTHER,
    REQ_ROOT.octet: MessageKind.ISO20_CERTIFICATE_INSTALLATION_REQ,
    RES_ROOT.octet: MessageKind.ISO20_CERTIFICATE_INSTALLATION_RES,
    0x9A: MessageKind.DIN_70121,  # V2G_Message, 77 of 7 bits
    0x00: MessageKind.APP_PROTOCOL,  # supportedAppProtocolReq, 0 of 2 bits
    0x40: MessageKind.APP_PROTOCOL,  # supportedAppProtocolRes, 1 of 2 bits
}
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{4,}={0,2}\s*")
_XML = re.compile(rb"\s*<|\xef\xbb\xbf|\xfe\xff|\xff\xfe")  # or any byte order mark
_LOOKED_AT = 4096  # bytes: more than any header with a signature


def sniff(exi: bytes) -> MessageKind:
    """
    Recognise a message by its beginning; the rest may be malformed or missing.

    Args:
        exi: Any bytes. The header of an ISO 15118-2 message is read to find its body.
    Returns: The kind of message, or why the bytes are not a message of ISO 15118.
    """
    if not exi:
        return MessageKind.EMPTY
    if exi.startswith(b"$EXI"):
        return MessageKind.EXI_COOKIE
    if exi[0] != 0x80:
        return _sniff_text(exi) or MessageKind.UNKNOWN
    kind = _SECOND_BYTES.get(exi[1], MessageKind.UNKNOWN) if len(exi) > 1 else MessageKind.UNKNOWN
    if kind is MessageKind.ISO2_OTHER:
        return _sniff_body(exi[:_LOOKED_AT])
    if kind in (MessageKind.UNKNOWN, MessageKind.APP_PROTOCOL) and _has_iso20_header(exi):
        return MessageKind.ISO20_OTHER
    return kind


def _has_iso20_header(exi: bytes) -> bool:
    """
    Return whether this is a message of ISO 15118-20. Only its transport tells which one.

    Each schema assigns the event codes, of 6 bits, to other messages. After the code come zeros,
    the length of SessionID, which is always 8, SessionID, and the first bits of TimeStamp.
    """
    return len(exi) > 12 and exi[1] & 3 == 0 and exi[2] == 4 and exi[3] < 128


def _sniff_text(exi: bytes) -> MessageKind | None:
    if exi[0] & 0xE0 == 0xA0:  # "10" marks EXI; then 1: options follow
        return MessageKind.EXI_OPTIONS
    if _XML.match(exi):
        return MessageKind.XML
    if _BASE64.fullmatch(exi):
        return MessageKind.BASE64
    return None


def _sniff_body(exi: bytes) -> MessageKind:
    """Read the header of an ISO 15118-2 message, and the event code of its body."""
    reader = Reader(exi)
    try:
        reader.code(8)
        reader.code(V2G_MESSAGE_ROOT.width)
        reader.zeros = 1  # start of Header
        HEADER.read(reader)
        reader.zeros += 1  # start of Body
        code = reader.code(6)
    except (ExiError, IndexError):
        return MessageKind.ISO2_MALFORMED
    return _ISO2_BODIES.get(code, MessageKind.ISO2_OTHER)
