"""What the extensions of a leaf allow it, also where their encoding breaks DER."""

from collections.abc import Iterator
from typing import NamedTuple

from asn1crypto import parser

_BASIC_CONSTRAINTS = bytes.fromhex("551d13")  # 2.5.29.19
_KEY_USAGE = bytes.fromhex("551d0f")  # 2.5.29.15
_BOOLEAN, _BIT_STRING, _OCTET_STRING, _SEQUENCE = 1, 3, 4, 16
_UNIVERSAL, _CONTEXT = 0, 2
_EXTENSIONS = 3  # [3] of a TBSCertificate
_DIGITAL_SIGNATURE = 0x80


class Role(NamedTuple):
    """
    What a certificate is for.

    Attributes:
        is_ca: Whether it says that it is a CA.
        may_sign: Whether its key may make digital signatures: it says so, or says nothing.
    """

    is_ca: bool
    may_sign: bool


def read_role(der: bytes) -> Role:
    """
    Read basicConstraints and keyUsage, and nothing else.

    pyca/cryptography refuses genuine leaves, whose booleans are not DER; asn1crypto reads them, but
    all extensions of a certificate take it longer than OpenSSL takes to verify the signature.

    Args:
        der: X.509, which others have read already.
    Raises:
        ValueError: Its extensions cannot be read, or one of the two is there twice.
    Source: RFC 5280, 4.1 and 4.2.
    """
    is_ca, usage = None, None
    for oid, value in _extensions(der):
        if oid == _BASIC_CONSTRAINTS:
            if is_ca is not None:
                raise ValueError("basicConstraints are there twice")
            is_ca = _is_ca(value)
        elif oid == _KEY_USAGE:
            if usage is not None:
                raise ValueError("keyUsage is there twice")
            usage = _content(value, _BIT_STRING)
    may_sign = usage is None or bool(usage[1:] and usage[1] & _DIGITAL_SIGNATURE)
    return Role(bool(is_ca), may_sign)


def _extensions(der: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Give OID and value of each."""
    (_, _, tbs), *_ = _elements(_content(der, _SEQUENCE))
    for kind, tag, content in _elements(tbs):
        if (kind, tag) == (_CONTEXT, _EXTENSIONS):
            for _, _, extension in _elements(_content(content, _SEQUENCE)):
                (_, _, oid), *_, (_, last, value) = _elements(extension)
                if last != _OCTET_STRING:
                    raise ValueError("an extension has no value")
                yield oid, value


def _is_ca(value: bytes) -> bool:
    """The first element, where it is a boolean; it is FALSE by default."""
    for kind, tag, content in _elements(_content(value, _SEQUENCE)):
        return (kind, tag) == (_UNIVERSAL, _BOOLEAN) and content != b"\0"
    return False


def _content(data: bytes, wanted: int) -> bytes:
    """Take the one element that *data* is out of its tag and length."""
    ((kind, tag, content),) = _elements(data)
    if (kind, tag) != (_UNIVERSAL, wanted):
        raise ValueError("an element is of another type")
    return content


def _elements(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Give class, tag and content of each element."""
    while data:
        kind, _, tag, header, content, trailer = parser.parse(data)
        yield kind, tag, content
        data = data[len(header) + len(content) + len(trailer) :]
