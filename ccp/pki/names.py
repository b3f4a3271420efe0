"""Distinguished names: written in one way, recognised in the many ways that cars write them."""

import re

from cryptography import x509

# A comma, semicolon or plus that no backslash escapes parts two attributes.
_SEPARATOR = re.compile(r"(?<!\\)[,;+]")
_TYPES = {
    "0.9.2342.19200300.100.1.25": "DC",
    "1.2.840.113549.1.9.1": "EMAILADDRESS",
    "E": "EMAILADDRESS",
    "S": "ST",
}


def distinguished_name(name: x509.Name) -> str:
    """Write a name as RFC 4514 does, with a space after each comma: `CN=…, DC=V2G, O=…, C=DE`."""
    return ", ".join(rdn.rfc4514_string() for rdn in reversed(name.rdns))


def names_agree(given: str, ours: str) -> bool:
    """
    Tell whether a name as some car writes it means the name that we have.

    Cars write the issuer of a root in any order and spelling, as `<Name(C=DE,…)>`, or as the
    common name alone: what they give has to be part of our name, attribute by attribute.

    Args:
        given: X509IssuerName of a ListOfRootCertificateIDs.
        ours: A name as `distinguished_name` writes it.
    """
    attributes = _attributes(given)
    return bool(attributes) and attributes <= _attributes(ours)


def _attributes(name: str) -> set[tuple[str, str]]:
    """Split a name into (type, value); case and repeated spaces do not count."""
    name = name.strip()
    if name.startswith("<Name(") and name.endswith(")>"):
        name = name[len("<Name(") : -len(")>")]
    attributes = set()
    for part in _SEPARATOR.split(name):
        kind, separator, value = part.partition("=")
        if not separator:
            kind, value = "CN", part
        kind = kind.strip().upper().removeprefix("OID.")
        value = " ".join(value.replace("\\", "").casefold().split())
        if value:
            attributes.add((_TYPES.get(kind, kind), value))
    return attributes
