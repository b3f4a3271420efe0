"""A message as XML: what its sender had before it was EXI."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from ccp.iso15118.namespaces import PREFIXES
from ccp.iso15118.tree import Node


def tree_xml(tree: Node) -> str:
    """
    Write a message as an XML document.

    No value can break it: characters that XML does not have are refused when a message is decoded.

    Args:
        tree: Of `message_tree`; of a broken message its XML ends early, but is XML.
    Returns: Indented; all prefixes, those of the schemas, are declared at the root.
    """
    root = Element(_qualified(tree.name, tree.namespace))
    used = set(_namespaces(tree))
    for namespace, prefix in PREFIXES.items():
        if namespace in used:
            root.set(f"xmlns:{prefix}", namespace)
    _fill(root, tree)
    indent(root)
    # What would be read as a line feed: in attributes it has been escaped already.
    return tostring(root, "unicode").replace("\r", "&#13;")


def _fill(element: Element, node: Node) -> None:
    element.text = node.value
    for name, value in node.attributes.items():
        element.set(_qualified(name, node.attribute_namespace), value)
    for child in node.children:
        _fill(SubElement(element, _qualified(child.name, child.namespace)), child)


def _namespaces(node: Node) -> Iterator[str]:
    yield node.namespace
    if node.attribute_namespace is not None:
        yield node.attribute_namespace
    for child in node.children:
        yield from _namespaces(child)


def _qualified(name: str, namespace: str | None) -> str:
    return name if namespace is None else f"{PREFIXES[namespace]}:{name}"
