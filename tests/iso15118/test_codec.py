"""Decoding and encoding: boundaries, and values that are refused."""

from typing import Any

import pytest
from hypothesis import given, settings

from ccp.iso15118 import (
    ISO2,
    ExiError,
    Message,
    RootCertificateID,
    cut_fragment,
    decode,
    encode,
    encode_fragment,
    iso2,
    iso2_failure,
)
from tests.iso15118.bit_strings import BYTE, HEADER, LETTER, REQ, octets
from tests.iso15118.drawn import MESSAGES
from tests.iso15118.elements import signed_elements
from tests.vectors import genuine_res


def request(**changes: Any) -> Message:
    """A small request."""
    values = {
        "id": "id1",
        "oem_provisioning_cert": b"\1",
        "list_of_root_certificate_ids": [RootCertificateID("a", 1)],
    }
    return Message(iso2.Header(b"\1"), iso2.CertificateInstallationReq(**(values | changes)))


def refusal(message: Message) -> ExiError:
    """The error that encoding *message* ends in."""
    with pytest.raises(ExiError) as caught:
        encode(message)
    return caught.value


@settings(max_examples=100, deadline=None)
@given(message=MESSAGES)
def test_any_message_survives_encoding(message: Message) -> None:
    """Decoding what was encoded gives the message, with a span for each signed element."""
    exi = encode(message)
    decoded = decode(exi)
    assert decoded == message
    assert decoded.spans.keys() == signed_elements(message).keys()


@settings(max_examples=50, deadline=None)
@given(message=MESSAGES)
def test_cutting_equals_encoding(message: Message) -> None:
    """A fragment cut out of a message equals one encoded from the value, in both forms."""
    exi = encode(message)
    decoded = decode(exi)
    for name, value in signed_elements(message).items():
        for form in (False, True):
            fragment = cut_fragment(exi, decoded, name, message_grammar=form)
            assert fragment == encode_fragment(name, value, message_grammar=ISO2 if form else None)


@pytest.mark.parametrize("count", [1, 2, 19, 20])
def test_roots_up_to_the_limit(count: int) -> None:
    """Up to 20 roots are kept in order."""
    roots = [RootCertificateID(f"root {n}", n) for n in range(count)]
    message = request(list_of_root_certificate_ids=roots)
    assert decode(encode(message)) == message


def test_twentieth_root_leaves_one_event() -> None:
    """
    After 20 roots only the end is left, one bit instead of two, as the XSD's maxOccurs demands.

    EXIficient's grammar has no limit there, so the bits are spelled out.
    """
    root = f"0 0 {LETTER} 0 0 0 0 {BYTE[:8]} 0 0"  # a, +1
    exi = octets(
        HEADER,
        REQ,
        f"0 {LETTER} 0 0 {BYTE} 0 0",  # Id, OEMProvisioningCert, ListOfRootCertificateIDs
        f"0 {root}",
        f"00 {root}" * 19,
        "0",  # the end of the list in its one bit; 01 if another root could follow
        "0 0 0",  # ends of the request, the Body, the message
    )
    roots = [RootCertificateID("a", 1)] * 20
    message = request(id="a", list_of_root_certificate_ids=roots)
    assert encode(message) == exi
    assert decode(exi) == message


@pytest.mark.parametrize("count", range(5))
def test_sub_certificates_up_to_the_limit(count: int) -> None:
    """None to four sub-certificates are kept in order."""
    message = decode(iso2_failure(b"\1", "FAILED"))
    chain = iso2.CertificateChain(b"\1", [bytes([n]) for n in range(count)], "id1")
    message.body.contract_signature_cert_chain = chain
    assert decode(encode(message)) == message


@pytest.mark.parametrize("size", [0, 1, 127, 128, 800])
def test_certificates_up_to_the_limit(size: int) -> None:
    """A certificate has up to 800 bytes."""
    message = request(oem_provisioning_cert=bytes(size))
    assert decode(encode(message)) == message


@pytest.mark.parametrize("serial", [0, -1, 1, 127, 128, -129, 2**159 - 1, 2**256 - 1, -(2**256)])
def test_serial_numbers_of_any_sign(serial: int) -> None:
    """A serial number is an integer of up to 256 bits and a sign."""
    message = request(list_of_root_certificate_ids=[RootCertificateID("a", serial)])
    assert decode(encode(message)) == message


@pytest.mark.parametrize("issuer", ["", "Ünïcode", "日本", "🚗", "\U0010ffff", "a\tb", "a" * 1000])
def test_names_in_any_script(issuer: str) -> None:
    """An issuer's name has any characters of XML, or none."""
    message = request(list_of_root_certificate_ids=[RootCertificateID(issuer, 1)])
    assert decode(encode(message)) == message


@pytest.mark.parametrize("size", range(9))
def test_session_ids_up_to_the_limit(size: int) -> None:
    """A session id has 0 to 8 bytes."""
    message = Message(iso2.Header(bytes(range(size))), request().body)
    assert decode(encode(message)) == message


@pytest.mark.parametrize("zeros", range(6))
def test_as_many_zero_bytes_as_allowed_may_follow(zeros: int) -> None:
    """A relay's zero bytes are forgiven up to the number given, by default none."""
    exi = genuine_res() + bytes(zeros)
    if zeros <= 4:
        assert decode(exi, trailing_zeros=4) == decode(genuine_res())
    else:
        with pytest.raises(ExiError, match="The message goes on after its end"):
            decode(exi, trailing_zeros=4)
    if zeros:
        with pytest.raises(ExiError, match="The message goes on after its end"):
            decode(exi)


@pytest.mark.parametrize("tail", [b"\1", b"\0\0\0\1", b"\0\x80"])
def test_only_zeros_may_follow(tail: bytes) -> None:
    """Anything else than zeros behind the message is refused, even where zeros are forgiven."""
    with pytest.raises(ExiError, match="The message goes on after its end"):
        decode(genuine_res() + tail, trailing_zeros=4)


def test_padding_is_zeros() -> None:
    """The bits that fill up the last byte are zeros."""
    exi = genuine_res()
    with pytest.raises(ExiError, match="The message goes on after its end"):
        decode(exi[:-1] + bytes([exi[-1] | 1]))


REFUSED = {
    "801 bytes": (
        {"oem_provisioning_cert": bytes(801)},
        "OEMProvisioningCert has 801 bytes; at most 800 are allowed.",
    ),
    "no root": (
        {"list_of_root_certificate_ids": []},
        "CertificateInstallationReq lacks ListOfRootCertificateIDs.",
    ),
    "21 roots": (
        {"list_of_root_certificate_ids": [RootCertificateID("a", 1)] * 21},
        "ListOfRootCertificateIDs has too many items.",
    ),
    "no certificate": (
        {"oem_provisioning_cert": None},
        "CertificateInstallationReq lacks OEMProvisioningCert.",
    ),
    "no id": ({"id": None}, "CertificateInstallationReq lacks Id."),
    "NUL": ({"id": "a\0"}, "Id has a character that does not exist in XML."),
    "surrogate": ({"id": "\ud800"}, "Id has a character that does not exist in XML."),
    "long serial": (
        {"list_of_root_certificate_ids": [RootCertificateID("a", 2**256)]},
        "X509SerialNumber has a number of more than 256 bits.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_encoding_refuses(case: str) -> None:
    """What its type does not allow is not encoded; the error names the element."""
    changes, reason = REFUSED[case]
    error = refusal(request(**changes))
    assert error.reason == str(error) == reason
    assert error.bit is None
    assert error.path.startswith("V2G_Message/Body/CertificateInstallationReq")


def test_encoding_refuses_values_in_the_header() -> None:
    """A session id or a fault that its type does not allow is refused."""
    message = request()
    message.header.session_id = bytes(9)
    assert refusal(message).reason == "SessionID has 9 bytes; at most 8 are allowed."
    message.header = iso2.Header(b"", iso2.Notification("ParsingError", "a" * 65))
    assert refusal(message).reason == "FaultMsg has 65 characters; at most 64 are allowed."
    message.header = iso2.Header(b"", iso2.Notification("x" * 1000))
    assert refusal(message).reason.startswith("FaultCode cannot be 'xxx")
    assert len(refusal(message).reason) < 100


@pytest.mark.parametrize("value", ["D" * 13, "D" * 16])
def test_emaid_has_14_or_15_characters(value: str) -> None:
    """An EMAID of another length is refused in a message and as a fragment."""
    message = decode(genuine_res())
    message.body.emaid = iso2.EMAID("id4", value)
    reason = f"eMAID has {len(value)} characters; 14 to 15 are allowed."
    assert refusal(message).reason == reason
    for form in (False, True):
        with pytest.raises(ExiError) as caught:
            encode_fragment("eMAID", message.body.emaid, message_grammar=ISO2 if form else None)
        assert caught.value.reason == reason


def test_five_sub_certificates_are_refused() -> None:
    """A chain has at most four sub-certificates."""
    message = decode(genuine_res())
    message.body.contract_signature_cert_chain.sub_certificates = [b"\1"] * 5
    assert refusal(message).reason == "SubCertificates has too many items."


def test_many_references_are_refused() -> None:
    """A list without a limit in the schema has one here, for both directions."""
    message = decode(genuine_res())
    references = message.header.signature.signed_info.references
    references *= 8
    assert len(decode(encode(message)).header.signature.signed_info.references) == 32
    references.append(references[0])
    assert refusal(message).reason == "SignedInfo has more than 32 items in a list."


def test_large_messages_are_refused() -> None:
    """Nothing is encoded that is too large to be decoded."""
    roots = [RootCertificateID("a" * 2000, 1)] * 20
    reason = refusal(request(list_of_root_certificate_ids=roots)).reason
    assert reason.endswith("bytes; at most 32768 are allowed.")


GOLDEN = iso2.EMAID("ID4", "DE8AACA2B3C4D5")


def test_emaid_fragment_has_the_relaxed_grammar() -> None:
    """The eMAID fragment is the one that genuine signatures are about; the typed form differs."""
    relaxed = "80ec0202a4a21a400411114e105050d04c908cd0cd110d7d3d00"
    assert encode_fragment("eMAID", GOLDEN).hex() == relaxed
    typed = encode_fragment("eMAID", GOLDEN, message_grammar=ISO2)
    assert typed.hex().startswith("80ec02a4a2")
    assert len(typed) == 23


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("ContractSignatureCertChain", "8021"),
        ("ContractSignatureEncryptedPrivateKey", "8022"),
        ("DHpublickey", "802d"),
        ("eMAID", "80ec"),
        ("SignedInfo", "8081"),
    ],
)
def test_fragments_begin_with_their_code(name: str, prefix: str) -> None:
    """Each fragment begins with the header and the element's code."""
    message = decode(genuine_res())
    assert cut_fragment(genuine_res(), message, name).hex().startswith(prefix)


def test_fragment_of_what_is_not_there_is_refused() -> None:
    """A message without a signature has no SignedInfo to cut."""
    exi = iso2_failure(b"\1", "FAILED")
    with pytest.raises(ExiError, match="The message has no SignedInfo"):
        cut_fragment(exi, decode(exi), "SignedInfo")
