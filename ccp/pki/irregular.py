"""Findings on certificates that can be read, but break DER or RFC 5280."""

import logging
import re
from collections.abc import Iterable, Iterator

from ccp.domain.findings import Finding
from ccp.pki.certificates import Certificate
from ccp.pki.der import BOOLEAN, elements, is_der, items_of, oid_text
from ccp.pki.extensions import BASIC_CONSTRAINTS, extension_name, read_extensions
from ccp.pki.lenient import (
    attributes_of,
    encode_time,
    has_ecdsa_parameters,
    read_text,
    read_time,
    signed_number,
)
from ccp.pki.structure import Structure, read_structure, same_algorithm

_PRINTABLE_STRING, _IA5_STRING, _TELETEX_STRING = 0x13, 0x16, 0x14
_PRINTABLE = re.compile(rb"[A-Za-z0-9 '()+,./:=?-]*")
_VERSION_3 = b"\x02"
_MOST_SERIAL_BYTES = 20


def irregularities(certificate: Certificate) -> list[str]:
    """
    Return a sentence for each thing in a certificate that breaks DER or RFC 5280.

    Malformed values of extensions are not among them: those are errors of `read_extensions`.
    """
    found: list[str] = []
    try:
        structure = read_structure(certificate.der)
        found.extend(_irregular_fields(structure))
        found.extend(_irregular_names(structure))
        found.extend(_irregular_criticality(structure))
        found.extend(_irregular_values(certificate.der))
    except ValueError:
        pass  # a part cannot be read; the checks of chains report it as an error
    if not found and not certificate.is_regular:
        found.append("Common readers of certificates refuse its encoding.")
    return list(dict.fromkeys(found))


def irregularity_findings(certificates: Iterable[Certificate], name: str) -> list[Finding]:
    """
    Return a line for the log for each certificate that pyca/cryptography refuses.

    Args:
        name: What to call the leaf of their chain, such as "contract certificate".
    """
    return [
        Finding(
            "a certificate is irregular, and accepted",
            logging.INFO,
            {"chain": name, "reasons": irregularities(one)},
        )
        for one in certificates
        if not one.is_regular
    ]


def _irregular_fields(structure: Structure) -> Iterator[str]:
    if structure.version not in (None, _VERSION_3):
        yield "The version is not written as version 3."
    if structure.version is None and structure.extensions:
        yield "A certificate of version 1 has extensions."
    size = len(structure.serial_number)
    if signed_number(structure.serial_number) <= 0 or size > _MOST_SERIAL_BYTES:
        yield f"The serial number is not positive and of at most {_MOST_SERIAL_BYTES} bytes."
    if not same_algorithm(structure):
        yield "The two fields of the signature algorithm differ."
    if has_ecdsa_parameters(structure.algorithm):
        yield "The signature algorithm has parameters, which ECDSA does not have."
    if structure.signature[:1] != b"\0":
        yield "Some bits of the signature are marked as unused."
    for time in elements(structure.validity.content):
        if time.encoded != encode_time(read_time(time)):
            text = time.content.decode("latin-1")
            yield f"The time {text!r} is not in the form of RFC 5280, 4.1.2.5."
    if not is_der(elements(structure.tbs)):
        yield "A length or a string is not DER."


def _irregular_names(structure: Structure) -> Iterator[str]:
    for name in (structure.subject, structure.issuer):
        for rdn in elements(name.content):
            if not rdn.content:
                yield "A name has a part without attributes."
        for _, value in attributes_of(name):
            text = read_text(value)
            if value.tag == _PRINTABLE_STRING:
                is_clean = bool(_PRINTABLE.fullmatch(value.content))
            elif value.tag in (_IA5_STRING, _TELETEX_STRING):
                is_clean = value.content.isascii()
            else:
                is_clean = not text.startswith("#")
            if not is_clean:
                yield f"The value {text[:64]!r} in a name does not fit its string type."


def _irregular_criticality(structure: Structure) -> Iterator[str]:
    for extension in structure.extensions or ():
        name = extension_name(oid_text(extension.oid))
        if extension.critical == b"\0":
            yield f"The extension {name} writes out the default, that it is not critical."
        elif extension.critical not in (None, b"\xff"):
            yield f"The extension {name} has a boolean that is not DER."


def _irregular_values(der: bytes) -> Iterator[str]:
    for oid, value in read_extensions(der).values.items():
        name = extension_name(oid)
        if name == oid:
            continue  # the pool does not know it
        if not is_der(elements(value)):
            yield f"The extension {name} has a length or a string that is not DER."
        if oid == BASIC_CONSTRAINTS:
            for one in items_of(value):
                if one.tag == BOOLEAN and one.content == b"\0":
                    yield f"The extension {name} writes out the default, FALSE."
                elif one.tag == BOOLEAN and one.content != b"\xff":
                    yield f"The extension {name} has a boolean that is not DER."
