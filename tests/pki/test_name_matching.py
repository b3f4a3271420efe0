"""Names that are the same by RFC 5280, 7.1, wherever the pool compares names."""

from datetime import timedelta

import pytest
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from OpenSSL import crypto

from ccp.pki.anchors import Anchors
from ccp.pki.certificates import read_certificate, read_chain, root_name
from ccp.pki.chains import verify_chain
from ccp.pki.crl import read_crl
from ccp.pki.issuance import is_issuer
from ccp.pki.name_matching import name_key, same_name
from ccp.pki.ocsp import build_request, read_response
from ccp.pki.revocation import Status
from ccp.pki.signatures import ISO_15118_2_SUITES
from ccp.trust.operator_cas import Issuers
from ccp.workshop.certificates import Identity
from tests.builders import NOW, certificate
from tests.pki.raw import resigned, tlv
from tests.pki.test_ocsp import NOW as PRESENT
from tests.pki.test_ocsp import delegate
from tests.trusted import pki

CPS = pki().cps["A"]
SUB_1, SUB_2 = CPS.authority.sub_1, CPS.authority.sub_2
ENCODINGS = {
    "UTF8String": lambda text: tlv(0x0C, text.encode()),
    "PrintableString": lambda text: tlv(0x13, text.encode()),
    "TeletexString": lambda text: tlv(0x14, text.encode("latin-1")),
    "BMPString": lambda text: tlv(0x1E, text.encode("utf-16-be")),
    "UniversalString": lambda text: tlv(0x1C, text.encode("utf-32-be")),
    "upper case": lambda text: tlv(0x0C, text.upper().encode()),
    "more spaces": lambda text: tlv(0x0C, f"  {text.replace(' ', '   ')} ".encode()),
}


def respelled(der: bytes, encoding: str) -> bytes:
    """The subject of a certificate in another encoding."""
    name = asn1.Certificate.load(der).subject
    return tlv(
        0x30,
        *(
            tlv(
                0x31,
                *(
                    tlv(0x30, one["type"].dump(), ENCODINGS[encoding](one["value"].native))
                    for one in rdn
                ),
            )
            for rdn in name.chosen
        ),
    )


each = pytest.mark.parametrize("encoding", ENCODINGS)


@each
def test_same_name_in_another_encoding_is_the_same_everywhere(encoding: str) -> None:
    """A leaf that spells its issuer otherwise: chain, revocation, root of the chain."""
    der = resigned(CPS.leaf.der, SUB_2.key, issuer=respelled(SUB_2.der, encoding))
    chain = read_chain([der, SUB_1.der, SUB_2.der], "CPS certificate")
    assert Issuers([read_certificate(SUB_2.der, "CA")]).issued(chain[0])
    assert same_name(root_name(chain), CPS.authority.root.certificate.subject)
    root = crypto.load_certificate(crypto.FILETYPE_ASN1, CPS.authority.root.der)
    verified = verify_chain(
        chain,
        Anchors((root,), configured=True),
        name="CPS certificate",
        at=NOW,
        suites=ISO_15118_2_SUITES,
    )
    assert [one.der for one in verified.above] == [SUB_2.der, SUB_1.der, CPS.authority.root.der]


@each
def test_judge_response_delegate_names_the_ca_in_another_encoding_is_believed(
    encoding: str,
) -> None:
    """The delegate spells its issuer otherwise, and the answer spells the delegate otherwise."""
    signer = delegate(SUB_2)
    der = resigned(
        signer.certificate.public_bytes(Encoding.DER),
        SUB_2.key,
        issuer=respelled(SUB_2.der, encoding),
    )
    respelled_signer = Identity(x509.load_der_x509_certificate(der), signer.key)
    named = x509.load_der_x509_certificate(
        resigned(der, SUB_2.key, subject=respelled(der, encoding))
    )
    leaf = read_certificate(CPS.leaf.der, "leaf")
    builder = ocsp.OCSPResponseBuilder().add_response(
        CPS.leaf.certificate,
        SUB_2.certificate,
        hashes.SHA1(),  # noqa: S303 - names the issuer, and protects nothing
        ocsp.OCSPCertStatus.GOOD,
        PRESENT,
        PRESENT + timedelta(hours=1),
        None,
        None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.NAME, named)
    builder = builder.certificates([respelled_signer.certificate])
    answer = builder.sign(signer.key, hashes.SHA256()).public_bytes(Encoding.DER)
    request = build_request(leaf.der, SUB_2.der)
    assert read_response(answer, request, SUB_2.der, at=PRESENT).status is Status.GOOD


@each
def test_judge_crl_issuer_in_another_encoding_is_believed(encoding: str) -> None:
    """The list spells the name of its CA otherwise."""
    spelled = x509.load_der_x509_certificate(
        resigned(SUB_2.der, SUB_1.key, subject=respelled(SUB_2.der, encoding))
    )
    builder = x509.CertificateRevocationListBuilder().issuer_name(spelled.subject)
    crl = builder.last_update(NOW).next_update(NOW + timedelta(days=1))
    signed = crl.sign(SUB_2.key, hashes.SHA256()).public_bytes(Encoding.DER)
    assert read_crl(signed, SUB_2.der, at=NOW).status_of(7) is Status.GOOD


@each
def test_with_roots_root_in_another_encoding_does_not_count(encoding: str) -> None:
    """A root that the files have wins over one of the same name and key."""
    root = CPS.authority.root
    spelled = respelled(root.der, encoding)
    other = resigned(root.der, root.key, subject=spelled, issuer=spelled)
    here = Anchors((crypto.load_certificate(crypto.FILETYPE_ASN1, root.der),), configured=True)
    assert here.with_roots([other]).valid_at(NOW) == here.certificates
    assert is_issuer(read_certificate(other, "root"), read_certificate(SUB_1.der, "CA"))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("CN=Müller", "CN=MÜLLER", True),
        ("CN=Straße", "CN=STRASSE", True),
        ("CN=ﬁnal", "CN=Final", True),  # a ligature: NFKC
        ("CN=so\u00adft", "CN=soft", True),  # a soft hyphen
        ("CN=a\u00a0b", "CN=a b", True),  # a space that does not break
        ("CN=a\u0301", "CN=\u00e1", True),  # an accent of its own
        ("CN=a+O=b", "O=b+CN=a", True),
        ("CN=a,O=b", "O=b,CN=a", False),
        ("CN=a", "O=a", False),
        ("CN=a", "CN=a,O=b", False),
        ("CN=ab", "CN=a b", False),
        ("CN=Muller", "CN=Müller", False),
    ],
)
def test_same_name_follows_rfc_4518(one: str, other: str, same: bool) -> None:
    """Unicode, spaces and order, as LDAP's StringPrep has them."""
    names = [read_certificate(certificate(text), "leaf").subject for text in (one, other)]
    assert same_name(*names) is same
    assert (name_key(names[0]) == name_key(names[1])) is same
