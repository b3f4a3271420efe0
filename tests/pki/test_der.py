"""The small DER reader: asn1crypto's parser and OpenSSL are the judges."""

import pytest
from asn1crypto import core, parser
from cryptography import x509
from hypothesis import example, given
from hypothesis import strategies as st
from OpenSSL import crypto

from ccp.domain.errors import CertificateUnreadable
from ccp.pki.certificates import read_certificate
from ccp.pki.der import SEQUENCE, DerError, elements, encode, is_der, items_of, oid_text
from ccp.pki.extensions import read_extensions
from ccp.pki.irregular import irregularities
from tests.pki.raw import tlv
from tests.trusted import pki

LEAF = pki().cps["A"].leaf.der


@given(st.binary(max_size=64))
@example(b"\x30\x80\0\0")
@example(b"\x24\x80\4\1a\0\0")
@example(b"\4\x82\0\1a")
def test_elements_any_bytes_are_read_as_asn1crypto_reads_them(data: bytes) -> None:
    """The first element is the same, or both refuse it; but for tag numbers above 30."""
    try:
        found = elements(data)
    except DerError:
        return
    for one in found:
        kind, method, tag, header, content, trailer = parser.parse(one.encoded, strict=True)
        assert one.tag == kind << 6 | method << 5 | tag
        assert one.content == content
        assert one.encoded == header + content + trailer
    assert b"".join(one.encoded for one in found) == data


@given(st.binary(max_size=300))
def test_encode_is_read_back(content: bytes) -> None:
    """Short and long lengths, in their shortest form."""
    encoded = encode(4, content)
    assert encoded == core.OctetString(content).dump()
    assert items_of(encode(SEQUENCE, encoded))[0].content == content
    assert is_der(elements(encoded))


@given(st.lists(st.integers(0, 2**70), max_size=2))
def test_oid_text_is_what_others_write(arcs: list[int]) -> None:
    """With dots, as asn1crypto does."""
    dotted = ".".join(map(str, (1, 3, *arcs)))
    assert oid_text(core.ObjectIdentifier(dotted).contents) == dotted


def test_oid_text_long_is_short() -> None:
    """It goes into an error message."""
    assert oid_text(b"\x2b" + b"\1" * 1000) == "(OID of 1001 bytes, 2b01010101010101…)"


@pytest.mark.parametrize(
    "data",
    [
        b"\x30",
        b"\x30\1",
        b"\x30\x85\0\0\0\0\0",
        b"\x30\xff",
        b"\x1f\x81\1\0",
        b"\4\x80a\0\0",
        b"\x30\x80",
        b"\x30\x80\0",
        b"\x30\x80" * 100_000,
    ],
)
def test_elements_malformed_is_refused(data: bytes) -> None:
    """Also endless nesting, which ends at a depth of 16."""
    with pytest.raises(DerError):
        elements(data)


@given(
    st.lists(st.tuples(st.integers(0, len(LEAF) - 1), st.integers(0, 255)), min_size=1, max_size=3)
)
def test_read_certificate_changed_bytes_are_read_or_refused_as_openssl_does(
    changes: list[tuple[int, int]],
) -> None:
    """No other error; what is read, OpenSSL reads too, unless pyca/cryptography alone does."""
    changed = bytearray(LEAF)
    for place, byte in changes:
        changed[place] = byte
    der = bytes(changed)
    try:
        certificate = read_certificate(der, "certificate")
    except CertificateUnreadable:
        assert not by_cryptography(der)
        return
    if not certificate.is_regular:
        crypto.load_certificate(crypto.FILETYPE_ASN1, der)
    assert all(isinstance(one, str) for one in irregularities(certificate))
    try:
        read_extensions(der)
    except ValueError:
        return


def by_cryptography(der: bytes) -> bool:
    """Whether pyca/cryptography reads names and validity of a certificate."""
    try:
        read = x509.load_der_x509_certificate(der)
        _ = read.subject, read.issuer, read.not_valid_before_utc, read.not_valid_after_utc
    except (ValueError, TypeError, x509.InvalidVersion):
        return False
    return True


def test_is_der_string_in_parts_is_not() -> None:
    """BER allows it, DER does not (X.690, 10.2)."""
    assert not is_der(elements(tlv(0x24, tlv(4, b"a"), tlv(4, b"b"))))
    assert not is_der(elements(b"\x30\x81\0"))
    assert is_der(elements(tlv(0x30, tlv(0xA0, tlv(4, b"a")))))
