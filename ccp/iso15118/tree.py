"""A message as the tree of elements that its schemas make of it."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ccp.iso15118.codec import root_of
from ccp.iso15118.complex_types import ComplexType
from ccp.iso15118.grammar import Attribute, Element
from ccp.iso15118.messages import Message
from ccp.iso15118.namespaces import XMLSIG
from ccp.iso15118.spans import Span

_HEXADECIMAL = {"SessionID"}  # its type is hexBinary; that of all other bytes base64Binary


@dataclass(frozen=True, slots=True)
class Node:
    """
    One element.

    Attributes:
        name: Without its namespace.
        namespace: Of its name, a URI.
        attributes: By name, without its namespace.
        attribute_namespace: Of their names, which can be another; None where they have none, as in
            XML Signature.
        value: As XML writes it: bytes of a SessionID in hexadecimal, all others in base64; None
            where there are children instead, or nothing.
        children: In their order.
    """

    name: str
    namespace: str
    attributes: Mapping[str, str]
    attribute_namespace: str | None
    value: str | None
    children: Sequence["Node"]


def message_tree(message: Message) -> Node:
    """Give all that a message has, as its XML would."""
    root = root_of(message)
    return _node(root.name, root.content.namespace, root.content, message)


def _node(name: str, namespace: str, type_: Any, value: Any) -> Node:
    while isinstance(type_, Span):
        type_ = type_.content
    if not isinstance(type_, ComplexType):
        return Node(name, namespace, {}, None, _text(name, value), ())
    own = type_.namespace
    attributes, text, children = {}, None, []
    for option, item in type_.parts_of(value):
        match option:
            case Attribute():
                attributes[option.name] = item
            case Element():
                children.append(_node(option.name, option.namespace or own, option.type, item))
            case _:
                text = _text(name, item)
    return Node(
        name, namespace, attributes, own if attributes and own != XMLSIG else None, text, children
    )


def _text(name: str, value: bytes | str | int) -> str:
    if not isinstance(value, bytes):
        return str(value)
    return value.hex().upper() if name in _HEXADECIMAL else b64encode(value).decode("ascii")
