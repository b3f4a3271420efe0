"""Comparison of distinguished names, independent of their encoding (RFC 5280, 7.1)."""

import stringprep
from unicodedata import category, normalize

from cryptography import x509

NameKey = tuple[frozenset[tuple[str, str | bytes]], ...]
"""A name in a form that is equal for equal names."""

_SEPARATORS = {"Zs", "Zl", "Zp"}
_CONTROL_SPACES = set("\t\n\v\f\r\x85")


def name_key(name: x509.Name) -> NameKey:
    """
    Return the form of a name that is equal for all encodings of it.

    The string type (PrintableString, UTF8String, …), upper and lower case, the number of spaces,
    and the order of the attributes inside one RDN do not count. The order of the RDNs does.

    Source: RFC 5280, 7.1; RFC 4518, 2 (caseIgnoreMatch).
    """
    return tuple(
        frozenset((one.oid.dotted_string, _prepared(one.value)) for one in rdn) for rdn in name.rdns
    )


def same_name(one: x509.Name, other: x509.Name) -> bool:
    """Check whether two names are the same by RFC 5280, 7.1."""
    return one == other or name_key(one) == name_key(other)


def _prepared(value: str | bytes) -> str | bytes:
    if isinstance(value, bytes):
        return value
    if value.isascii() and value.isprintable():
        return " ".join(value.lower().split())
    mapped = "".join(map(_mapped, value))
    folded = normalize("NFKC", normalize("NFKC", mapped).casefold())
    return " ".join(folded.split())


def _mapped(character: str) -> str:
    """Map a character as RFC 4518, 2.2, does, before upper and lower case are made equal."""
    if character in _CONTROL_SPACES or category(character) in _SEPARATORS:
        return " "
    if stringprep.in_table_b1(character) or category(character) in ("Cc", "Cf"):
        return ""
    return character
