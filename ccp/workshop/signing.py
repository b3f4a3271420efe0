"""XML-DSig over EXI fragments, as CPS and car sign: one Reference for each signed element."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ccp import iso15118
from ccp.iso15118 import (
    Message,
    Reference,
    Signature,
    SignatureMethod,
    SignatureValue,
    SignedInfo,
    Transform,
    encode_fragment,
)
from ccp.workshop.editions import edition_of
from ccp.workshop.profiles import PrivateKey
from ccp.workshop.suites import Suite

CANONICAL_EXI = "http://www.w3.org/TR/canonical-exi/"


def sign(
    message: Message,
    key: PrivateKey,
    *,
    alter: Callable[[SignedInfo], SignedInfo] = lambda info: info,
    message_grammar_for: frozenset[str] = frozenset(),
    suite: Suite | None = None,
) -> Message:
    """
    Sign a message, with the algorithms of its edition that go with the key.

    Args:
        message: Its signature, if it has one, is replaced.
        key: The signer's.
        alter: Changes what is going to be signed, to sign something wrong.
        message_grammar_for: Of eMAID and SignedInfo, those to be encoded with the message's
            grammar, as some signers do.
        suite: The algorithms to sign with in place of those of the edition.
    Returns: The message with its signature.
    """
    edition = edition_of(message)
    chosen = suite or edition.suite_for(key)

    def fragment(name: str, element: Any) -> bytes:
        grammar = edition.codec if name in message_grammar_for else None
        return encode_fragment(name, element, message_grammar=grammar)

    references = [
        Reference(
            chosen.digest_method,
            chosen.digest(fragment(name, element)),
            [Transform(CANONICAL_EXI)],
            uri=f"#{element.id}",
        )
        for name, element in edition.signed_elements(message).items()
    ]
    info = alter(SignedInfo(CANONICAL_EXI, SignatureMethod(chosen.signature_method), references))
    value = chosen.sign(key, fragment("SignedInfo", info))
    signature = Signature(info, SignatureValue(value))
    return replace(message, header=replace(message.header, signature=signature))


def fragment_forms(name: str, element: Any, codec: iso15118.Edition) -> list[bytes]:
    """A signed element's fragment as it is to be, and as some signers make it."""
    return [encode_fragment(name, element, message_grammar=grammar) for grammar in (None, codec)]
