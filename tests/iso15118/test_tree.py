"""A message as a tree: it has what the XML of EXIficient has, and nothing else."""

from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given, settings

from ccp.iso15118 import Message, Node, decode, message_tree
from tests.iso15118.as_xml import message_xml
from tests.iso15118.drawn import MESSAGES
from tests.vectors import Vector, iso20_requests, iso20_shapes, requests, shapes

MADE = [*shapes(), *iso20_shapes(), *requests().values(), *iso20_requests().values()]


def of_xml(element: Element) -> Any:
    """Name, attributes, text and children, names without their namespaces."""
    attributes = {_local(name): value for name, value in element.attrib.items()}
    return _local(element.tag), attributes, element.text or "", [of_xml(one) for one in element]


def of_tree(node: Node) -> Any:
    """The same of a node."""
    return node.name, node.attributes, node.value or "", [of_tree(one) for one in node.children]


def _local(name: str) -> str:
    return name.rpartition("}")[2]


@pytest.mark.parametrize("vector", MADE, ids=lambda vector: vector.name)
def test_it_has_what_exificient_reads(vector: Vector) -> None:
    """Every element, attribute and value, in the order and in the spelling of the XML."""
    assert of_tree(message_tree(decode(vector.exi))) == of_xml(fromstring(vector.xml))  # noqa: S314


@settings(deadline=None)
@given(MESSAGES)
def test_it_has_all_of_any_message(message: Message) -> None:
    """Of whatever the schemas allow."""
    assert of_tree(message_tree(message)) == of_xml(fromstring(message_xml(message)))  # noqa: S314
