"""A message as a tree of elements; of a malformed message, the part before the fault."""

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
        name: The name without namespace.
        namespace: URI of the name's namespace.
        attributes: Values by name, without namespace.
        attribute_namespace: Namespace of the attributes' names, which can differ; None if they
            have none, as in XML Signature.
        value: The value as in XML: bytes of a SessionID in hexadecimal, others in base64; None for
            an element with children or without content.
        children: The child elements in their order.
        begin, end: The element's first bit, with its start tag, and the bit after its end tag,
            counted from 0 at the first byte's highest bit. The end is None if the fault lies in
            the element.
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
    Return the content of a message as its XML has it; of a malformed one, up to the fault.

    Args:
        exi: The whole message; bytes after its end are ignored.
    Returns: The root element.
    Raises:
        ExiError: The first two bytes are not those of a message.
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
