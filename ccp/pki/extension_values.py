"""Parsers for the values of the X.509 extensions that the pool knows (RFC 5280, 4.2)."""

from ccp.pki.der import (
    BIT_STRING,
    BOOLEAN,
    INTEGER,
    OBJECT_IDENTIFIER,
    SEQUENCE,
    DerError,
    Element,
    content_of,
    elements,
    encode,
    items_of,
    oid_text,
)

KEY_USAGES = (
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
)
"""The bits of keyUsage, the first one first (RFC 5280, 4.2.1.3)."""

URI = 0x86
"""The tag of a URI among the GeneralNames."""

_GENERAL_NAMES = {0xA0, 0x81, 0x82, 0xA3, 0xA4, 0xA5, URI, 0x87, 0x88}
_POINT, _REASONS, _CRL_ISSUER = 0xA0, 0x81, 0xA2
_FULL_NAME, _RELATIVE_NAME = 0xA0, 0xA1
_PERMITTED, _EXCLUDED = 0xA0, 0xA1
_MINIMUM, _MAXIMUM = 0x80, 0x81
_REQUIRE_EXPLICIT, _INHIBIT_MAPPING = 0x80, 0x81


# Each function raises ValueError, mostly as DerError, if the value is malformed.


def read_basic_constraints(value: bytes) -> tuple[bool, int | None]:
    """Return whether the certificate is of a CA, and its path length."""
    fields = items_of(value)
    is_ca = False
    if fields and fields[0].tag == BOOLEAN:
        content = fields.pop(0).content
        if len(content) != 1:
            raise DerError("a boolean does not have one byte")
        is_ca = content != b"\0"
    if not fields:
        return is_ca, None
    (length,) = fields
    return is_ca, read_natural_number(length.encoded)


def read_natural_number(value: bytes) -> int:
    """Return an INTEGER that is not negative, and not larger than anything sensible."""
    content = content_of(value, INTEGER)
    if not 0 < len(content) <= 4 or content[0] & 0x80:
        raise DerError("a number is out of range")
    return int.from_bytes(content)


def read_key_usages(value: bytes) -> list[str]:
    """Return the names of KEY_USAGES whose bits are set."""
    content = content_of(value, BIT_STRING)
    unused = content[0] if content else 8
    if unused > 7 or (unused and len(content) == 1):
        raise DerError("a BIT STRING is malformed")
    bits = "".join(f"{byte:08b}" for byte in content[1:3])
    if unused and len(content) <= 3:
        bits = bits[:-unused]
    return [name for name, bit in zip(KEY_USAGES, bits, strict=False) if bit == "1"]


def read_oids(value: bytes) -> list[str]:
    """Return a SEQUENCE of object identifiers, each written with dots."""
    found = items_of(value)
    _require_tags(found, {OBJECT_IDENTIFIER})
    return [oid_text(one.content) for one in found]


def read_general_names(value: bytes) -> list[Element]:
    """Return the names of subjectAltName or issuerAltName."""
    found = items_of(value)
    _require_tags(found, _GENERAL_NAMES)
    return found


def read_access(value: bytes) -> list[tuple[str, Element]]:
    """Return the method and the place of each description in authorityInfoAccess."""
    found = []
    for description in items_of(value):
        method, place = items_of(description.encoded)
        _require_tags([method], {OBJECT_IDENTIFIER})
        _require_tags([place], _GENERAL_NAMES)
        found.append((oid_text(method.content), place))
    return found


def read_distribution_points(value: bytes) -> list[tuple[list[Element], bool]]:
    """Return the names of each point, and whether its list is for all reasons and of the CA."""
    found = []
    for point in items_of(value):
        fields = {
            one.tag: one.content
            for one in read_optional_fields(point.encoded, _POINT, _REASONS, _CRL_ISSUER)
        }
        names: list[Element] = []
        if _POINT in fields:
            (name,) = elements(fields[_POINT])
            _require_tags([name], {_FULL_NAME, _RELATIVE_NAME})
            if name.tag == _FULL_NAME:
                names = elements(name.content)
                _require_tags(names, _GENERAL_NAMES)
        found.append((names, not fields.keys() & {_REASONS, _CRL_ISSUER}))
    return found


def read_optional_fields(value: bytes, *tags: int) -> list[Element]:
    """Return the elements of a SEQUENCE in which each field of *tags* may be left out."""
    found = items_of(value)
    present = [one.tag for one in found]
    if present != [tag for tag in tags if tag in present]:
        raise DerError("a field has another type than expected")
    return found


def read_name_constraints(value: bytes) -> list[Element]:
    """Return the permitted and the excluded subtrees."""
    found = read_optional_fields(value, _PERMITTED, _EXCLUDED)
    for subtrees in found:
        for subtree in elements(subtrees.content):
            base, *limits = items_of(subtree.encoded)
            _require_tags([base], _GENERAL_NAMES)
            _require_tags(limits, {_MINIMUM, _MAXIMUM})
    return found


def read_policies(value: bytes) -> list[str]:
    """Return the policies of certificatePolicies; their qualifiers are not looked at."""
    found = []
    for policy in items_of(value):
        identifier, *qualifiers = items_of(policy.encoded)
        _require_tags([identifier], {OBJECT_IDENTIFIER})
        if [one.tag for one in qualifiers] not in ([], [SEQUENCE]):
            raise DerError("the qualifiers of a policy are malformed")
        found.append(oid_text(identifier.content))
    return found


def read_policy_mappings(value: bytes) -> list[tuple[str, str]]:
    """Return the policies of the issuer and of the subject in each item of policyMappings."""
    found = []
    for mapping in items_of(value):
        issuer_policy, subject_policy = read_oids(mapping.encoded)
        found.append((issuer_policy, subject_policy))
    return found


def read_policy_constraints(value: bytes) -> int | None:
    """Return requireExplicitPolicy; None if it is left out."""
    fields = {
        one.tag: read_natural_number(encode(INTEGER, one.content))
        for one in read_optional_fields(value, _REQUIRE_EXPLICIT, _INHIBIT_MAPPING)
    }
    return fields.get(_REQUIRE_EXPLICIT)


def _require_tags(found: list[Element], tags: set[int]) -> None:
    if any(one.tag not in tags for one in found):
        raise DerError("an element has another type than expected")
