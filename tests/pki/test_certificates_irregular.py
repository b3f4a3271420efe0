"""Certificates that OpenSSL reads and pyca/cryptography does not: read, and told what is odd."""

import pytest
from cryptography import x509
from OpenSSL import crypto

from ccp.domain.errors import CertificateUnreadable
from ccp.pki.certificates import read_certificate
from ccp.pki.irregular import irregularities
from ccp.pki.issuance import is_issuer
from tests.pki.raw import extension, resigned, tlv
from tests.trusted import pki

CPS = pki().cps["A"]
ISSUER = read_certificate(CPS.authority.sub_2.der, "CA")
ECDSA = bytes.fromhex("06082a8648ce3d040302")
NULL = b"\5\0"


def name(tag: int, value: bytes) -> bytes:
    """A name with one common name."""
    return tlv(0x30, tlv(0x31, tlv(0x30, bytes.fromhex("0603550403"), tlv(tag, value))))


def leaf(**fields: bytes | list[bytes]) -> bytes:
    """The CPS leaf again, with other fields."""
    return resigned(CPS.leaf.der, CPS.authority.sub_2.key, **fields)


ENDS = tlv(0x17, b"450101000000Z")
IRREGULAR = {
    "critical FALSE": (
        leaf(extensions=[extension("2.5.29.19", tlv(0x30), b"\1\1\0")]),
        "The extension basicConstraints writes out the default, that it is not critical.",
    ),
    "a boolean of BER": (
        leaf(extensions=[extension("2.5.29.19", tlv(0x30), b"\1\1\1")]),
        "The extension basicConstraints has a boolean that is not DER.",
    ),
    "version 1 written out": (
        leaf(version=bytes.fromhex("a003020100"), extensions=[]),
        "The version is not written as version 3.",
    ),
    "version 2": (
        leaf(version=bytes.fromhex("a003020101"), extensions=[]),
        "The version is not written as version 3.",
    ),
    "parameters of ECDSA": (
        leaf(signature=tlv(0x30, ECDSA, NULL)),
        "The signature algorithm has parameters, which ECDSA does not have.",
    ),
    "a fraction of a second": (
        leaf(validity=tlv(0x30, tlv(0x18, b"20250101000000.5Z"), ENDS)),
        "The time '20250101000000.5Z' is not in the form of RFC 5280, 4.1.2.5.",
    ),
    "an offset": (
        leaf(validity=tlv(0x30, tlv(0x17, b"250101010000+0100"), ENDS)),
        "The time '250101010000+0100' is not in the form of RFC 5280, 4.1.2.5.",
    ),
    "a PrintableString with @": (
        leaf(subject=name(0x13, b"a@b")),
        "The value 'a@b' in a name does not fit its string type.",
    ),
    "a TeletexString of Latin-1": (
        leaf(subject=name(0x14, b"M\xfcller")),
        "The value 'Müller' in a name does not fit its string type.",
    ),
    "a length in two bytes": (
        leaf(subject=b"\x30\x81" + name(0x0C, b"x")[1:]),
        "A length or a string is not DER.",
    ),
    "an endless length": (
        leaf(subject=b"\x30\x80" + name(0x0C, b"x")[2:] + b"\0\0"),
        "A length or a string is not DER.",
    ),
    "a long identifier": (
        leaf(extensions=[tlv(0x30, tlv(6, b"\x2b" + b"\1" * 300), tlv(4, NULL))]),
        "Common readers of certificates refuse its encoding.",
    ),
}


@pytest.mark.filterwarnings("ignore:X509.get_subject is deprecated")
@pytest.mark.parametrize("fault", IRREGULAR)
def test_read_certificate_irregular_is_read_as_openssl_reads_it(fault: str) -> None:
    """Facts, issuer and what is irregular; pyca/cryptography alone refuses each of them."""
    der, told = IRREGULAR[fault]
    with pytest.raises((ValueError, x509.InvalidVersion)):
        _ = x509.load_der_x509_certificate(der).subject
    by_openssl = crypto.load_certificate(crypto.FILETYPE_ASN1, der)
    certificate = read_certificate(der, "CPS certificate")
    assert certificate.der == der
    assert certificate.serial_number == by_openssl.get_serial_number()
    assert certificate.common_name == by_openssl.get_subject().CN
    assert certificate.issuer == CPS.leaf.certificate.issuer
    assert certificate.public_key == CPS.leaf.certificate.public_key()
    assert is_issuer(ISSUER, certificate)
    assert told in irregularities(certificate)


@pytest.mark.parametrize("der", [CPS.leaf.der, CPS.authority.root.der], ids=["leaf", "root"])
def test_irregularities_regular_certificate_has_none(der: bytes) -> None:
    """Those of the workshop are DER, and as RFC 5280 has them."""
    assert irregularities(read_certificate(der, "certificate")) == []


@pytest.mark.parametrize("serial_number", [b"\2\1\x85", b"\2\1\0", tlv(2, b"\5" * 30)])
def test_irregularities_serial_number_is_told(serial_number: bytes) -> None:
    """Negative, zero, or too long: read as the number that it is."""
    certificate = read_certificate(leaf(serial_number=serial_number), "certificate")
    assert certificate.serial_number == int.from_bytes(serial_number[2:], signed=True)
    assert irregularities(certificate) == [
        "The serial number is not positive and of at most 20 bytes."
    ]


@pytest.mark.parametrize(
    ("der", "told"),
    [
        (CPS.leaf.der + b"\0", "outermost structure is not DER, or other bytes follow it"),
        (b"\x30\x80" + CPS.leaf.der[4:] + b"\0\0", "outermost structure is not DER"),
        (leaf(validity=tlv(0x30, tlv(0x17, b"251301000000Z"), ENDS)), "has no meaning"),
        (leaf(validity=tlv(0x30, tlv(0x18, b"00000101000000Z"), ENDS)), "has no meaning"),
        (
            leaf(validity=tlv(0x30, tlv(0x18, b"99991231235959-2359"), ENDS)),
            "a time of the validity is out of range",
        ),
        (leaf(serial_number=b"\2\0"), "is not an X.509 certificate"),
        (leaf(extensions=[tlv(0x30)]), "is not an X.509 certificate"),
        (leaf(extensions=[tlv(0x30, tlv(6), tlv(4))]), "is not an X.509 certificate"),
        (b"\x30\x84\xff\xff\xff\xff", "is not an X.509 certificate"),
        (b"\x30\x80" * 2000, "is not an X.509 certificate"),
    ],
)
def test_read_certificate_unusable_is_refused_in_words(der: bytes, told: str) -> None:
    """Never another error than this one, and never an unbounded time."""
    with pytest.raises(CertificateUnreadable) as raised:
        read_certificate(der, "CPS certificate")
    assert raised.value.messages[1].startswith("The CPS certificate ")
    assert told in raised.value.messages[1]


def test_is_issuer_other_key_of_the_same_name_is_not() -> None:
    """The signature decides, also of an irregular certificate."""
    der = resigned(
        CPS.leaf.der,
        pki().cps["B"].authority.sub_2.key,
        extensions=[extension("2.5.29.19", tlv(0x30), b"\1\1\0")],
    )
    assert not is_issuer(ISSUER, read_certificate(der, "certificate"))
