"""Signatures: the genuine one holds, and nothing that was touched does."""

import base64
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from ccp.domain.errors import SignatureInvalid
from ccp.iso15118 import (
    ExiError,
    decode,
    iso2,
)
from ccp.messages.signatures import signed_message
from ccp.pki.signatures import (
    CANONICAL_EXI,
    ISO_15118_2_SUITES,
    ISO_15118_20_SUITES,
    SignedMessage,
    SignedReference,
    check_signature,
    verify_signature,
)
from tests.vectors import genuine_res

EXI = genuine_res()
MESSAGE = decode(EXI)
assert isinstance(MESSAGE.body, iso2.CertificateInstallationRes)
CPS_KEY = x509.load_der_x509_certificate(
    MESSAGE.body.sa_provisioning_certificate_chain.certificate
).public_key()
SIGNED = signed_message(EXI, MESSAGE)
# As OpenSSL and EXIficient say of the published message.
DIGESTS = {
    "#ID1": "p0oVEWBy9Os49uoIeQwUAaapfZ1/FxlUDQd7RHuDHNI=",
    "#ID2": "yKQT8VBbzizau+Zkgbdure8Qze0eLeuRjhzb1rs/q0g=",
    "#ID3": "pS1b+lLIuAdXbPFYRXFOby/lggzIyWrS86CtVzNmeC8=",
    "#ID4": "W9hJJIoveKdKDKBs4G2B7zhexSyl9OGlIbnSxnPmm60=",
}


def verify(signed: SignedMessage, key: object = CPS_KEY) -> str:
    """Verify a message of ISO 15118-2."""
    return verify_signature(signed, key, ISO_15118_2_SUITES)


def refused(signed: SignedMessage, key: object = CPS_KEY) -> str:
    """The reason for which a message is refused."""
    with pytest.raises(SignatureInvalid) as raised:
        verify(signed, key)
    assert raised.value.messages[0] == SignatureInvalid.message
    (reason,) = raised.value.messages[1:]
    return reason


def with_reference(index: int, **changes: object) -> SignedMessage:
    """The genuine message with one reference changed."""
    references = list(SIGNED.references)
    references[index] = replace(references[index], **changes)  # type: ignore[arg-type]
    return replace(SIGNED, references=references)


def test_the_genuine_signature_holds() -> None:
    """A real CPS's message verifies, signed over the standalone form of SignedInfo."""
    assert verify(SIGNED) == "standalone"
    assert {r.uri: base64.b64encode(r.digest_value).decode() for r in SIGNED.references} == DIGESTS


@given(st.data())
def test_no_bit_of_a_signed_element_may_change(data: st.DataObject) -> None:
    """A single bit of any of the four elements breaks its digest, and the reason names it."""
    element_id = data.draw(st.sampled_from(sorted(SIGNED.elements)))
    name, forms = SIGNED.elements[element_id]
    bit = data.draw(st.integers(0, 8 * len(forms["schema"]) - 1))
    # eMAID has two forms, of which one is enough: touch both.
    flipped = {form: _flip(data, bit % (8 * len(data))) for form, data in forms.items()}
    elements = {**SIGNED.elements, element_id: (name, flipped)}
    assert refused(replace(SIGNED, elements=elements)) == (
        f"The digest of {name} is not that of its content."
    )


@given(st.integers(0, 8 * len(SIGNED.signed_info["standalone"]) - 1))
def test_no_bit_of_signed_info_may_change(bit: int) -> None:
    """A single bit of SignedInfo breaks the signature."""
    changed = {form: _flip(info, bit) for form, info in SIGNED.signed_info.items()}
    assert "SignatureValue" in refused(replace(SIGNED, signed_info=changed))


@given(st.integers(0, 511))
def test_no_bit_of_the_signature_may_change(bit: int) -> None:
    """A single bit of r or s breaks the signature."""
    assert "SignatureValue" in refused(
        replace(SIGNED, signature_value=_flip(SIGNED.signature_value, bit))
    )


def test_no_bit_of_the_message_that_is_signed_may_change() -> None:
    """Through decoding, too: what still decodes after a flip in a signed place does not verify."""
    survivors = 0
    for name in ("ContractSignatureEncryptedPrivateKey", "DHpublickey", "eMAID"):
        start, end = MESSAGE.spans[name]
        for bit in range(start, end):
            changed = _flip(EXI, bit)
            try:
                message = decode(changed)
            except ExiError:
                continue
            survivors += 1
            with pytest.raises(SignatureInvalid):
                verify(signed_message(changed, message))
    assert survivors > 500


@pytest.mark.parametrize("size", [0, 1, 63, 65, 70])
def test_the_signature_is_raw_and_of_full_length(size: int) -> None:
    """r and s have 32 bytes each; DER is something else."""
    value = bytes([1]) * size
    assert f"{size} bytes" in refused(replace(SIGNED, signature_value=value))


@pytest.mark.parametrize("index", range(4))
def test_every_element_has_to_be_signed(index: int) -> None:
    """A reference left out, doubled, or pointed elsewhere is refused by name."""
    left = [r for at, r in enumerate(SIGNED.references) if at != index]
    uri = SIGNED.references[index].uri
    assert uri is not None
    name = SIGNED.elements[uri[1:]][0]
    assert refused(replace(SIGNED, references=left)) == f"{name} is not signed."
    doubled = [*SIGNED.references, SIGNED.references[index]]
    assert refused(replace(SIGNED, references=doubled)) == f"{name} is referenced twice."
    for elsewhere in ("#ID5", "", None, uri[1:], f"http://x/{uri}", "##ID1"):
        assert "points to" in refused(with_reference(index, uri=elsewhere))


@pytest.mark.parametrize("index", range(4))
def test_only_the_edition_s_algorithms_count(index: int) -> None:
    """Another digest, transform, canonicalization or signature method is refused by name."""
    sha1 = "http://www.w3.org/2000/09/xmldsig#sha1"
    assert "DigestMethod" in refused(with_reference(index, digest_method=sha1))
    for transforms in ([], [CANONICAL_EXI] * 2, ["http://www.w3.org/TR/xml-exc-c14n"]):
        assert "Transform" in refused(with_reference(index, transforms=transforms))
    assert "Canonicalization" in refused(replace(SIGNED, canonicalization_method=sha1))
    method = ISO_15118_20_SUITES[0].standard.signature_method
    assert "SignatureMethod" in refused(replace(SIGNED, signature_method=method))


def test_another_signer_is_told() -> None:
    """Another key, another curve, another kind of key: all are refused."""
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    assert "not the signer's" in refused(SIGNED, other)
    for key in (
        ec.generate_private_key(ec.SECP384R1()).public_key(),
        ed448.Ed448PrivateKey.generate().public_key(),
        None,
    ):
        assert "key is not on secp256r1" in refused(SIGNED, key)


def test_the_form_of_the_message_s_grammar_is_accepted() -> None:
    """Some sign SignedInfo under the message's own grammar; the answer says which it was."""
    key = ec.generate_private_key(ec.SECP256R1())
    value = _raw(key.sign(SIGNED.signed_info["message"], ec.ECDSA(hashes.SHA256())), 32)
    assert verify(replace(SIGNED, signature_value=value), key.public_key()) == "message"


def test_either_form_of_the_emaid_is_accepted() -> None:
    """The digest may be that of the relaxed fragment or of the typed, shorter one."""
    _, forms = SIGNED.elements["ID4"]
    assert {form: len(data) for form, data in forms.items()} == {"schema": 26, "message": 23}
    digest = hashes.Hash(hashes.SHA256())
    digest.update(forms["message"])
    index = next(i for i, r in enumerate(SIGNED.references) if r.uri == "#ID4")
    assert verify(with_reference(index, digest_value=digest.finalize())) == "standalone"
    assert "digest of eMAID" in refused(with_reference(index, digest_value=bytes(32)))


def test_an_unsigned_message_and_one_without_ids_are_refused() -> None:
    """No signature, no Id, or the Id of another element: there is nothing to verify."""
    message = decode(EXI)
    message.header.signature = None
    with pytest.raises(SignatureInvalid, match="not signed"):
        signed_message(EXI, message)
    for element_id in (None, "ID2"):
        message = decode(EXI)
        assert isinstance(message.body, iso2.CertificateInstallationRes)
        message.body.contract_signature_cert_chain.id = element_id
        with pytest.raises(SignatureInvalid, match="Id"):
            verify(signed_message(EXI, message))


SIGNED_INFO, ELEMENT = b"SignedInfo fragment", b"element fragment"
P521 = ec.generate_private_key(ec.SECP521R1())
ED448 = ed448.Ed448PrivateKey.generate()
# Signature and digest: the URIs of RFC 9231, and of V2G20-2474 and -2476.
P521_METHOD = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512"
ED448_METHOD = "urn:iso:std:iso:15118:-20:Security:xmldsig#Ed448"
RFC_9231_METHOD = "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed448"
SHA512_METHOD = "http://www.w3.org/2001/04/xmlenc#sha512"
SHAKE256_METHOD = "urn:iso:std:iso:15118:-20:Security:xmlenc#SHAKE256"


def signed_20(signature_method: str, digest_method: str) -> tuple[SignedMessage, object]:
    """A message of ISO 15118-20 with one signed element, and the public key."""
    if signature_method == P521_METHOD:
        value = _raw(P521.sign(SIGNED_INFO, ec.ECDSA(hashes.SHA512())), 66)
        key: object = P521.public_key()
    else:
        value, key = ED448.sign(SIGNED_INFO), ED448.public_key()
    digest = hashes.Hash(hashes.SHA512() if digest_method == SHA512_METHOD else hashes.SHAKE256(64))
    digest.update(ELEMENT)
    signed = SignedMessage(
        canonicalization_method=CANONICAL_EXI,
        signature_method=signature_method,
        references=[SignedReference("#id1", [CANONICAL_EXI], digest_method, digest.finalize())],
        signed_info={"standalone": SIGNED_INFO},
        signature_value=value,
        elements={"id1": ("SignedInstallationData", {"schema": ELEMENT})},
    )
    return signed, key


@pytest.mark.parametrize(
    ("signature_method", "digest_method"),
    [
        (P521_METHOD, SHA512_METHOD),
        (ED448_METHOD, SHAKE256_METHOD),
        (RFC_9231_METHOD, SHA512_METHOD),
    ],
)
def test_verify_signature_of_iso_15118_20_accepts_each_suite(
    signature_method: str, digest_method: str
) -> None:
    """A changed bit and the other edition's suites are refused."""
    signed, key = signed_20(signature_method, digest_method)
    assert verify_signature(signed, key, ISO_15118_20_SUITES) == "standalone"
    changed = replace(signed, signature_value=_flip(signed.signature_value, 9))
    with pytest.raises(SignatureInvalid, match="not the signer's"):
        verify_signature(changed, key, ISO_15118_20_SUITES)
    with pytest.raises(SignatureInvalid, match="SignatureMethod is not ecdsa-sha256 on P-256"):
        verify_signature(signed, key, ISO_15118_2_SUITES)


@pytest.mark.parametrize(
    ("signature_method", "digest_method"),
    [
        (P521_METHOD, SHAKE256_METHOD),
        (ED448_METHOD, SHA512_METHOD),
        (RFC_9231_METHOD, SHAKE256_METHOD),
    ],
)
def test_verify_signature_with_the_digest_of_another_suite_raises(
    signature_method: str, digest_method: str
) -> None:
    signed, key = signed_20(signature_method, digest_method)
    with pytest.raises(SignatureInvalid, match="The DigestMethod of SignedInstallationData"):
        verify_signature(signed, key, ISO_15118_20_SUITES)


def test_judge_signature_with_names_of_rfc_9231_reports_the_standard_s_names() -> None:
    """Nothing is wrong, and both algorithms have a remark; the standard's own names have none."""
    signed, key = signed_20(RFC_9231_METHOD, SHA512_METHOD)
    judged = list(check_signature(signed, key, ISO_15118_20_SUITES))
    assert not any(one.problems for one in judged)
    assert [(one.piece, list(one.remarks)) for one in judged if one.remarks] == [
        ("SignatureMethod", [f"The standard's name of this algorithm is {ED448_METHOD}."]),
        ("DigestMethod", [f"The standard's name of this algorithm is {SHAKE256_METHOD}."]),
    ]
    for methods in ((P521_METHOD, SHA512_METHOD), (ED448_METHOD, SHAKE256_METHOD)):
        signed, key = signed_20(*methods)
        assert not any(one.remarks for one in check_signature(signed, key, ISO_15118_20_SUITES))


def pieces(signed: SignedMessage) -> list[tuple[str, str | None]]:
    """The pieces that something is wrong with, and the elements that they are for."""
    judged = check_signature(signed, CPS_KEY, ISO_15118_2_SUITES)
    return [(one.piece, one.element) for one in judged if one.problems]


def test_every_piece_is_judged_by_itself() -> None:
    """Of the genuine message all are right; what is wrong hides nothing that is wrong besides."""
    right = list(check_signature(SIGNED, CPS_KEY, ISO_15118_2_SUITES))
    assert not any(one.problems for one in right)
    assert [one.reference for one in right[2:-1]] == list(SIGNED.references)
    told = [(one.reference and one.reference.uri, one.element, one.form) for one in right[2:]]
    assert told == [
        ("#ID2", "ContractSignatureEncryptedPrivateKey", "schema"),
        ("#ID1", "ContractSignatureCertChain", "schema"),
        ("#ID4", "eMAID", "schema"),
        ("#ID3", "DHpublickey", "schema"),
        (None, None, "standalone"),
    ]
    changed = with_reference(1, digest_value=bytes(32), digest_method="x")
    changed = replace(
        changed,
        references=[*changed.references[:3], changed.references[1]],
        canonicalization_method="x",
        signature_value=_flip(SIGNED.signature_value, 0),
    )
    chain = "Reference", "ContractSignatureCertChain"
    assert pieces(changed) == [
        ("CanonicalizationMethod", None),
        ("DigestMethod", "ContractSignatureCertChain"),
        chain,
        ("DigestMethod", "ContractSignatureCertChain"),
        chain,
        ("Reference", "DHpublickey"),
        ("SignatureValue", None),
    ]


def test_an_unknown_method_leaves_the_rest_to_be_judged() -> None:
    """But for the SignatureValue, which nobody can judge without it."""
    unknown = replace(SIGNED, signature_method="x")
    assert pieces(unknown) == [("SignatureMethod", None), ("SignatureValue", None)]


def test_what_is_wrong_with_ids_hides_nothing() -> None:
    """An element without an Id of its own is told, and that the Reference is not to it."""
    message = decode(EXI)
    assert isinstance(message.body, iso2.CertificateInstallationRes)
    message.body.contract_signature_cert_chain.id = None
    assert pieces(signed_message(EXI, message)) == [
        ("Id", "ContractSignatureCertChain"),
        ("Reference", None),
    ]


def _flip(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit >> 3] ^= 128 >> (bit & 7)
    return bytes(changed)


def _raw(der: bytes, size: int) -> bytes:
    return b"".join(half.to_bytes(size, "big") for half in decode_dss_signature(der))
