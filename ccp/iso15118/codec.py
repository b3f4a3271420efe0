"""
EXI documents and fragments of ISO 15118-2, decoded and encoded.

ISO 15118 uses EXI 1.0 bit-packed, with its schemas, not strict, without options in the header and
without string tables. Every message then begins with the octet 0x80.
"""

from typing import Any

from ccp.iso15118.bits import CUT_OFF, CarefulReader, Reader, Writer
from ccp.iso15118.errors import ExiError
from ccp.iso15118.messages import EMAID, Message
from ccp.iso15118.schema import (
    EMAID_FRAGMENT,
    EMAID_VALUE,
    FRAGMENTS,
    ROOT,
    XMLDSIG_FRAGMENTS,
    Fragments,
)
from ccp.iso15118.sniff import sniff
from ccp.iso15118.values import Text

EXI_HEADER = 0x80
MOST_BYTES = 32768  # the largest legal message has about 15 kB, unless issuer names are very long


def decode(exi: bytes, *, trailing_zeros: int = 0) -> Message:
    """
    Decode an ISO 15118-2 CertificateInstallationReq or CertificateInstallationRes.

    Args:
        exi: The whole V2G_Message, at most 32 KiB.
        trailing_zeros: How many zero bytes may follow the message's end: relays are known to
            append up to 4.
    Returns: The message; its ``spans`` tell where in *exi* the signed elements lie.
    Raises:
        ExiError: *exi* is another message, or none, or malformed, or has a value that its type
            does not allow, or something that ISO 15118 does not use.
    """
    if len(exi) > MOST_BYTES:
        raise ExiError(f"has {len(exi)} bytes; at most {MOST_BYTES} are allowed")
    if exi[:1] != bytes([EXI_HEADER]) or exi[1:2] != bytes([ROOT.code << 8 - ROOT.width]):
        raise ExiError(f"is {sniff(exi).value}; an ISO 15118-2 V2G_Message is needed", 0)
    try:
        return _decode(Reader(exi), trailing_zeros)
    except ExiError:
        return _decode(CarefulReader(exi), trailing_zeros)


def _decode(reader: Reader, trailing_zeros: int) -> Message:
    reader.code(8)
    reader.code(ROOT.width)
    try:
        message: Message = ROOT.type.read(reader)
        reader.check_zeros()
    except (ExiError, IndexError) as fault:
        error = fault if isinstance(fault, ExiError) else reader.error(CUT_OFF)
        error.add_parent(ROOT.name)
        raise error from None
    if reader.position > reader.size:
        raise reader.error(CUT_OFF)
    if reader.rest().strip(b"\0") or (reader.size - reader.position) >> 3 > trailing_zeros:
        raise reader.error("goes on after its end")
    message.spans = reader.spans
    return message


def encode(message: Message) -> bytes:
    """
    Encode an ISO 15118-2 message; canonical, so equal to what any canonical encoder makes.

    Args:
        message: The message; its ``spans`` are ignored.
    Returns: The EXI document.
    Raises:
        ExiError: Something is missing, or a value is not what its type allows.
    """
    writer = Writer()
    writer.code(EXI_HEADER, 8)
    writer.code(ROOT.code, ROOT.width)
    try:
        ROOT.type.write(writer, message)
    except ExiError as error:
        error.add_parent(ROOT.name)
        raise
    exi = writer.getvalue()
    if len(exi) > MOST_BYTES:
        raise ExiError(f"has {len(exi)} bytes; at most {MOST_BYTES} are allowed")
    return exi


def encode_fragment(name: str, value: Any, *, message_grammar: bool = False) -> bytes:
    """
    Encode a signed element the way its digest, or the signature of a SignedInfo, is made.

    Two elements have a form that one would not expect. SignedInfo is encoded with the schema of
    XML Signature alone. eMAID is declared twice in ISO 15118-2, with different types, so EXI 1.0
    §8.5.3 demands a relaxed grammar for it. Some implementations use the message's grammar, with
    its types, for both: *message_grammar* gives that form, to verify what they signed.

    Args:
        name: CertificateInstallationReq, ContractSignatureCertChain,
            ContractSignatureEncryptedPrivateKey, DHpublickey, eMAID or SignedInfo.
        value: The element's value, as a message has it.
        message_grammar: See above; makes no difference for the other elements.
    Returns: The EXI fragment, header included.
    Raises:
        ExiError: A value is not what its type allows.
    """
    fragments = fragments_of(name, message_grammar=message_grammar)
    code, type_ = fragments.elements[name]
    writer = Writer()
    writer.code(EXI_HEADER, 8)
    writer.code(code, fragments.width)
    try:
        if name == "eMAID" and not message_grammar:
            _write_relaxed(writer, value)
        else:
            type_.write(writer, value)
    except ExiError as error:
        error.add_parent(name)
        raise
    writer.code(fragments.end, fragments.width)
    return writer.getvalue()


def fragments_of(name: str, *, message_grammar: bool) -> Fragments:
    """The schema set that the fragment of the element *name* is encoded with."""
    return XMLDSIG_FRAGMENTS if name == "SignedInfo" and not message_grammar else FRAGMENTS


def _write_relaxed(writer: Writer, emaid: EMAID) -> None:
    grammar = EMAID_FRAGMENT
    writer.code(grammar.id, grammar.start_width)
    Text().write(writer, emaid.id)
    writer.code(grammar.characters, grammar.start_width)
    EMAID_VALUE.write(writer, emaid.value)
    writer.code(grammar.end, grammar.end_width)
