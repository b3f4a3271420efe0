"""The codec against messages that others made."""

from base64 import b64decode
from hashlib import sha256, sha512

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA512

from ccp.iso15118 import (
    ISO2,
    ISO20,
    Message,
    cut_fragment,
    decode,
    edition_of,
    encode,
    encode_fragment,
    iso2,
    iso20,
)
from tests.iso15118.as_xml import canonical, message_xml
from tests.iso15118.elements import signed_elements
from tests.vectors import (
    Vector,
    genuine_res,
    iso20_requests,
    iso20_shapes,
    requests,
    shapes,
)

SHAPES = [*shapes(), *iso20_shapes()]
MADE = [*SHAPES, *requests().values(), *iso20_requests().values()]
DIGESTS = {
    "ContractSignatureCertChain": ("#ID1", "p0oVEWBy9Os49uoIeQwUAaapfZ1/FxlUDQd7RHuDHNI="),
    "ContractSignatureEncryptedPrivateKey": (
        "#ID2",
        "yKQT8VBbzizau+Zkgbdure8Qze0eLeuRjhzb1rs/q0g=",
    ),
    "DHpublickey": ("#ID3", "pS1b+lLIuAdXbPFYRXFOby/lggzIyWrS86CtVzNmeC8="),
    "eMAID": ("#ID4", "W9hJJIoveKdKDKBs4G2B7zhexSyl9OGlIbnSxnPmm60="),
}
SIGNATURES = {"secp256r1": (32, SHA256()), "secp521r1": (66, SHA512())}  # bytes of r; hash


def verifies(message: Message, signed_info: bytes, certificate: bytes) -> None:
    """Raise InvalidSignature unless the message's signature is that of *certificate*'s key."""
    assert message.header.signature
    raw = message.header.signature.signature_value.value
    key = x509.load_der_x509_certificate(certificate).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    size, hash_ = SIGNATURES[key.curve.name]
    assert len(raw) == 2 * size
    r, s = (int.from_bytes(half, "big") for half in (raw[:size], raw[size:]))
    key.verify(encode_dss_signature(r, s), signed_info, ec.ECDSA(hash_))


@pytest.mark.parametrize("vector", MADE, ids=lambda vector: vector.name)
def test_decoding_says_what_exificient_says(vector: Vector) -> None:
    """A message that EXIficient made decodes to what EXIficient says it means."""
    assert canonical(message_xml(decode(vector.exi))) == canonical(vector.xml)


@pytest.mark.parametrize("vector", MADE, ids=lambda vector: vector.name)
def test_encoding_gives_the_same_bytes(vector: Vector) -> None:
    """Encoding a decoded message gives exactly EXIficient's bytes."""
    assert encode(decode(vector.exi)) == vector.exi


@pytest.mark.parametrize("vector", SHAPES, ids=lambda vector: vector.name)
def test_fragments_equal_those_of_exificient(vector: Vector) -> None:
    """Each signed element, cut out or encoded from its value, is EXIficient's fragment."""
    message = decode(vector.exi)
    assert {name.partition(", ")[0] for name in vector.fragments} == signed_elements(message).keys()
    for key, fragment in vector.fragments.items():
        name, _, combined = key.partition(", ")
        form = edition_of(message) if combined else None
        assert cut_fragment(vector.exi, message, name, message_grammar=bool(form)) == fragment
        value = signed_elements(message)[name]
        assert encode_fragment(name, value, message_grammar=form) == fragment


def test_vectors_are_of_the_edition_that_they_say() -> None:
    """The two bytes that tell the edition tell that of each vector."""
    for edition, vectors in ((ISO2, shapes()), (ISO20, iso20_shapes())):
        assert {edition_of(decode(vector.exi)) for vector in vectors} == {edition}


def test_genuine_message_means_what_is_known_of_it() -> None:
    """The published message decodes to the facts that EXIficient and OpenSSL tell of it."""
    exi = genuine_res()
    message = decode(exi)
    assert len(exi) == 4020
    assert message.header.session_id == b"\0"
    assert isinstance(message.body, iso2.CertificateInstallationRes)
    assert message.body.response_code == "OK"
    assert (message.body.emaid.id, message.body.emaid.value) == ("ID4", "DEICECOPNCCERT")
    names = [
        x509.load_der_x509_certificate(der).subject.rfc4514_string().partition(",")[0]
        for chain in (
            message.body.sa_provisioning_certificate_chain,
            message.body.contract_signature_cert_chain,
        )
        for der in (chain.certificate, *chain.sub_certificates)
    ]
    assert names[1:] == [
        "CN=Prov Sub2 CA QA G1.2.1",
        "CN=Prov Sub1 CA QA G1.2",
        "CN=DEICECOPNCCERT",
        "CN=MO Sub2 CA QA G1.2.1",
        "CN=MO Sub1 CA QA G1.2",
    ]


def test_genuine_message_is_encoded_to_the_same_bytes() -> None:
    """Decoding and encoding the published message changes nothing."""
    assert encode(decode(genuine_res())) == genuine_res()


@pytest.mark.parametrize("name", DIGESTS)
def test_genuine_digests_are_those_of_the_fragments(name: str) -> None:
    """The digests in the published message are those of its fragments, cut or encoded."""
    exi = genuine_res()
    message = decode(exi)
    uri, digest = DIGESTS[name]
    assert message.header.signature
    references = message.header.signature.signed_info.references
    (stated,) = [item.digest_value for item in references if item.uri == uri]
    assert stated == b64decode(digest)
    assert sha256(cut_fragment(exi, message, name)).digest() == stated
    assert sha256(encode_fragment(name, signed_elements(message)[name])).digest() == stated


def test_genuine_signature_verifies_under_the_standalone_grammar() -> None:
    """The CPS signed SignedInfo as a fragment of XML Signature alone."""
    message = decode(genuine_res())
    assert isinstance(message.body, iso2.CertificateInstallationRes)
    signed_info = cut_fragment(genuine_res(), message, "SignedInfo")
    verifies(message, signed_info, message.body.sa_provisioning_certificate_chain.certificate)


@pytest.mark.parametrize("vector", requests().values(), ids=requests())
def test_requests_are_signed_and_name_their_pcid(vector: Vector) -> None:
    """The request vectors hold a certificate for their PCID, and verify under its key."""
    message = decode(vector.exi)
    assert isinstance(message.body, iso2.CertificateInstallationReq)
    der = message.body.oem_provisioning_cert
    assert f"CN={vector.name}" in x509.load_der_x509_certificate(der).subject.rfc4514_string()
    assert message.header.signature
    (reference,) = message.header.signature.signed_info.references
    fragment = cut_fragment(vector.exi, message, "CertificateInstallationReq")
    assert sha256(fragment).digest() == reference.digest_value
    verifies(message, cut_fragment(vector.exi, message, "SignedInfo"), der)


@pytest.mark.parametrize("vector", iso20_requests().values(), ids=iso20_requests())
def test_iso20_requests_are_signed_and_name_their_pcid(vector: Vector) -> None:
    """The chain in a request is one, its leaf is its PCID's, its key has signed the chain."""
    message = decode(vector.exi)
    assert 2300 <= len(vector.exi) <= 2700
    assert isinstance(message.body, iso20.CertificateInstallationReq)
    chain = message.body.oem_provisioning_certificate_chain
    leaf, *subs = (
        x509.load_der_x509_certificate(der) for der in (chain.certificate, *chain.sub_certificates)
    )
    sub2, sub1 = sorted(subs, key=lambda ca: ca.issuer == subs[0].subject, reverse=True)
    leaf.verify_directly_issued_by(sub2)
    sub2.verify_directly_issued_by(sub1)
    assert len(vector.name) == 18
    assert f"CN={vector.name}" in leaf.subject.rfc4514_string()
    assert message.header.signature
    info = message.header.signature.signed_info
    (reference,) = info.references
    assert reference.uri == f"#{chain.id}"
    assert info.signature_method.algorithm.endswith("#ecdsa-sha512")
    fragment = cut_fragment(vector.exi, message, "OEMProvisioningCertificateChain")
    assert sha512(fragment).digest() == reference.digest_value
    signed_info = cut_fragment(vector.exi, message, "SignedInfo")
    verifies(message, signed_info, chain.certificate)
    combined = cut_fragment(vector.exi, message, "SignedInfo", message_grammar=True)
    with pytest.raises(InvalidSignature):
        verifies(message, combined, chain.certificate)
