"""The schemas written by hand, against the XSDs that the development dependency has."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from xmlschema.validators import XsdAnyElement, XsdGroup

from ccp.iso15118 import ISO2, ISO20, Edition
from ccp.iso15118 import iso2_schema as schema
from ccp.iso15118 import iso20_schema as schema20
from ccp.iso15118.complex_types import ComplexType
from ccp.iso15118.edition import Fragments, Root
from ccp.iso15118.grammar import Attribute, Choice, Element, Refused, Value, occurrence
from ccp.iso15118.spans import Span
from ccp.iso15118.values import (
    Binary,
    Enumeration,
    Integer,
    Noted,
    Text,
    UnsignedByte,
    UnsignedLong,
)
from ccp.iso15118.xmldsig_schema import STANDALONE_FRAGMENTS
from tests.iso15118.schema_sets import (
    DS,
    SchemaSet,
    iso2,
    iso20,
    local,
    namespace,
    sort,
    xmldsig,
)

XSD = "http://www.w3.org/2001/XMLSchema"
BODY = "urn:iso:15118:2:2013:MsgBody"
TYPES = "urn:iso:15118:2:2013:MsgDataTypes"
TYPES20 = "urn:iso:std:iso:15118:-20:CommonTypes"
editions = pytest.mark.parametrize(
    ("edition", "schema_set"), [(ISO2, iso2), (ISO20, iso20)], ids=["ISO 15118-2", "ISO 15118-20"]
)


def document_width(count: int) -> int:
    """Bits of a code in a document or fragment: one more event, SE(*), and no second level."""
    return count.bit_length()


def compare(ours: Any, theirs: Any) -> None:
    """Assert that a type of ours is the XSD type *theirs*, down to the simple types."""
    match ours:
        case Span() | Noted():
            compare(ours.content, theirs)
        case ComplexType():
            compare_complex(ours, theirs)
        case Binary():
            assert local(theirs.primitive_type.name) in {"base64Binary", "hexBinary"}
            assert ours.least == (theirs.min_length or 0)
            assert ours.most == (theirs.max_length or Binary().most)
        case Text():
            assert local(theirs.primitive_type.name) in {"string", "anyURI"}
            assert ours.least == (theirs.min_length or 0)
            assert ours.most == (theirs.max_length or Text().most)
            assert theirs.enumeration is None
        case Integer():
            assert f"{{{XSD}}}integer" in {theirs.name, theirs.base_type.name}
            assert (theirs.min_value, theirs.max_value) == (None, None)
        case Enumeration():
            assert ours.values == tuple(theirs.enumeration)
            assert ours.width == (len(ours.values) - 1).bit_length()
        case UnsignedByte():
            assert theirs.name == f"{{{XSD}}}unsignedByte"
            assert ours.width == (theirs.max_value - theirs.min_value).bit_length()
        case UnsignedLong():
            assert theirs.name == f"{{{XSD}}}unsignedLong"
        case _:
            pytest.fail(f"unknown type {ours}")


def compare_complex(ours: ComplexType, theirs: Any) -> None:
    attributes = [part for part in ours.parts if isinstance(part, Attribute)]
    assert [part.name for part in attributes] == [local(n) for n in sort(theirs.attributes)]
    for attribute, name in zip(attributes, sort(theirs.attributes), strict=True):
        assert namespace(name) == ("" if ours.namespace == DS else ours.namespace)
        assert attribute.required == (theirs.attributes[name].use == "required")
        compare(attribute.type, theirs.attributes[name].type)
    content = [part for part in ours.parts if not isinstance(part, Attribute)]
    assert ours.mixed == theirs.mixed
    if theirs.has_simple_content():
        (value,) = content
        assert isinstance(value, Value)
        compare(value.type, theirs.content)
    else:
        compare_particles(content, list(particles(theirs.content)), ours.namespace)


def particles(group: XsdGroup) -> Iterator[Any]:
    """The elements, wildcards and choices of a type, also of the one that it extends."""
    if group.model == "choice":
        yield group
        return
    assert tuple(group.occurs) == (1, 1)
    for particle in group:
        if isinstance(particle, XsdGroup):
            yield from particles(particle)
        else:
            yield particle


def is_wildcard(particle: Any) -> bool:
    return isinstance(particle, XsdAnyElement)  # whose code comes after those of names


def compare_particles(ours: Any, theirs: list[Any], default: str) -> None:
    """Assert that parts are those of the XSD, whose names are in *default* unless they say else."""
    for part, particle in zip(ours, theirs, strict=True):
        match part:
            case Refused():
                assert is_wildcard(particle) or local(particle.name) in part.what
            case Choice():
                assert (part.least, part.most) == tuple(particle.occurs)
                compare_particles(part.options, sorted(particle, key=is_wildcard), default)
            case _:
                assert isinstance(part, Element)
                assert part.name == local(particle.name)
                assert (part.namespace or default) == namespace(particle.name)
                assert occurrence(part)[1:] == tuple(particle.occurs)
                compare(part.type, particle.type)


def test_header() -> None:
    """Every type of the header, down to each facet, is as in the XSDs."""
    compare(schema.HEADER, iso2().maps.types["{urn:iso:15118:2:2013:MsgHeader}MessageHeaderType"])
    compare(schema20.HEADER, iso20().maps.types[f"{{{TYPES20}}}MessageHeaderType"])


@pytest.mark.parametrize("name", ["CertificateInstallationReq", "CertificateInstallationRes"])
def test_body(name: str) -> None:
    """Every type of both bodies, down to each facet, is as in the XSDs."""
    ours = getattr(schema, f"CERTIFICATE_INSTALLATION_{name[-3:].upper()}")
    compare(ours, iso2().maps.types[f"{{{BODY}}}{name}Type"])


@pytest.mark.parametrize("root", ISO20.roots, ids=lambda root: root.name)
def test_iso20_message(root: Root) -> None:
    """Every type of both messages of ISO 15118-20, down to each facet, is as in the XSDs."""
    names = {local(name): name for name in iso20().roots}
    compare(root.content, iso20().maps.elements[names[root.name]].type)
    assert root.content.namespace == namespace(names[root.name])


def test_bodies() -> None:
    """A Body holds one of the elements that may stand for BodyElement, by name, or nothing."""
    members = iso2().maps.substitution_groups[f"{{{BODY}}}BodyElement"]
    names = sorted([*(local(member.name) for member in members), "BodyElement"])
    assert list(schema.BODIES) == names
    (choice,) = schema.BODY.parts
    assert isinstance(choice, Choice)
    for code, (name, option) in enumerate(zip(names, choice.options, strict=False)):
        if isinstance(option, Element):
            assert option.name == name == schema.BODIES[code]
            assert schema.BODY.namespace == BODY
            assert name in {"CertificateInstallationReq", "CertificateInstallationRes"}
        else:
            assert option == Refused(f"a {name}")
    assert len(choice.options) == len(names) + 1
    (particle,) = iso2().maps.types[f"{{{BODY}}}BodyType"].content
    assert particle.occurs in ([0, 1], (0, 1))


def test_message() -> None:
    """A V2G_Message is a Header and a Body."""
    element = iso2().maps.elements["{urn:iso:15118:2:2013:MsgDef}V2G_Message"]
    ours = [(part.name, *occurrence(part)[1:]) for part in schema.V2G_MESSAGE.parts]
    assert ours == [(local(p.name), *p.occurs) for p in element.type.content]
    names = [element.name, *(particle.name for particle in element.type.content)]
    assert {namespace(name) for name in names} == {schema.V2G_MESSAGE.namespace}


@editions
def test_document_codes(edition: Edition, schema_set: Callable[[], SchemaSet]) -> None:
    """A root's code is its place among the global elements."""
    for root in edition.roots:
        assert [local(name) for name in schema_set().roots][root.code] == root.name
        assert root.width == document_width(len(schema_set().roots))


@pytest.mark.parametrize(
    ("ours", "schema_set"),
    [(ISO2.fragments, iso2), (ISO20.fragments, iso20), (STANDALONE_FRAGMENTS, xmldsig)],
    ids=["ISO 15118-2", "ISO 15118-20", "XML Signature"],
)
def test_fragment_codes(ours: Fragments, schema_set: Callable[[], SchemaSet]) -> None:
    """A fragment's codes are places among all element names; the end comes after SE(*)."""
    names = schema_set().elements
    assert ours.end == len(names) + 1
    assert ours.width == document_width(ours.end)
    for name, (code, type_) in ours.elements.items():
        assert local(names[code]) == name
        types = schema_set().types[names[code]]
        assert type_ is schema.EMAID or len(types) == 1
        if type_ is schema.EMAID:
            types = {iso2().maps.types[f"{{{TYPES}}}EMAIDType"]} & types
        for found in types:
            compare(type_, found)


def test_known_codes() -> None:
    """The codes of ISO 15118-20 are those seen in messages that others made."""
    assert [(root.name[-3:], root.code, root.width) for root in ISO20.roots] == [
        ("Req", 7, 6),
        ("Res", 8, 6),
    ]
    fragments = ISO20.fragments
    assert (fragments.width, fragments.end) == (9, 282)
    assert {name: code for name, (code, _) in fragments.elements.items()} == {
        "OEMProvisioningCertificateChain": 128,
        "SignedInfo": 230,
        "SignedInstallationData": 231,
    }


@pytest.mark.parametrize(("schema_set", "names"), [(iso2, ["eMAID"]), (iso20, []), (xmldsig, [])])
def test_only_emaid_is_ambiguous(schema_set: Callable[[], SchemaSet], names: list[str]) -> None:
    """eMAID alone is declared with two types, hence alone has the relaxed fragment grammar."""
    types = schema_set().types
    assert [local(name) for name in types if len(types[name]) > 1] == names
    assert list(ISO2.fragments.relaxed) == ["eMAID"]
    assert not ISO20.fragments.relaxed


def test_relaxed_emaid() -> None:
    """The codes of the relaxed grammar count all attributes, then all elements (EXI 1.0 §8.5.3)."""
    attributes, elements = iso2().attributes, iso2().elements
    relaxed = ISO2.fragments.relaxed["eMAID"]
    assert attributes[relaxed.id] == f"{{{TYPES}}}Id"
    # AT(name)..., AT(*), SE(name)..., SE(*), EE, CH
    assert relaxed.characters == len(attributes) + 1 + len(elements) + 2
    assert relaxed.start_width == (relaxed.characters + 1).bit_length()
    # SE(name)..., SE(*), EE, CH
    assert relaxed.end == len(elements) + 1
    assert relaxed.end_width == (relaxed.end + 2).bit_length()
