"""The XSDs of ISO 15118, in the development dependency ``iso15118``, as EXI sees them."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import iso15118
from xmlschema import XMLSchema
from xmlschema.validators import XsdAttribute, XsdElement

XSDS = Path(iso15118.__file__).parent / "shared" / "schemas"
DS = "http://www.w3.org/2000/09/xmldsig#"


class SchemaSet:
    """The names of a schema and what it imports, sorted as EXI sorts them: local names first."""

    def __init__(self, path: str) -> None:
        # CommonTypes imports XML Signature from its own folder, where the wheel has no such file.
        signature = str(XSDS / "xmldsig-core-schema.xsd")
        self.schema = XMLSchema(XSDS / path, locations={DS: signature})
        self.maps = self.schema.maps
        schemas = [
            found
            for found in self.maps.iter_schemas()
            if found.target_namespace == DS or "www.w3.org" not in found.target_namespace
        ]
        self.roots = sort(e.name for found in schemas for e in found.elements.values())
        self.types: dict[str, set[Any]] = {}
        for found in schemas:
            for element in found.iter_components(XsdElement):
                self.types.setdefault(element.name, set()).add(element.type)
        self.elements = sort(self.types)
        self.attributes = sort(a.name for x in schemas for a in x.iter_components(XsdAttribute))


def sort(names: Iterable[str]) -> list[str]:
    return sorted(set(names), key=lambda name: (local(name), name))


def local(name: str) -> str:
    return name.rpartition("}")[2]


def namespace(name: str) -> str:
    return name.rpartition("}")[0].removeprefix("{")


@cache
def iso2() -> SchemaSet:
    return SchemaSet("iso15118_2/V2G_CI_MsgDef.xsd")


@cache
def iso20() -> SchemaSet:
    """CommonMessages."""
    return SchemaSet("iso15118_20/V2G_CI_CommonMessages.xsd")


@cache
def xmldsig() -> SchemaSet:
    return SchemaSet("xmldsig-core-schema.xsd")
