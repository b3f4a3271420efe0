"""Changes to a message, before it is signed or after, that a verifier has to find."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from ccp.iso15118 import Message, Reference, Signature, SignatureMethod, SignedInfo
from ccp.workshop.edition import SignedPart, flipped

# After signing.


def no_signature(message: Message) -> Message:
    """Leave the signature away."""
    return replace(message, header=replace(message.header, signature=None))


def tamper_signed_info(message: Message) -> Message:
    """Give SignedInfo an Id: each digest still holds."""
    signature = _signature(message)
    info = replace(signature.signed_info, id="id8")
    return _with_signature(message, replace(signature, signed_info=info))


def tamper_signature_value(message: Message) -> Message:
    """Flip the last bit of the SignatureValue."""
    signature = _signature(message)
    value = replace(signature.signature_value, value=flipped(signature.signature_value.value))
    return _with_signature(message, replace(signature, signature_value=value))


def der_signature(message: Message) -> Message:
    """Write the signature as X.509 does."""
    signature = _signature(message)
    raw = signature.signature_value.value
    half = len(raw) // 2
    r, s = (int.from_bytes(number, "big") for number in (raw[:half], raw[half:]))
    value = replace(signature.signature_value, value=encode_dss_signature(r, s))
    return _with_signature(message, replace(signature, signature_value=value))


def changed(part: SignedPart) -> Callable[[Message], Message]:
    """Change a part that is signed; the message stays one that can be read."""

    def tamper(message: Message) -> Message:
        body = deepcopy(message.body)
        part.change(body)
        return replace(message, body=body)

    return tamper


# Before signing: the signature is right, and says something wrong.


def without_reference(place: int) -> Callable[[SignedInfo], SignedInfo]:
    """Do not sign the element that comes at a place, counted from 0."""

    def alter(info: SignedInfo) -> SignedInfo:
        references = info.references
        return replace(info, references=references[:place] + references[place + 1 :])

    return alter


def with_reference_twice(info: SignedInfo) -> SignedInfo:
    """Sign the first element twice; where there are others, the last not at all."""
    first, *others = info.references
    return replace(info, references=[first, first, *others[:-1]])


def with_reference_elsewhere(info: SignedInfo) -> SignedInfo:
    """Let the last Reference name an element that is not there."""
    return _with_last_reference(info, uri="#id9")


def with_digest_method(uri: str) -> Callable[[SignedInfo], SignedInfo]:
    """Name an algorithm that the digest was not made with."""
    return lambda info: _with_last_reference(info, digest_method=uri)


def with_signature_method(uri: str) -> Callable[[SignedInfo], SignedInfo]:
    """Name an algorithm that the signature is not made with."""
    return lambda info: replace(info, signature_method=SignatureMethod(uri))


def with_canonicalization(info: SignedInfo) -> SignedInfo:
    """Name canonical XML."""
    return replace(info, canonicalization_method="http://www.w3.org/2001/10/xml-exc-c14n#")


def _with_last_reference(info: SignedInfo, **changes: str) -> SignedInfo:
    last: Reference = replace(info.references[-1], **changes)  # type: ignore[arg-type]
    return replace(info, references=[*info.references[:-1], last])


def _signature(message: Message) -> Signature:
    if message.header.signature is None:
        raise ValueError("the message is not signed")
    return message.header.signature


def _with_signature(message: Message, signature: Signature) -> Message:
    return replace(message, header=replace(message.header, signature=signature))
