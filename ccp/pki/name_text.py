"""Distinguished names as text: RFC 4514, its predecessors, and the forms of OpenSSL and Python."""

import re

from ccp.pki.der import elements
from ccp.pki.lenient import read_text

# Names of one attribute type; RFC 4514 has a few short ones and dotted OIDs, OpenSSL has more.
_TYPE_NAMES = (
    ("CN", "COMMONNAME", "2.5.4.3"),
    ("SURNAME", "SN", "2.5.4.4"),
    ("SERIALNUMBER", "2.5.4.5"),
    ("C", "COUNTRYNAME", "2.5.4.6"),
    ("L", "LOCALITYNAME", "2.5.4.7"),
    ("ST", "S", "STATEORPROVINCENAME", "2.5.4.8"),
    ("STREET", "STREETADDRESS", "2.5.4.9"),
    ("O", "ORGANIZATIONNAME", "2.5.4.10"),
    ("OU", "ORGANIZATIONALUNITNAME", "2.5.4.11"),
    ("TITLE", "T", "2.5.4.12"),
    ("GIVENNAME", "GN", "2.5.4.42"),
    ("DNQUALIFIER", "2.5.4.46"),
    ("ORGANIZATIONIDENTIFIER", "2.5.4.97"),
    ("UID", "USERID", "0.9.2342.19200300.100.1.1"),
    ("DC", "DOMAINCOMPONENT", "0.9.2342.19200300.100.1.25"),
    ("EMAILADDRESS", "E", "EMAIL", "1.2.840.113549.1.9.1"),
)
_TYPES = {name: first for first, *others in _TYPE_NAMES for name in (first, *others)}

_TYPE = r"[A-Za-z0-9][A-Za-z0-9.-]*"
# A separator that no attribute type follows belongs to the value: not all writers escape it.
_ATTRIBUTE = re.compile(
    rf'[ \t]*({_TYPE})[ \t]*=[ \t]*("(?:[^"\\]|\\.)*"[ \t]*(?=[,;+]|$)'
    rf"|(?:[^\\,;+]|\\.|\\$|[,;+](?![ \t]*{_TYPE}[ \t]*=))*)[,;+]?",
    re.DOTALL,
)
_SLASH_ATTRIBUTE = re.compile(rf"/({_TYPE})=((?:[^\\/]|\\.|\\$|/(?!{_TYPE}=))*)", re.DOTALL)
# Hex digits are an octet of UTF-8 (RFC 4514, 2.4; OpenSSL writes an x before them).
_ESCAPE = re.compile(r"\\(?:x?([0-9A-Fa-f]{2})|(.))", re.DOTALL)
_PYTHON_NAME = re.compile(r"<Name\((.*)\)>\Z", re.DOTALL)
_MOST_CHARACTERS = 4096  # more than any issuer of a certificate needs
_ENCODED = re.compile(r"#((?:[0-9A-Fa-f]{2})+)\Z")


def parse_name(text: str) -> set[tuple[str, str]]:
    """
    Parse a distinguished name into its attributes, whatever their order.

    These forms are understood: RFC 4514 with escapes and hex-encoded values, quoted values and
    semicolons (RFC 2253, 4), the slashes and the long type names of OpenSSL, one attribute a line,
    `<Name(…)>` of Python, and a common name alone.

    Args:
        text: Any text.
    Returns: Type and value of each attribute, to be compared: types have one name each, values are
        case-folded, and runs of white space are one space. Attributes without a value are left out.
    """
    if len(text) > _MOST_CHARACTERS:
        return set()
    if python_name := _PYTHON_NAME.match(text.strip()):
        text = python_name[1]
    text = _without_separators(text.replace("\r", "").replace("\n", ",").lstrip())
    if _SLASH_ATTRIBUTE.match(text):
        found = _SLASH_ATTRIBUTE.findall(text)
    else:
        found = _ATTRIBUTE.findall(text if _ATTRIBUTE.match(text) else f"CN={text}")
    attributes = set()
    for kind, value in found:
        name = kind.upper().removeprefix("OID.")
        if folded := " ".join(_value(value).casefold().split()):
            attributes.add((_TYPES.get(name, name), folded))
    return attributes


def _without_separators(text: str) -> str:
    """Remove separators and white space from the end, but not a character that is escaped."""
    stripped = text.rstrip(",; \t")
    is_escaped = (len(stripped) - len(stripped.rstrip("\\"))) % 2 == 1
    return text[: len(stripped) + 1] if is_escaped else stripped


def _value(text: str) -> str:
    """Decode the value of an attribute."""
    trimmed = text.strip(" \t")
    if encoded := _ENCODED.match(trimmed):
        try:
            (value,) = elements(bytes.fromhex(encoded[1]))
        except ValueError:  # not one element of DER
            return trimmed
        return read_text(value)
    if len(trimmed) > 1 and trimmed[0] == trimmed[-1] == '"':
        text = trimmed[1:-1]
    if "\\" not in text:
        return text
    octets, end = bytearray(), 0
    for escape in _ESCAPE.finditer(text):
        octets += text[end : escape.start()].encode(errors="replace")
        octets += bytes.fromhex(escape[1]) if escape[1] else escape[2].encode(errors="replace")
        end = escape.end()
    octets += text[end:].encode(errors="replace")
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("latin-1")  # as OpenSSL does in some of its forms
