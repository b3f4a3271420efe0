"""Who has issued a certificate: the verdict is that of OpenSSL, also for irregular certificates."""

import pytest
from asn1crypto import x509 as asn1
from OpenSSL import crypto

from ccp.pki.certificates import read_certificate
from ccp.pki.issuance import is_issuer
from tests.builders import NOW
from tests.pki.raw import extension, extensions_of, oid, resigned, signature, tlv
from tests.trusted import pki

CPS = pki().cps["A"]
LEAF, SUB_2, SUB_1 = CPS.leaf, CPS.authority.sub_2, CPS.authority.sub_1
ECDSA = bytes.fromhex("2a8648ce3d040302")


def name(dotted: str, value: bytes) -> bytes:
    """A name with an attribute of this type and value, and a common name."""
    attributes = (oid(dotted) + value, oid("2.5.4.3") + tlv(0x0C, b"x"))
    return tlv(0x30, *(tlv(0x31, tlv(0x30, one)) for one in attributes))


NAMES = {
    "UTF-8 in a TeletexString": name("2.5.4.10", tlv(0x14, "Müller".encode())),
    "Latin-1 in a TeletexString": name("2.5.4.10", tlv(0x14, "Müller".encode("latin-1"))),
    "UTF-8 in an IA5String": name("2.5.4.10", tlv(0x16, "Müller".encode())),
    "a BIT STRING": name("2.5.4.45", tlv(0x03, b"\0\1\2")),
    "a BMPString": name("2.5.4.10", tlv(0x1E, "Müller".encode("utf-16-be"))),
}


def verified_by_openssl(ca: bytes, leaf: bytes) -> bool:
    """Whether OpenSSL finds that a CA has issued a leaf."""
    loaded, issued = (crypto.load_certificate(crypto.FILETYPE_ASN1, der) for der in (ca, leaf))
    store = crypto.X509Store()
    store.add_cert(loaded)
    store.set_time(NOW)
    store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
    try:
        crypto.X509StoreContext(store, issued).verify_certificate()
    except crypto.X509StoreContextError:
        return False
    return True


def issued_by(ca: bytes, leaf: bytes) -> bool:
    """The pool's own verdict, after OpenSSL has said yes."""
    assert verified_by_openssl(ca, leaf)
    return is_issuer(read_certificate(ca, "CA"), read_certificate(leaf, "leaf"))


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("is_regular", [True, False])
def test_is_issuer_same_bytes_of_a_name_is_issuer(kind: str, is_regular: bool) -> None:
    """A regular CA and an irregular leaf are read by two parsers; DELETE must revoke both."""
    ca = resigned(SUB_2.der, SUB_1.key, subject=NAMES[kind])
    extensions = list(extensions_of(LEAF.der).values())
    if not is_regular:
        extensions.append(extension("1.2.3.4", b"\5\0", b"\1\1\0"))
    leaf = resigned(LEAF.der, SUB_2.key, issuer=NAMES[kind], extensions=extensions)
    assert issued_by(ca, leaf)


@pytest.mark.parametrize(
    "inner",
    [
        tlv(0x30, b"\6\x81\x08", ECDSA),
        b"\x30\x81\x0a" + tlv(6, ECDSA),
        b"\x30\x80" + tlv(6, ECDSA) + b"\0\0",
    ],
    ids=["long form inside", "long form", "indefinite"],
)
def test_is_issuer_algorithm_inside_is_ber_is_issuer(inner: bytes) -> None:
    """OpenSSL compares the values of the two fields, not their bytes."""
    fields = asn1.Certificate.load(LEAF.der)["tbs_certificate"]
    names = ("issuer", "validity", "subject", "subject_public_key_info", "extensions")
    rest = [fields[one].dump() for one in names]
    version, serial_number = tlv(0xA0, tlv(2, b"\2")), fields["serial_number"].dump()
    signed = tlv(0x30, version, serial_number, inner, *rest)
    signed_with = tlv(3, b"\0", signature(SUB_2.key, signed))
    assert issued_by(SUB_2.der, tlv(0x30, signed, tlv(0x30, tlv(6, ECDSA)), signed_with))
