"""A reader for certificates that OpenSSL reads and pyca/cryptography refuses."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.x509.oid import SignatureAlgorithmOID
from OpenSSL import crypto

from ccp.pki.der import (
    BIT_STRING,
    GENERALIZED_TIME,
    INTEGER,
    OBJECT_IDENTIFIER,
    SEQUENCE,
    SET,
    UTC_TIME,
    UTF8_STRING,
    DerError,
    Element,
    elements,
    encode,
    oid_text,
)
from ccp.pki.structure import Structure, read_structure

# As pyca/cryptography reads them: the names of a regular CA and an irregular leaf are compared.
_ENCODINGS = {
    0x0C: "utf-8",
    0x12: "utf-8",  # NumericString
    0x13: "utf-8",  # PrintableString
    0x14: "utf-8",  # TeletexString
    0x16: "utf-8",  # IA5String
    0x1A: "utf-8",  # VisibleString
    0x1C: "utf-32-be",  # UniversalString
    0x1E: "utf-16-be",  # BMPString
}
_VERSION_3 = b"\x02"
_ECDSA = {
    SignatureAlgorithmOID.ECDSA_WITH_SHA1.dotted_string,
    SignatureAlgorithmOID.ECDSA_WITH_SHA224.dotted_string,
    SignatureAlgorithmOID.ECDSA_WITH_SHA256.dotted_string,
    SignatureAlgorithmOID.ECDSA_WITH_SHA384.dotted_string,
    SignatureAlgorithmOID.ECDSA_WITH_SHA512.dotted_string,
}
_TIME = re.compile(
    rb"(?P<date>\d{12}|\d{10})(?P<second>\d\d)(?:\.(?P<fraction>\d+))?"
    rb"(?:Z|(?P<sign>[+-])(?P<hours>\d\d)(?P<minutes>\d\d))"
)


class TooIrregular(ValueError):
    """OpenSSL reads the certificate, but the pool cannot use it; the text says why."""


def load_leniently(der: bytes) -> tuple[x509.Certificate, int]:
    """
    Read a certificate that pyca/cryptography refuses, if OpenSSL reads it.

    Returns: A substitute certificate with the same names, validity, key and algorithm, but without
        extensions and signature; and the serial number, which the substitute does not have.
    Raises:
        TooIrregular: OpenSSL reads the certificate, but the pool cannot use it.
        ValueError: OpenSSL does not read it either.
    """
    try:
        loaded = crypto.load_certificate(crypto.FILETYPE_ASN1, der)
        written = crypto.dump_certificate(crypto.FILETYPE_ASN1, loaded)
    except crypto.Error:
        raise DerError("OpenSSL does not read it") from None
    if written != der:  # OpenSSL would verify other bytes than those that are stored and hashed
        raise TooIrregular("its outermost structure is not DER, or other bytes follow it")
    try:
        structure = read_structure(der)
        twin = _twin(structure)
    except DerError as error:
        raise TooIrregular(str(error)) from None
    except ValueError:
        raise TooIrregular("a time or a name in it has no meaning") from None
    try:
        return x509.load_der_x509_certificate(twin), signed_number(structure.serial_number)
    except ValueError:
        raise TooIrregular("its public key or algorithm is malformed") from None


def _twin(structure: Structure) -> bytes:
    """Encode the substitute certificate of `load_leniently` in DER."""
    times = elements(structure.validity.content)
    if len(times) != 2:
        raise DerError("the validity does not consist of two times")
    algorithm = structure.algorithm.encoded
    if has_ecdsa_parameters(structure.algorithm):
        algorithm = encode(SEQUENCE, elements(structure.algorithm.content)[0].encoded)
    tbs = encode(
        SEQUENCE,
        encode(0xA0, encode(INTEGER, _VERSION_3)),
        encode(INTEGER, b"\1"),
        algorithm,
        _name(structure.issuer),
        encode(SEQUENCE, *(encode_time(read_time(one)) for one in times)),
        _name(structure.subject),
        structure.public_key.encoded,
    )
    return encode(SEQUENCE, tbs, algorithm, encode(BIT_STRING, b"\0"))


def has_ecdsa_parameters(algorithm: Element) -> bool:
    """Check for an ECDSA algorithm with parameters, which RFC 5758, 3.2, forbids."""
    parts = elements(algorithm.content)
    return len(parts) > 1 and oid_text(parts[0].content) in _ECDSA


def _name(name: Element) -> bytes:
    return encode(
        SEQUENCE,
        *(
            encode(
                SET,
                *(
                    encode(SEQUENCE, kind.encoded, encode(UTF8_STRING, read_text(value).encode()))
                    for kind, value in map(_attribute, elements(rdn.content))
                ),
            )
            for rdn in elements(name.content)
            if rdn.content  # pyca/cryptography refuses one without attributes
        ),
    )


def attributes_of(name: Element) -> Iterator[tuple[Element, Element]]:
    """Yield the type and the value of each attribute in a name."""
    for rdn in elements(name.content):
        yield from map(_attribute, elements(rdn.content))


def _attribute(attribute: Element) -> tuple[Element, Element]:
    parts = elements(attribute.content)
    if len(parts) != 2 or parts[0].tag != OBJECT_IDENTIFIER:
        raise DerError("a name has an attribute without type or value")
    return parts[0], parts[1]


def read_text(value: Element) -> str:
    """
    Return the text of a value in a name, whatever its type.

    Bytes that do not fit the encoding are read as Latin-1, as OpenSSL does. A value that is not a
    string becomes hexadecimal digits (RFC 4514, 2.4).
    """
    encoding = _ENCODINGS.get(value.tag)
    if encoding is None:
        return f"#{value.encoded.hex()}"
    try:
        return value.content.decode(encoding)
    except UnicodeDecodeError:
        return value.content.decode("latin-1")


def read_time(time: Element) -> datetime:
    """
    Return a UTCTime or GeneralizedTime, also one with a fraction or an offset.

    OpenSSL reads these too, but refuses them when it verifies a chain.

    Raises:
        ValueError: It is not a time.
    """
    text = time.content
    digits = {UTC_TIME: 10, GENERALIZED_TIME: 12}.get(time.tag)
    match = _TIME.fullmatch(text)
    if digits is None or match is None or len(match["date"]) != digits:
        raise DerError("a time of the validity is not a time")
    date = match["date"].decode()
    if digits == 10:
        date = ("19" if date >= "50" else "20") + date
    moment = datetime.strptime(date + match["second"].decode(), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    offset = timedelta(hours=int(match["hours"] or 0), minutes=int(match["minutes"] or 0))
    try:
        return moment + offset if match["sign"] == b"-" else moment - offset
    except OverflowError:
        raise DerError("a time of the validity is out of range") from None


def encode_time(moment: datetime) -> bytes:
    """Encode a time as RFC 5280, 4.1.2.5, does: with two digits of the year up to 2049."""
    if 1950 <= moment.year < 2050:
        return encode(UTC_TIME, f"{moment:%y%m%d%H%M%SZ}".encode())
    return encode(GENERALIZED_TIME, f"{moment.year:04}{moment:%m%d%H%M%SZ}".encode())


def signed_number(content: bytes) -> int:
    """Return the value of an INTEGER."""
    return int.from_bytes(content, signed=True)
