"""A message as the tree of elements that its schemas make of it, also where it is broken."""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ccp.iso15118.bits import CarefulReader
from ccp.iso15118.codec import root_in
from ccp.iso15118.complex_types import ComplexType, check_count
from ccp.iso15118.errors import ExiError
from ccp.iso15118.grammar import Attribute, Element
from ccp.iso15118.namespaces import XMLSIG
from ccp.iso15118.spans import Span

_HEXADECIMAL = {"SessionID"}  # its type is hexBinary; that of all other bytes base64Binary
_EXI_HEADER_BITS = 8


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
        begin, end: Where it lies in the message, from its start tag up to and including its end
            tag: its first bit and that behind its last, counted from 0 at the first byte's highest
            bit. The end is None where the message cannot be read on inside of the element.
    """

    name: str
    namespace: str
    attributes: Mapping[str, str]
    attribute_namespace: str | None
    value: str | None
    children: Sequence["Node"]
    begin: int
    end: int | None


def message_tree(exi: bytes) -> Node:
    """
    Give all that a message has, as its XML would; of a broken one, what stands before the fault.

    Args:
        exi: The whole message; what is behind its end is not looked at.
    Returns: The root element.
    Raises:
        ExiError: `decode` would not look further than to the first two bytes either.
    """
    root = root_in(exi)
    reader = CarefulReader(exi)
    reader.code(_EXI_HEADER_BITS)
    reader.code(root.width)
    return _complex(reader, root.name, root.content.namespace, root.content, _EXI_HEADER_BITS)


def _complex(
    reader: CarefulReader, name: str, namespace: str, type_: ComplexType, begin: int
) -> Node:
    """Read the rest of an element that has begun at bit *begin*, up to its end or a fault."""
    attributes, value, children, end = {}, None, [], None
    state = type_.start
    with suppress(ExiError, IndexError):
        while end is None:
            at = reader.position
            event = state.events[reader.code(state.width)]
            if isinstance(event.option, Element):
                children.append(child := _element(reader, event.option, type_.namespace, at))
                if child.end is None:
                    break
                if event.listed:
                    check_count([one for one in children if one.name == child.name])
            elif event.read is None:
                end = reader.position
            elif isinstance(event.option, Attribute):
                attributes[event.option.name] = _text(reader, name, event.read)
            else:
                value = _text(reader, name, event.read)
            state = event.next
    own = type_.namespace if attributes and type_.namespace != XMLSIG else None
    return Node(name, namespace, attributes, own, value, children, begin, end)


def _element(reader: CarefulReader, element: Element, namespace: str, begin: int) -> Node:
    """Read the rest of a child in a type of that *namespace*."""
    namespace = element.namespace or namespace
    type_: Any = element.type
    while isinstance(type_, Span):
        type_ = type_.content
    if isinstance(type_, ComplexType):
        return _complex(reader, element.name, namespace, type_, begin)
    value = end = None
    with suppress(ExiError, IndexError):
        reader.zeros += 1  # start of its characters
        value = _text(reader, element.name, type_.read)
        reader.zeros += 1  # its end
        end = reader.position
    return Node(element.name, namespace, {}, None, value, (), begin, end)


def _text(reader: CarefulReader, name: str, read: Callable[[CarefulReader], Any]) -> str:
    """Read a value of the element *name*, as XML writes it."""
    value = read(reader)
    reader.check_end()
    if not isinstance(value, bytes):
        return str(value)
    return value.hex().upper() if name in _HEXADECIMAL else b64encode(value).decode("ascii")
