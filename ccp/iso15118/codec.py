"""
EXI documents and fragments of ISO 15118-2 and -20, decoded and encoded.

ISO 15118 uses EXI 1.0 bit-packed, with its schemas, not strict, without options in the header and
without string tables. Every message then begins with the octet 0x80.
"""

from typing import Any

from ccp.iso15118.bits import CUT_OFF, CarefulReader, Reader, Writer
from ccp.iso15118.edition import Edition, Fragments, RelaxedElement, Root
from ccp.iso15118.errors import ExiError
from ccp.iso15118.iso2_schema import ISO2
from ccp.iso15118.iso20_schema import ISO20
from ccp.iso15118.messages import Message
from ccp.iso15118.sniff import sniff
from ccp.iso15118.values import Text
from ccp.iso15118.xmldsig_schema import STANDALONE_FRAGMENTS

EXI_HEADER = 0x80
MOST_BYTES = 32768  # the largest legal message has about 15 kB, unless issuer names are very long

_EDITIONS = (ISO2, ISO20)
_ROOTS_BY_OCTET = {root.octet: root for edition in _EDITIONS for root in edition.roots}
_ROOTS_BY_BODY = {
    body: root for edition in _EDITIONS for root in edition.roots for body in root.bodies
}
_EDITIONS_BY_BODY = {
    body: edition for edition in _EDITIONS for root in edition.roots for body in root.bodies
}
# In which form an element is signed: SignedInfo stands alone, all others have but one edition.
_FRAGMENTS_BY_NAME = {
    name: fragments
    for fragments in (ISO2.fragments, ISO20.fragments, STANDALONE_FRAGMENTS)
    for name in fragments.elements
}


def edition_of(message: Message) -> Edition:
    """The edition whose message this is."""
    return _EDITIONS_BY_BODY[type(message.body)]


def root_of(message: Message) -> Root:
    """The root element of the document that this is."""
    return _ROOTS_BY_BODY[type(message.body)]


def root_in(exi: bytes) -> Root:
    """
    The root element of the document that *exi* should be, told from its first two bytes.

    Raises:
        ExiError: It is too large, or not one of these documents.
    """
    if len(exi) > MOST_BYTES:
        raise ExiError(f"has {len(exi)} bytes; at most {MOST_BYTES} are allowed")
    root = _ROOTS_BY_OCTET.get(exi[1]) if len(exi) > 1 and exi[0] == EXI_HEADER else None
    if root is None:
        raise ExiError(
            f"is {sniff(exi).value}; a CertificateInstallationReq or -Res of ISO 15118 is needed", 0
        )
    return root


def decode(exi: bytes, *, trailing_zeros: int = 0) -> Message:
    """
    Decode a CertificateInstallationReq or CertificateInstallationRes, of the edition that it is of.

    The first two bytes tell the edition; no grammar is tried for whether it fits.

    Args:
        exi: The whole message, at most 32 KiB.
        trailing_zeros: How many zero bytes may follow the message's end: relays are known to
            append up to 4.
    Returns: The message; its ``spans`` tell where in *exi* the signed elements lie.
    Raises:
        ExiError: *exi* is another message, or none, or malformed, or has a value that its type
            does not allow, or something that ISO 15118 does not use.
    """
    root = root_in(exi)
    try:
        return _decode(Reader(exi), root, trailing_zeros)
    except ExiError:
        return _decode(CarefulReader(exi), root, trailing_zeros)


def _decode(reader: Reader, root: Root, trailing_zeros: int) -> Message:
    reader.code(8)
    reader.code(root.width)
    try:
        message: Message = root.content.read(reader)
        reader.check_zeros()
    except (ExiError, IndexError) as fault:
        error = fault if isinstance(fault, ExiError) else reader.error(CUT_OFF)
        error.add_parent(root.name)
        raise error from None
    if reader.position > reader.size:
        raise reader.error(CUT_OFF)
    if reader.rest().strip(b"\0") or (reader.size - reader.position) >> 3 > trailing_zeros:
        raise reader.error("goes on after its end")
    message.spans = reader.spans
    return message


def encode(message: Message) -> bytes:
    """
    Encode a message in canonical EXI.

    Args:
        message: The message; its ``spans`` are ignored. The body tells the edition.
    Returns: The EXI document.
    Raises:
        ExiError: Something is missing, or a value is not what its type allows.
    """
    root = root_of(message)
    writer = Writer()
    writer.code(EXI_HEADER, 8)
    writer.code(root.code, root.width)
    try:
        root.content.write(writer, message)
    except ExiError as error:
        error.add_parent(root.name)
        raise
    exi = writer.getvalue()
    if len(exi) > MOST_BYTES:
        raise ExiError(f"has {len(exi)} bytes; at most {MOST_BYTES} are allowed")
    return exi


def encode_fragment(name: str, value: Any, *, message_grammar: Edition | None = None) -> bytes:
    """
    Encode a signed element as the input of its digest, or of the signature for SignedInfo.

    Two elements have an unexpected form. SignedInfo is encoded with the schema of
    XML Signature alone. eMAID is declared twice in ISO 15118-2, with different types, so EXI 1.0
    §8.5.3 demands a relaxed grammar for it. Some implementations use the message's grammar, with
    its types, for both: *message_grammar* gives that form, to verify what they signed.

    Args:
        name: Of ISO 15118-2 CertificateInstallationReq, ContractSignatureCertChain,
            ContractSignatureEncryptedPrivateKey, DHpublickey or eMAID; of ISO 15118-20
            OEMProvisioningCertificateChain or SignedInstallationData; or SignedInfo.
        value: The element's value, as a message has it.
        message_grammar: The edition of the message; see above.
    Returns: The EXI fragment, header included.
    Raises:
        ExiError: A value is not what its type allows.
    """
    fragments = fragments_of(name, message_grammar=message_grammar)
    code, type_ = fragments.elements[name]
    relaxed = None if message_grammar else fragments.relaxed.get(name)
    writer = Writer()
    writer.code(EXI_HEADER, 8)
    writer.code(code, fragments.width)
    try:
        if relaxed:
            _write_relaxed(writer, relaxed, value)
        else:
            type_.write(writer, value)
    except ExiError as error:
        error.add_parent(name)
        raise
    writer.code(fragments.end, fragments.width)
    return writer.getvalue()


def fragments_of(name: str, *, message_grammar: Edition | None) -> Fragments:
    """Return the schema set for the fragment of the element *name*."""
    return message_grammar.fragments if message_grammar else _FRAGMENTS_BY_NAME[name]


def _write_relaxed(writer: Writer, grammar: RelaxedElement, element: Any) -> None:
    writer.code(grammar.id, grammar.start_width)
    Text().write(writer, element.id)
    writer.code(grammar.characters, grammar.start_width)
    grammar.value.write(writer, element.value)
    writer.code(grammar.end, grammar.end_width)
