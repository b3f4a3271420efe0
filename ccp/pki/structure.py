"""The parts of an X.509 certificate, as our own lenient reader finds them (RFC 5280, 4.1)."""

from collections.abc import Sequence
from typing import NamedTuple

from ccp.pki.der import (
    BIT_STRING,
    BOOLEAN,
    CONSTRUCTED,
    INTEGER,
    OBJECT_IDENTIFIER,
    OCTET_STRING,
    SEQUENCE,
    DerError,
    Element,
    content_of,
    elements,
    items_of,
)

_VERSION, _EXTENSIONS = 0xA0, 0xA3
_UNIQUE_IDS = {0x81, 0x82}
_FIELDS = (INTEGER, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE)


class RawExtension(NamedTuple):
    """
    One extension, before its value is parsed.

    Attributes:
        oid: Content of its object identifier.
        critical: Content of its boolean; None if it is left out, which means FALSE.
        value: Content of its OCTET STRING.
    """

    oid: bytes
    critical: bytes | None
    value: bytes

    @property
    def is_critical(self) -> bool:
        """Whether the extension is critical: a reader that does not know it must refuse."""
        return self.critical not in (None, b"\0")


class Structure(NamedTuple):
    """
    The parts of one certificate.

    Attributes:
        tbs: The signed part, encoded.
        version: Content of its INTEGER; None if it is left out, which means version 1.
        serial_number: Content of its INTEGER.
        inner_algorithm, algorithm: Of the signature, inside the signed part and after it.
        issuer, validity, subject, public_key: The fields of these names.
        extensions: Those of the certificate; None if the field is left out.
        signature: Content of its BIT STRING.
    """

    tbs: bytes
    version: bytes | None
    serial_number: bytes
    inner_algorithm: Element
    issuer: Element
    validity: Element
    subject: Element
    public_key: Element
    extensions: Sequence[RawExtension] | None
    algorithm: Element
    signature: bytes


def read_structure(der: bytes) -> Structure:
    """
    Take a certificate apart, without looking into names, times, keys and extension values.

    Raises:
        DerError: The bytes are not a certificate, or others follow it.
    """
    outer = items_of(der)
    if [one.tag for one in outer] != [SEQUENCE, SEQUENCE, BIT_STRING]:
        raise DerError("the certificate does not consist of content, algorithm and signature")
    tbs, algorithm, signature = outer
    fields = elements(tbs.content)
    version = None
    if fields and fields[0].tag == _VERSION:
        version = content_of(fields.pop(0).content, INTEGER)
    fixed, optional = fields[: len(_FIELDS)], fields[len(_FIELDS) :]
    if tuple(one.tag for one in fixed) != _FIELDS:
        raise DerError("a field of the certificate is missing or has another type")
    while optional and optional[0].tag in _UNIQUE_IDS:
        optional.pop(0)
    if len(optional) > 1 or any(one.tag != _EXTENSIONS for one in optional):
        raise DerError("the certificate has a field that X.509 does not have")
    serial_number, inner_algorithm, issuer, validity, subject, public_key = fixed
    return Structure(
        tbs=tbs.encoded,
        version=version,
        serial_number=serial_number.content,
        inner_algorithm=inner_algorithm,
        issuer=issuer,
        validity=validity,
        subject=subject,
        public_key=public_key,
        extensions=[_extension(one) for one in items_of(optional[0].content)] if optional else None,
        algorithm=algorithm,
        signature=signature.content,
    )


def same_algorithm(structure: Structure) -> bool:
    """
    Check whether both fields of the signature algorithm have the same value.

    Lengths may be written differently in them, as OpenSSL allows.

    Raises:
        DerError: One of them is malformed.
    Source: RFC 5280, 4.1.1.2.
    """
    inner, outer = (
        [(one.tag, one.content) for one in elements(field.content)]
        for field in (structure.inner_algorithm, structure.algorithm)
    )
    return inner == outer


def _extension(element: Element) -> RawExtension:
    if element.tag != SEQUENCE:
        raise DerError("an extension is not a SEQUENCE")
    parts = elements(element.content)
    critical = None
    if len(parts) == 3 and parts[1].tag == BOOLEAN and len(parts[1].content) == 1:
        critical = parts.pop(1).content
    match parts:
        case [Element(tag=oid_tag, content=oid), value] if oid_tag == OBJECT_IDENTIFIER:
            return RawExtension(oid, critical, _octets(value))
    raise DerError("an extension does not consist of identifier, criticality and value")


def _octets(value: Element) -> bytes:
    """Return the content of an OCTET STRING, which BER allows to come in parts."""
    if value.tag == OCTET_STRING:
        return value.content
    parts = elements(value.content) if value.tag == OCTET_STRING | CONSTRUCTED else []
    if not parts or any(one.tag != OCTET_STRING for one in parts):
        raise DerError("the value of an extension is not an OCTET STRING")
    return b"".join(one.content for one in parts)
