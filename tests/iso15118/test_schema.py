"""The schema written by hand, against the XSDs that the development dependency ``iso15118`` has."""

from functools import cache
from pathlib import Path
from typing import Any

import iso15118
import pytest
from xmlschema import XMLSchema
from xmlschema.validators import XsdAnyElement, XsdAttribute, XsdElement

from ccp.iso15118 import iso2_schema as schema
from ccp.iso15118.complex_types import ComplexType, Span
from ccp.iso15118.grammar import Attribute, Choice, Element, Refused, Value, occurrence
from ccp.iso15118.values import Binary, Enumeration, Integer, Text

XSDS = Path(iso15118.__file__).parent / "shared" / "schemas"
DS = "http://www.w3.org/2000/09/xmldsig#"
BODY = "urn:iso:15118:2:2013:MsgBody"
TYPES = "urn:iso:15118:2:2013:MsgDataTypes"


class SchemaSet:
    """The names of a schema and what it imports, sorted as EXI sorts them: local names first."""

    def __init__(self, path: str) -> None:
        root = XMLSchema(XSDS / path)
        self.maps = root.maps
        schemas = [
            found
            for found in self.maps.iter_schemas()
            if found.target_namespace == DS or "www.w3.org" not in found.target_namespace
        ]
        self.roots = sort(name for found in schemas for name in found.elements)
        self.types: dict[str, set[Any]] = {}
        for found in schemas:
            for element in found.iter_components(XsdElement):
                self.types.setdefault(element.name, set()).add(element.type)
        self.elements = sort(self.types)
        self.attributes = sort(a.name for x in schemas for a in x.iter_components(XsdAttribute))


def sort(names: Any) -> list[str]:
    return sorted(set(names), key=lambda name: (local(name), name))


def local(name: str) -> str:
    return name.rpartition("}")[2]


@cache
def iso2() -> SchemaSet:
    return SchemaSet("iso15118_2/V2G_CI_MsgDef.xsd")


@cache
def xmldsig() -> SchemaSet:
    return SchemaSet("xmldsig-core-schema.xsd")


def document_width(count: int) -> int:
    """Bits of a code in a document or fragment: one more event, SE(*), and no second level."""
    return count.bit_length()


def compare(ours: Any, theirs: Any) -> None:
    """Assert that a type of ours is the XSD type *theirs*, down to the simple types."""
    match ours:
        case Span():
            compare(ours.content, theirs)
        case ComplexType():
            compare_complex(ours, theirs)
        case Binary():
            assert local(theirs.primitive_type.name) in {"base64Binary", "hexBinary"}
            assert ours.most == (theirs.max_length or Binary().most)
            assert not theirs.min_length
        case Text():
            assert local(theirs.primitive_type.name) in {"string", "anyURI"}
            assert ours.least == (theirs.min_length or 0)
            assert ours.most == (theirs.max_length or Text().most)
            assert theirs.enumeration is None
        case Integer():
            integer = iso2().maps.types["{http://www.w3.org/2001/XMLSchema}integer"]
            assert theirs.name == integer.name or theirs.base_type.name == integer.name
            assert (theirs.min_value, theirs.max_value) == (None, None)
        case Enumeration():
            assert ours.values == tuple(theirs.enumeration)
            assert ours.width == (len(ours.values) - 1).bit_length()
        case _:
            pytest.fail(f"unknown type {ours}")


def compare_complex(ours: ComplexType, theirs: Any) -> None:
    attributes = [part for part in ours.parts if isinstance(part, Attribute)]
    assert [part.name for part in attributes] == [local(n) for n in sort(theirs.attributes)]
    for attribute, name in zip(attributes, sort(theirs.attributes), strict=True):
        assert attribute.required == (theirs.attributes[name].use == "required")
        compare(attribute.type, theirs.attributes[name].type)
    content = [part for part in ours.parts if not isinstance(part, Attribute)]
    assert ours.mixed == theirs.mixed
    if theirs.has_simple_content():
        (value,) = content
        assert isinstance(value, Value)
        compare(value.type, theirs.content)
    elif theirs.content.model == "choice":
        (choice,) = content
        assert isinstance(choice, Choice)
        assert (choice.least, choice.most) == tuple(theirs.content.occurs)
        compare_particles(choice.options, sorted(theirs.content, key=is_wildcard))
    else:
        assert theirs.content.occurs in ([1, 1], (1, 1))
        compare_particles(content, list(theirs.content))


def is_wildcard(particle: Any) -> bool:
    return isinstance(particle, XsdAnyElement)  # whose code comes after those of names


def compare_particles(ours: Any, theirs: list[Any]) -> None:
    for part, particle in zip(ours, theirs, strict=True):
        if isinstance(part, Refused):
            assert is_wildcard(particle) or local(particle.name) in part.what
        else:
            assert isinstance(part, Element)
            assert part.name == local(particle.name)
            assert occurrence(part)[1:] == tuple(particle.occurs)
            compare(part.type, particle.type)


def test_header() -> None:
    """Every type of the header, down to each facet, is as in the XSDs."""
    compare(schema.HEADER, iso2().maps.types["{urn:iso:15118:2:2013:MsgHeader}MessageHeaderType"])


@pytest.mark.parametrize("name", ["CertificateInstallationReq", "CertificateInstallationRes"])
def test_body(name: str) -> None:
    """Every type of both bodies, down to each facet, is as in the XSDs."""
    ours = getattr(schema, f"CERTIFICATE_INSTALLATION_{name[-3:].upper()}")
    compare(ours, iso2().maps.types[f"{{{BODY}}}{name}Type"])


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


def test_document_code() -> None:
    """The root's code is its place among the global elements."""
    root = schema.ROOT
    assert [local(name) for name in iso2().roots][root.code] == root.name
    assert root.width == document_width(len(iso2().roots))


@pytest.mark.parametrize(
    ("ours", "schema_set"), [(schema.FRAGMENTS, iso2), (schema.XMLDSIG_FRAGMENTS, xmldsig)]
)
def test_fragment_codes(ours: schema.Fragments, schema_set: Any) -> None:
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


@pytest.mark.parametrize(("schema_set", "names"), [(iso2, ["eMAID"]), (xmldsig, [])])
def test_only_emaid_is_ambiguous(schema_set: Any, names: list[str]) -> None:
    """eMAID alone is declared with two types, hence alone has the relaxed fragment grammar."""
    types = schema_set().types
    assert [local(name) for name in types if len(types[name]) > 1] == names


def test_relaxed_emaid() -> None:
    """The codes of the relaxed grammar count all attributes, then all elements (EXI 1.0 §8.5.3)."""
    attributes, elements = iso2().attributes, iso2().elements
    relaxed = schema.EMAID_FRAGMENT
    assert attributes[relaxed.id] == f"{{{TYPES}}}Id"
    # AT(name)..., AT(*), SE(name)..., SE(*), EE, CH
    assert relaxed.characters == len(attributes) + 1 + len(elements) + 2
    assert relaxed.start_width == (relaxed.characters + 1).bit_length()
    # SE(name)..., SE(*), EE, CH
    assert relaxed.end == len(elements) + 1
    assert relaxed.end_width == (relaxed.end + 2).bit_length()
