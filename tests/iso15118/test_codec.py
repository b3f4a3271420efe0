"""Decoding and encoding: boundaries, and values that are refused."""

from collections.abc import Callable
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
    edition_of,
    encode,
    encode_fragment,
    iso2,
    iso2_failure,
    iso20,
    iso20_failure,
)
from tests.iso15118.bit_strings import (
    BYTE,
    HEADER,
    HEADER20,
    LETTER,
    REQ,
    RES_HEADER20,
    UNSIGNED20,
    octets,
)
from tests.iso15118.drawn import MESSAGES
from tests.iso15118.elements import signed_elements
from tests.vectors import genuine_res, iso20_requests, iso20_shapes

Make = Callable[..., Message]


def request(**changes: Any) -> Message:
    """A small request."""
    values = {
        "id": "id1",
        "oem_provisioning_cert": b"\1",
        "list_of_root_certificate_ids": [RootCertificateID("a", 1)],
    }
    return Message(iso2.Header(b"\1"), iso2.CertificateInstallationReq(**(values | changes)))


def request20(**changes: Any) -> Message:
    """A small request of ISO 15118-20."""
    values = {
        "oem_provisioning_certificate_chain": iso20.SignedCertificateChain("id1", b"\1"),
        "list_of_root_certificate_ids": [RootCertificateID("a", 1)],
        "maximum_contract_certificate_chains": 1,
    }
    body = iso20.CertificateInstallationReq(**(values | changes))
    return Message(iso20.Header(b"\1" * 8, 1), body)


def response20() -> Message:
    """A small response of ISO 15118-20."""
    return decode(iso20_failure(bytes(8), "FAILED", time_stamp=1))


both = pytest.mark.parametrize("make", [request, request20], ids=["ISO 15118-2", "ISO 15118-20"])


def refusal(message: Message) -> ExiError:
    """The error that encoding *message* ends in."""
    with pytest.raises(ExiError) as caught:
        encode(message)
    return caught.value


@settings(max_examples=150)
@given(message=MESSAGES)
def test_any_message_survives_encoding(message: Message) -> None:
    """Decoding what was encoded gives the message, with a span for each signed element or value."""
    exi = encode(message)
    decoded = decode(exi)
    assert decoded == message
    assert edition_of(decoded) is edition_of(message)
    spans = set(signed_elements(message))
    if isinstance(message.body, iso20.CertificateInstallationRes):
        spans |= {"ResponseCode", "EVSEProcessing", "RemainingContractCertificateChains"}
    assert decoded.spans.keys() == spans


@settings(max_examples=100)
@given(message=MESSAGES)
def test_cutting_equals_encoding(message: Message) -> None:
    """A fragment cut out of a message equals one encoded from the value, in both forms."""
    exi = encode(message)
    decoded = decode(exi)
    for name, value in signed_elements(message).items():
        for form in (None, edition_of(message)):
            fragment = cut_fragment(exi, decoded, name, message_grammar=bool(form))
            assert fragment == encode_fragment(name, value, message_grammar=form)


@both
@pytest.mark.parametrize("count", [1, 2, 19, 20])
def test_roots_up_to_the_limit(make: Make, count: int) -> None:
    """Up to 20 roots are kept in order."""
    roots = [RootCertificateID(f"root {n}", n) for n in range(count)]
    message = make(list_of_root_certificate_ids=roots)
    assert decode(encode(message)) == message


ROOT = f"0 0 {LETTER} 0 0 0 0 {BYTE[:8]} 0 0"  # RootCertificateID: a, +1


def test_twentieth_root_leaves_one_event() -> None:
    """
    After 20 roots only the end is left, one bit instead of two, as the XSD's maxOccurs demands.

    EXIficient's grammar has no limit there, so the bits are spelled out.
    """
    exi = octets(
        HEADER,
        REQ,
        f"0 {LETTER} 0 0 {BYTE} 0 0",  # Id, OEMProvisioningCert, ListOfRootCertificateIDs
        f"0 {ROOT}",
        f"00 {ROOT}" * 19,
        "0",  # the end of the list in its one bit; 01 if another root could follow
        "0 0 0",  # ends of the request, the Body, the message
    )
    roots = [RootCertificateID("a", 1)] * 20
    message = request(id="a", list_of_root_certificate_ids=roots)
    assert encode(message) == exi
    assert decode(exi) == message


CHAIN20 = f"0 0 {LETTER} 0 0 {BYTE} 0"  # OEMProvisioningCertificateChain: Id, Certificate


def test_full_lists_leave_one_event_in_iso20() -> None:
    """After 3 sub-certificates, 20 roots and 8 EMAIDs only the end is left, in one bit."""
    exi = octets(
        HEADER20,
        UNSIGNED20,
        CHAIN20,
        f"00 0 0 {BYTE} 0",  # SubCertificates, the first Certificate
        f"00 0 {BYTE} 0" * 2,
        "0",  # the end of the list; 01 if another could follow
        "0",  # the end of the chain
        f"0 0 {ROOT}",
        f"00 {ROOT}" * 19,
        "0",
        "0 0 11111111 0",  # MaximumContractCertificateChains
        f"00 0 0 {LETTER} 0",  # PrioritizedEMAIDs, the first EMAID
        f"00 0 {LETTER} 0" * 7,
        "0",
        "0",  # the end of the message
    )
    message = request20(
        oem_provisioning_certificate_chain=iso20.SignedCertificateChain("a", b"\1", [b"\1"] * 3),
        list_of_root_certificate_ids=[RootCertificateID("a", 1)] * 20,
        maximum_contract_certificate_chains=255,
        prioritized_emaids=["a"] * 8,
    )
    assert encode(message) == exi
    assert decode(exi) == message


def test_lists_that_are_not_full_leave_two_events_in_iso20() -> None:
    """One item less of each list, and each end has two bits."""
    exi = octets(
        HEADER20,
        UNSIGNED20,
        CHAIN20,
        f"00 0 0 {BYTE} 0 00 0 {BYTE} 0 01 0",
        f"0 0 {ROOT}",
        f"00 {ROOT}" * 18,
        "01",
        "0 0 00000000 0",
        f"00 0 0 {LETTER} 0",
        f"00 0 {LETTER} 0" * 6,
        "01",
        "0",
    )
    message = request20(
        oem_provisioning_certificate_chain=iso20.SignedCertificateChain("a", b"\1", [b"\1"] * 2),
        list_of_root_certificate_ids=[RootCertificateID("a", 1)] * 19,
        maximum_contract_certificate_chains=0,
        prioritized_emaids=["a"] * 7,
    )
    assert encode(message) == exi
    assert decode(exi) == message


@pytest.mark.parametrize(
    ("code", "name", "size"),
    [
        ("00", "secp521_encrypted_private_key", 94),
        ("01", "x448_encrypted_private_key", 84),
        ("10", "tpm_encrypted_private_key", 206),
    ],
)
def test_one_of_three_private_keys(code: str, name: str, size: int) -> None:
    """A private key is one of three, in two bits; the whole response is spelled out."""
    exi = octets(
        RES_HEADER20,
        UNSIGNED20,
        "0 0 000000 0",  # ResponseCode
        "0 0 10 0",  # EVSEProcessing
        f"0 0 0 {BYTE} 0 01",  # CPSCertificateChain without sub-certificates
        f"0 0 {LETTER}",  # SignedInstallationData, Id
        f"0 0 0 {BYTE} 0 0 0 0 {BYTE} 0 01 0",  # ContractCertificateChain, of two certificates
        "0 0 1 0",  # ECDHCurve
        f"0 0 10000101 00000001 {'0' * 8 * 133} 0",  # DHPublicKey
        f"{code} 0 {size | 128 if size > 127 else size:08b} {'00000001' if size > 127 else ''}",
        f"{'0' * 8 * size} 0",
        "0",  # the end of SignedInstallationData
        "0 0 00000010 0",  # RemainingContractCertificateChains
        "0",
    )
    body = iso20.CertificateInstallationRes(
        "OK",
        "Ongoing_WaitingForCustomerInteraction",
        iso20.CertificateChain(b"\1"),
        iso20.SignedInstallationData(
            "a",
            iso20.CertificateChain(b"\1", [b"\1"]),
            "X448",
            bytes(133),
            **{name: bytes(size)},
        ),
        2,
    )
    message = Message(iso20.Header(b"\1" * 8, 1), body)
    assert encode(message) == exi
    assert decode(exi) == message


@pytest.mark.parametrize("count", range(5))
def test_sub_certificates_up_to_the_limit(count: int) -> None:
    """None to four sub-certificates are kept in order."""
    message = decode(iso2_failure(b"\1", "FAILED"))
    chain = iso2.CertificateChain(b"\1", [bytes([n]) for n in range(count)], "id1")
    message.body.contract_signature_cert_chain = chain
    assert decode(encode(message)) == message


@pytest.mark.parametrize("count", range(4))
def test_sub_certificates_up_to_the_limit_in_iso20(count: int) -> None:
    """None to three sub-certificates are kept in order; a contract has one at least."""
    subs = [bytes([n]) for n in range(count)]
    message = response20()
    message.body.cps_certificate_chain.sub_certificates = subs
    message.body.signed_installation_data.contract_certificate_chain.sub_certificates = subs
    if count:
        assert decode(encode(message)) == message
    else:
        assert refusal(message).reason == "ContractCertificateChain lacks SubCertificates."


@pytest.mark.parametrize("size", [0, 1, 127, 128, 800])
def test_certificates_up_to_the_limit(size: int) -> None:
    """A certificate has up to 800 bytes."""
    message = request(oem_provisioning_cert=bytes(size))
    assert decode(encode(message)) == message


@pytest.mark.parametrize("size", [0, 1, 127, 128, 801, 1599, 1600])
def test_certificates_up_to_the_limit_in_iso20(size: int) -> None:
    """A certificate has up to 1600 bytes, wherever it is."""
    certificate = bytes(size)
    chain = iso20.SignedCertificateChain("id1", certificate, [certificate])
    message = request20(oem_provisioning_certificate_chain=chain)
    assert decode(encode(message)) == message


@pytest.mark.parametrize("count", range(9))
def test_emaids_up_to_the_limit(count: int) -> None:
    """None to eight EMAIDs of up to 255 characters are kept in order."""
    emaids = [chr(ord("a") + n) * (32 * n - n) for n in range(1, count + 1)]
    message = request20(prioritized_emaids=emaids)
    assert decode(encode(message)) == message


TIME_STAMPS = [0, 1, 127, 128, 2**14 - 1, 2**14, 2**63 - 1, 2**63, 2**64 - 1]


@pytest.mark.parametrize("time_stamp", TIME_STAMPS)
def test_time_stamps_of_64_bits(time_stamp: int) -> None:
    """A time stamp has up to 64 bits."""
    message = request20()
    message.header.time_stamp = time_stamp
    assert decode(encode(message)) == message


@pytest.mark.parametrize("value", [0, 1, 127, 128, 255])
def test_unsigned_bytes(value: int) -> None:
    """How many contracts a vehicle has room for, and how many remain, is a number up to 255."""
    message = request20(maximum_contract_certificate_chains=value)
    assert decode(encode(message)) == message
    message = response20()
    message.body.remaining_contract_certificate_chains = value
    assert decode(encode(message)) == message


@both
@pytest.mark.parametrize("serial", [0, -1, 1, 127, 128, -129, 2**159 - 1, 2**256 - 1, -(2**256)])
def test_serial_numbers_of_any_sign(make: Make, serial: int) -> None:
    """A serial number is an integer of up to 256 bits and a sign."""
    message = make(list_of_root_certificate_ids=[RootCertificateID("a", serial)])
    assert decode(encode(message)) == message


@both
@pytest.mark.parametrize("issuer", ["", "Ünïcode", "日本", "🚗", "\U0010ffff", "a\tb", "a" * 1000])
def test_names_in_any_script(make: Make, issuer: str) -> None:
    """An issuer's name has any characters of XML, or none."""
    message = make(list_of_root_certificate_ids=[RootCertificateID(issuer, 1)])
    assert decode(encode(message)) == message


@pytest.mark.parametrize("size", range(9))
def test_session_ids_up_to_the_limit(size: int) -> None:
    """A session id has 0 to 8 bytes."""
    message = Message(iso2.Header(bytes(range(size))), request().body)
    assert decode(encode(message)) == message


whole = pytest.mark.parametrize(
    "exi", [genuine_res(), *(vector.exi for vector in iso20_requests().values())], ids=len
)


@whole
@pytest.mark.parametrize("zeros", range(6))
def test_as_many_zero_bytes_as_allowed_may_follow(exi: bytes, zeros: int) -> None:
    """A relay's zero bytes are forgiven up to the number given, by default none."""
    longer = exi + bytes(zeros)
    if zeros <= 4:
        assert decode(longer, trailing_zeros=4) == decode(exi)
    else:
        with pytest.raises(ExiError, match="The message goes on after its end"):
            decode(longer, trailing_zeros=4)
    if zeros:
        with pytest.raises(ExiError, match="The message goes on after its end"):
            decode(longer)


@whole
@pytest.mark.parametrize("tail", [b"\1", b"\0\0\0\1", b"\0\x80"])
def test_only_zeros_may_follow(exi: bytes, tail: bytes) -> None:
    """Anything else than zeros behind the message is refused, even where zeros are forgiven."""
    with pytest.raises(ExiError, match="The message goes on after its end"):
        decode(exi + tail, trailing_zeros=4)


@pytest.mark.parametrize("exi", [genuine_res(), encode(request20())], ids=len)
def test_padding_is_zeros(exi: bytes) -> None:
    """The bits that fill up the last byte are zeros."""
    with pytest.raises(ExiError, match="The message goes on after its end"):
        decode(exi[:-1] + bytes([exi[-1] | 1]))


def chain20(**changes: Any) -> dict[str, iso20.SignedCertificateChain]:
    """The change to a request's chain."""
    chain = iso20.SignedCertificateChain(**({"id": "id1", "certificate": b"\1"} | changes))
    return {"oem_provisioning_certificate_chain": chain}


REFUSED: dict[str, tuple[Make, dict[str, Any], str]] = {
    "801 bytes": (
        request,
        {"oem_provisioning_cert": bytes(801)},
        "OEMProvisioningCert has 801 bytes; at most 800 are allowed.",
    ),
    "no root": (
        request,
        {"list_of_root_certificate_ids": []},
        "CertificateInstallationReq lacks ListOfRootCertificateIDs.",
    ),
    "21 roots": (
        request,
        {"list_of_root_certificate_ids": [RootCertificateID("a", 1)] * 21},
        "ListOfRootCertificateIDs has too many items.",
    ),
    "no certificate": (
        request,
        {"oem_provisioning_cert": None},
        "CertificateInstallationReq lacks OEMProvisioningCert.",
    ),
    "no id": (request, {"id": None}, "CertificateInstallationReq lacks Id."),
    "NUL": (request, {"id": "a\0"}, "Id has a character that does not exist in XML."),
    "surrogate": (request, {"id": "\ud800"}, "Id has a character that does not exist in XML."),
    "long serial": (
        request,
        {"list_of_root_certificate_ids": [RootCertificateID("a", 2**256)]},
        "X509SerialNumber has a number of more than 256 bits.",
    ),
    "20: 1601 bytes": (
        request20,
        chain20(certificate=bytes(1601)),
        "Certificate has 1601 bytes; at most 1600 are allowed.",
    ),
    "20: 1601 bytes of a sub-certificate": (
        request20,
        chain20(sub_certificates=[b"\1", bytes(1601)]),
        "Certificate has 1601 bytes; at most 1600 are allowed.",
    ),
    "20: 4 sub-certificates": (
        request20,
        chain20(sub_certificates=[b"\1"] * 4),
        "SubCertificates has too many items.",
    ),
    "20: no certificate": (
        request20,
        chain20(certificate=None),
        "OEMProvisioningCertificateChain lacks Certificate.",
    ),
    "20: no id": (request20, chain20(id=None), "OEMProvisioningCertificateChain lacks Id."),
    "20: NUL": (request20, chain20(id="a\0"), "Id has a character that does not exist in XML."),
    "20: no chain": (
        request20,
        {"oem_provisioning_certificate_chain": None},
        "CertificateInstallationReq lacks OEMProvisioningCertificateChain.",
    ),
    "20: no root": (
        request20,
        {"list_of_root_certificate_ids": []},
        "CertificateInstallationReq lacks ListOfRootCertificateIDs.",
    ),
    "20: 21 roots": (
        request20,
        {"list_of_root_certificate_ids": [RootCertificateID("a", 1)] * 21},
        "ListOfRootCertificateIDs has too many items.",
    ),
    "20: long serial": (
        request20,
        {"list_of_root_certificate_ids": [RootCertificateID("a", -(2**256) - 1)]},
        "X509SerialNumber has a number of more than 256 bits.",
    ),
    "20: maximum 256": (
        request20,
        {"maximum_contract_certificate_chains": 256},
        "MaximumContractCertificateChains is not a number from 0 to 255.",
    ),
    "20: maximum -1": (
        request20,
        {"maximum_contract_certificate_chains": -1},
        "MaximumContractCertificateChains is not a number from 0 to 255.",
    ),
    "20: no maximum": (
        request20,
        {"maximum_contract_certificate_chains": None},
        "CertificateInstallationReq lacks MaximumContractCertificateChains.",
    ),
    "20: 9 EMAIDs": (
        request20,
        {"prioritized_emaids": ["a"] * 9},
        "PrioritizedEMAIDs has too many items.",
    ),
    "20: EMAID of 256 characters": (
        request20,
        {"prioritized_emaids": ["a" * 256]},
        "EMAID has 256 characters; at most 255 are allowed.",
    ),
}
PATHS = {
    request: "V2G_Message/Body/CertificateInstallationReq",
    request20: "CertificateInstallationReq",
}


@pytest.mark.parametrize("case", REFUSED)
def test_encoding_refuses(case: str) -> None:
    """What its type does not allow is not encoded; the error names the element."""
    make, changes, reason = REFUSED[case]
    error = refusal(make(**changes))
    assert error.reason == str(error) == reason
    assert error.bit is None
    assert error.path.startswith(PATHS[make])


REFUSED_DATA = {
    "curve": ({"ecdh_curve": "P256"}, "ECDHCurve cannot be 'P256'."),
    "no public key": ({"dh_public_key": None}, "SignedInstallationData lacks DHPublicKey."),
    "132 bytes": ({"dh_public_key": bytes(132)}, "DHPublicKey has 132 bytes; 133 are needed."),
    "134 bytes": ({"dh_public_key": bytes(134)}, "DHPublicKey has 134 bytes; 133 are needed."),
    "93 bytes": (
        {"secp521_encrypted_private_key": bytes(93)},
        "SECP521_EncryptedPrivateKey has 93 bytes; 94 are needed.",
    ),
    "85 bytes": (
        {"secp521_encrypted_private_key": None, "x448_encrypted_private_key": bytes(85)},
        "X448_EncryptedPrivateKey has 85 bytes; 84 are needed.",
    ),
    "207 bytes": (
        {"secp521_encrypted_private_key": None, "tpm_encrypted_private_key": bytes(207)},
        "TPM_EncryptedPrivateKey has 207 bytes; 206 are needed.",
    ),
    "two private keys": (
        {"tpm_encrypted_private_key": bytes(206)},
        "SignedInstallationData has too many items.",
    ),
    "no private key": (
        {"secp521_encrypted_private_key": None},
        "SignedInstallationData lacks SECP521_EncryptedPrivateKey, X448_EncryptedPrivateKey or "
        "TPM_EncryptedPrivateKey.",
    ),
}


@pytest.mark.parametrize("case", REFUSED_DATA)
def test_encoding_refuses_installation_data(case: str) -> None:
    """One private key is needed, and of its size; likewise the other values."""
    changes, reason = REFUSED_DATA[case]
    message = response20()
    for name, value in changes.items():
        setattr(message.body.signed_installation_data, name, value)
    error = refusal(message)
    assert error.reason == reason
    assert error.path.startswith("CertificateInstallationRes/SignedInstallationData")
    with pytest.raises(ExiError) as caught:
        encode_fragment("SignedInstallationData", message.body.signed_installation_data)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("response_code", "FAILED_NoCertificateAvailable", "ResponseCode cannot be 'FAILED_NoCer"),
        ("evse_processing", "finished", "EVSEProcessing cannot be 'finished'."),
        (
            "remaining_contract_certificate_chains",
            256,
            "RemainingContractCertificateChains is not a number from 0 to 255.",
        ),
    ],
)
def test_encoding_refuses_values_of_a_response(name: str, value: Any, reason: str) -> None:
    """A value that its type does not have is refused, even if ISO 15118-2 has it."""
    message = response20()
    setattr(message.body, name, value)
    assert refusal(message).reason.startswith(reason)


@pytest.mark.parametrize("size", [0, 7, 9])
def test_session_ids_have_8_bytes_in_iso20(size: int) -> None:
    """A session id of another length is refused."""
    message = request20()
    message.header.session_id = bytes(size)
    assert refusal(message).reason == f"SessionID has {size} bytes; 8 are needed."


@pytest.mark.parametrize("time_stamp", [-1, 2**64])
def test_encoding_refuses_long_time_stamps(time_stamp: int) -> None:
    """A time stamp has at most 64 bits, and no sign."""
    message = request20()
    message.header.time_stamp = time_stamp
    assert refusal(message).reason == "TimeStamp is not a number of at most 64 bits."


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


@pytest.mark.parametrize("exi", [genuine_res(), next(iter(iso20_requests().values())).exi], ids=len)
def test_many_references_are_refused(exi: bytes) -> None:
    """A list without a limit in the schema has one here, for both directions."""
    message = decode(exi)
    references = message.header.signature.signed_info.references
    references *= 32 // len(references)
    assert len(decode(encode(message)).header.signature.signed_info.references) == 32
    references.append(references[0])
    assert refusal(message).reason == "SignedInfo has more than 32 items in a list."


@both
def test_large_messages_are_refused(make: Make) -> None:
    """Nothing is encoded that is too large to be decoded."""
    roots = [RootCertificateID("a" * 2000, 1)] * 20
    reason = refusal(make(list_of_root_certificate_ids=roots)).reason
    assert reason.endswith("bytes; at most 32768 are allowed.")


GOLDEN = iso2.EMAID("ID4", "DE8AACA2B3C4D5")


def test_emaid_fragment_has_the_relaxed_grammar() -> None:
    """The eMAID fragment is the one that genuine signatures are about; the typed form differs."""
    relaxed = "80ec0202a4a21a400411114e105050d04c908cd0cd110d7d3d00"
    assert encode_fragment("eMAID", GOLDEN).hex() == relaxed
    typed = encode_fragment("eMAID", GOLDEN, message_grammar=ISO2)
    assert typed.hex().startswith("80ec02a4a2")
    assert len(typed) == 23


signed_res20 = next(vector for vector in iso20_shapes() if vector.name == "res signed")


@pytest.mark.parametrize(
    ("exi", "name", "prefix"),
    [
        (genuine_res(), "ContractSignatureCertChain", "8021"),
        (genuine_res(), "ContractSignatureEncryptedPrivateKey", "8022"),
        (genuine_res(), "DHpublickey", "802d"),
        (genuine_res(), "eMAID", "80ec"),
        (genuine_res(), "SignedInfo", "8081"),
        (encode(request20()), "OEMProvisioningCertificateChain", "8040"),
        (signed_res20.exi, "SignedInstallationData", "8073"),
        (signed_res20.exi, "SignedInfo", "8081"),
    ],
)
def test_fragments_begin_with_their_code(exi: bytes, name: str, prefix: str) -> None:
    """Each fragment begins with the header and the element's code."""
    assert cut_fragment(exi, decode(exi), name).hex().startswith(prefix)


@pytest.mark.parametrize(
    "exi", [iso2_failure(b"\1", "FAILED"), iso20_failure(bytes(8), "FAILED", time_stamp=1)]
)
def test_fragment_of_what_is_not_there_is_refused(exi: bytes) -> None:
    """A message without a signature has no SignedInfo to cut, nor what another edition signs."""
    message = decode(exi)
    for name in ("SignedInfo", "CertificateInstallationReq", "OEMProvisioningCertificateChain"):
        with pytest.raises(ExiError, match=f"The message has no {name} that could be signed"):
            cut_fragment(exi, message, name)


def test_what_is_noted_but_not_signed_is_not_cut() -> None:
    """The values that can be overwritten have a span, yet make no fragment."""
    exi = iso20_failure(bytes(8), "FAILED", time_stamp=1)
    with pytest.raises(ExiError, match="The message has no ResponseCode that could be signed"):
        cut_fragment(exi, decode(exi), "ResponseCode")
