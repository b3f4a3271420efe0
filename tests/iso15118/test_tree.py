"""A message as a tree: it has what the XML of EXIficient has, and tells where that is."""

from base64 import b64decode
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from random import Random
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given

from ccp.iso15118 import ExiError, Message, Node, decode, encode, message_tree
from tests.iso15118.as_xml import message_xml
from tests.iso15118.bit_strings import BYTE, LETTER, octets
from tests.iso15118.drawn import MESSAGES
from tests.iso15118.test_robustness import BOMBS
from tests.vectors import (
    Vector,
    departures,
    genuine_res,
    iso20_departures,
    iso20_requests,
    iso20_shapes,
    requests,
    shapes,
)

MADE = [*shapes(), *iso20_shapes(), *requests().values(), *iso20_requests().values()]
# Without Header not even the beginning is that of a message.
DEPARTURES = [one for one in (*departures(), *iso20_departures()) if one.name != "missing Header"]
WHOLE = [genuine_res(), *(vector.exi for vector in MADE[::5])]


def of_xml(element: Element) -> Any:
    """Name, attributes, text and children, names without their namespaces."""
    attributes = {_local(name): value for name, value in element.attrib.items()}
    return _local(element.tag), attributes, element.text or "", [of_xml(one) for one in element]


def of_tree(node: Node) -> Any:
    """The same of a node."""
    return node.name, node.attributes, node.value or "", [of_tree(one) for one in node.children]


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def every(node: Node) -> Iterator[Node]:
    """The node, and all below it, in the order in which they begin."""
    yield node
    for child in node.children:
        yield from every(child)


@pytest.mark.parametrize("vector", MADE, ids=lambda vector: vector.name)
def test_it_has_what_exificient_reads(vector: Vector) -> None:
    """Every element, attribute and value, in the order and in the spelling of the XML."""
    assert of_tree(message_tree(vector.exi)) == of_xml(fromstring(vector.xml))  # noqa: S314


@given(MESSAGES)
def test_it_has_all_of_any_message(message: Message) -> None:
    """Of whatever the schemas allow."""
    assert of_tree(message_tree(encode(message))) == of_xml(fromstring(message_xml(message)))  # noqa: S314


# A small request, bit by bit: each element from its start tag to its end tag.
SESSION = f"0 0 {BYTE} 0"
HEADER = f"0 {SESSION} 10"
PROVISIONING = f"0 0 {BYTE} 0"
ISSUER = f"0 0 {LETTER} 0"
SERIAL = "0 0 0 00000001 0"
ROOT = f"0 {ISSUER} {SERIAL} 0"
ROOTS = f"0 {ROOT} 01"
REQUEST = f"000101 0 {LETTER} {PROVISIONING} {ROOTS} 0"
BODY = f"0 {REQUEST} 0"
MESSAGE = f"1001100 {HEADER} {BODY} 0"
SPELLED = [  # each with what stands before it
    ("V2G_Message", "10000000", MESSAGE),
    ("Header", "10000000 1001100", HEADER),
    ("SessionID", "10000000 1001100 0", SESSION),
    ("Body", f"10000000 1001100 {HEADER}", BODY),
    ("CertificateInstallationReq", f"10000000 1001100 {HEADER} 0", REQUEST),
    ("OEMProvisioningCert", f"10000000 1001100 {HEADER} 0 000101 0 {LETTER}", PROVISIONING),
    (
        "ListOfRootCertificateIDs",
        f"10000000 1001100 {HEADER} 0 000101 0 {LETTER} {PROVISIONING}",
        ROOTS,
    ),
    (
        "RootCertificateID",
        f"10000000 1001100 {HEADER} 0 000101 0 {LETTER} {PROVISIONING} 0",
        ROOT,
    ),
    (
        "X509IssuerName",
        f"10000000 1001100 {HEADER} 0 000101 0 {LETTER} {PROVISIONING} 0 0",
        ISSUER,
    ),
    (
        "X509SerialNumber",
        f"10000000 1001100 {HEADER} 0 000101 0 {LETTER} {PROVISIONING} 0 0 {ISSUER}",
        SERIAL,
    ),
]


def size(bits: str) -> int:
    return len(bits.replace(" ", ""))


def test_elements_lie_where_they_are_spelled() -> None:
    """From the first bit of the start tag to behind the last of the end tag."""
    tree = message_tree(octets("10000000", MESSAGE))
    places = [(node.name, node.begin, node.end) for node in every(tree)]
    assert places == [
        (name, size(before), size(before) + size(here)) for name, before, here in SPELLED
    ]


@pytest.mark.parametrize("exi", WHOLE, ids=len)
def test_values_are_the_bits_where_their_elements_end(exi: bytes) -> None:
    """Octets and ASCII characters can be seen there: behind them is but the end tag, one bit."""
    number, seen = int.from_bytes(exi, "big"), 0
    for node in every(message_tree(exi)):
        assert node.end is not None
        octets = _octets(node)
        if octets:
            width = 8 * len(octets)
            found = number >> (8 * len(exi) - node.end + 1) & (1 << width) - 1
            assert found == int.from_bytes(octets, "big")
            seen += width
    assert seen > len(exi)  # an eighth of the message, at least


def _octets(node: Node) -> bytes:
    """What stands in EXI for the value of a node, unless that is a number or an enumeration."""
    if node.name == "SessionID":
        return bytes.fromhex(node.value or "")
    if node.name in {"X509IssuerName", "eMAID", "EMAID", "FaultMsg"}:
        return (node.value or "").encode() if (node.value or "").isascii() else b""
    with suppress(ValueError):
        if node.name.endswith(("Certificate", "Cert", "Value", "Key", "key")):
            return b64decode(node.value or "", validate=True)
    return b""


@pytest.mark.parametrize("exi", WHOLE, ids=len)
def test_elements_lie_side_by_side_in_their_parents(exi: bytes) -> None:
    """None overlaps another; the root has all but the header of EXI, and zeros at the end."""
    root = message_tree(exi)
    assert root.begin == 8
    assert -(-(root.end or 0) // 8) == len(exi)
    for node in every(root):
        assert node.begin < (node.end or 0)
        for before, after in pairwise(node.children):
            assert (before.end or 0) <= after.begin
        if node.children:
            assert node.begin < node.children[0].begin
            assert (node.children[-1].end or 0) < (node.end or 0)


@pytest.mark.parametrize("exi", WHOLE, ids=len)
def test_signed_elements_lie_where_they_are_cut_out(exi: bytes) -> None:
    """Their spans begin behind the start tag."""
    spans = decode(exi).spans
    signed = [node for node in every(message_tree(exi)) if node.name in spans and not node.value]
    assert signed
    for node in signed:
        start, end = spans[node.name]
        assert node.begin < start < (node.end or 0) == end


def open_path(node: Node) -> str:
    """The elements that have no end, from the root down; all others have one."""
    unfinished = [child for child in node.children if child.end is None]
    assert unfinished == ([node.children[-1]] if unfinished else [])
    if node.end is not None:
        assert not unfinished
        return ""
    return f"{node.name}/{open_path(unfinished[0])}".strip("/") if unfinished else node.name


def assert_ends_where_decoding_does(exi: bytes) -> None:
    """A whole tree of a message; of a broken one up to the element that the error is about."""
    path = problem = ""
    try:
        decode(exi)
    except ExiError as error:
        path, problem = error.path, error.problem
    assert bool(path) == (problem not in {"", "goes on after its end"})
    # What is wrong may be that this very element or attribute has not begun.
    assert open_path(message_tree(exi)) in {path, path.rpartition("/")[0]}


@pytest.mark.parametrize("vector", DEPARTURES, ids=lambda vector: vector.name)
def test_a_broken_message_is_read_up_to_its_fault(vector: Vector) -> None:
    """What EXIficient has written that ISO 15118 does not use."""
    assert_ends_where_decoding_does(vector.exi)


@pytest.mark.parametrize("exi", [WHOLE[0], *WHOLE[1::4]], ids=len)
def test_a_message_cut_off_is_read_up_to_there(exi: bytes) -> None:
    """What has ended by then is as in the whole message; no value is there but in part."""
    whole = {node.begin: node for node in every(message_tree(exi))}
    for length in range(2, len(exi), max(1, len(exi) // 200)):
        cut = exi[:length]
        assert_ends_where_decoding_does(cut)
        read = list(every(message_tree(cut)))
        for node in read:
            full = whole[node.begin]
            assert node.end in {None, full.end}
            assert node.end is None or node == full
            assert node.value in {None, full.value}
            assert node.attributes.items() <= full.attributes.items()
        assert {node.begin for node in read if node.end} == {
            begin for begin, node in whole.items() if (node.end or 0) <= 8 * length
        }


@pytest.mark.parametrize("exi", [WHOLE[0], *WHOLE[1::4]], ids=len)
def test_a_message_with_bytes_changed_is_read_as_far_as_it_decodes(exi: bytes) -> None:
    """Whatever has become of it."""
    random = Random(len(exi))  # noqa: S311
    for _ in range(150):
        changed = bytearray(exi)
        for _ in range(random.randint(1, 3)):
            changed[random.randrange(2, len(exi))] = random.randrange(256)
        assert_ends_where_decoding_does(bytes(changed) + random.randbytes(random.randrange(3)))


@pytest.mark.parametrize("name", [name for name in BOMBS if "too large" not in name])
def test_promises_of_much_make_no_large_tree(name: str) -> None:
    """Lists end where decoding refuses them; nothing stands for what is not there."""
    exi, _ = BOMBS[name]
    assert_ends_where_decoding_does(exi)
    assert len(list(every(message_tree(exi)))) < 150


@pytest.mark.parametrize("exi", [b"", b"\x80", b"$EXI", b"\x80\x9a\0", bytes(40_000)], ids=len)
def test_what_does_not_begin_as_a_message_has_no_tree(exi: bytes) -> None:
    """As it is not decoded."""
    with pytest.raises(ExiError):
        message_tree(exi)
