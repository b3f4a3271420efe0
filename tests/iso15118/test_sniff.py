"""What some bytes are, told from how they begin."""

from base64 import b64encode

import pytest

from ccp.iso15118 import ExiError, MessageKind, decode, iso2_failure, iso20_failure, sniff
from tests.iso15118.bit_strings import HEADER, SESSION20, UNSIGNED, octets
from tests.vectors import (
    departures,
    genuine_res,
    iso20_departures,
    iso20_requests,
    iso20_shapes,
    requests,
    shapes,
)

REQUEST20 = iso20_requests()["WAUZZZ4B0CC0123456"].exi
FAILURE20 = iso20_failure(bytes(8), "WARNING_NoCertificateAvailable", time_stamp=1)
BEGIN20 = f"{SESSION20} 0 0 00000001 0"  # of any message: up to the end of TimeStamp
REQUEST = requests()["WAUZZZ4B0CC012345"].exi


def with_body(code: int) -> bytes:
    """The beginning of an ISO 15118-2 message whose body is number *code*; session id 01."""
    return octets(HEADER, UNSIGNED, f"{code:06b}")


CASES = {
    "request": (REQUEST, MessageKind.ISO2_CERTIFICATE_INSTALLATION_REQ),
    "cut request": (REQUEST[:420], MessageKind.ISO2_CERTIFICATE_INSTALLATION_REQ),
    "response": (genuine_res(), MessageKind.ISO2_CERTIFICATE_INSTALLATION_RES),
    "failure": (iso2_failure(b"\1", "FAILED"), MessageKind.ISO2_CERTIFICATE_INSTALLATION_RES),
    "update request": (with_body(7), MessageKind.ISO2_CERTIFICATE_UPDATE_REQ),
    "update response": (with_body(8), MessageKind.ISO2_CERTIFICATE_UPDATE_RES),
    "session setup": (with_body(29), MessageKind.ISO2_OTHER),
    "empty body": (with_body(35), MessageKind.ISO2_OTHER),
    "no such body": (with_body(63), MessageKind.ISO2_OTHER),
    "cut header": (REQUEST[:40], MessageKind.ISO2_MALFORMED),
    "two bytes": (b"\x80\x98", MessageKind.ISO2_MALFORMED),
    "ISO 15118-20 request": (REQUEST20, MessageKind.ISO20_CERTIFICATE_INSTALLATION_REQ),
    "ISO 15118-20 failure": (FAILURE20, MessageKind.ISO20_CERTIFICATE_INSTALLATION_RES),
    "cut ISO 15118-20 request": (
        REQUEST20[:420],
        MessageKind.ISO20_CERTIFICATE_INSTALLATION_REQ,
    ),
    "cut ISO 15118-20 failure": (FAILURE20[:2], MessageKind.ISO20_CERTIFICATE_INSTALLATION_RES),
    "header of an ISO 15118-20 request": (
        bytes.fromhex("801c0408000000"),
        MessageKind.ISO20_CERTIFICATE_INSTALLATION_REQ,
    ),
    "header of an ISO 15118-20 response": (
        bytes.fromhex("80200408000000"),
        MessageKind.ISO20_CERTIFICATE_INSTALLATION_RES,
    ),
    "DIN SPEC 70121": (bytes.fromhex("809a004011d008004400"), MessageKind.DIN_70121),
    "handshake request": (bytes.fromhex("80001b08020000040040"), MessageKind.APP_PROTOCOL),
    "handshake response": (bytes.fromhex("80400040"), MessageKind.APP_PROTOCOL),
    # AuthorizationReq, DC_PreChargeReq, MeteringConfirmationReq: event codes 0, 17 and 16
    "ISO 15118-20 authorization": (octets("10000000 000000", BEGIN20), MessageKind.ISO20_OTHER),
    "ISO 15118-20 DC": (octets("10000000 010001", BEGIN20), MessageKind.ISO20_OTHER),
    "ISO 15118-20 metering": (octets("10000000 010000", BEGIN20), MessageKind.ISO20_OTHER),
    "cut ISO 15118-20 DC": (octets("10000000 010001", BEGIN20)[:12], MessageKind.UNKNOWN),
    "nothing": (b"", MessageKind.EMPTY),
    "XML": (b"<?xml version='1.0'?><a/>", MessageKind.XML),
    "indented XML": (b"\r\n  <V2G_Message/>", MessageKind.XML),
    "XML with a byte order mark": (b"\xef\xbb\xbf<a/>", MessageKind.XML),
    "Base64": (b64encode(REQUEST), MessageKind.BASE64),
    "Base64 in lines": (b64encode(REQUEST) + b"\r\n", MessageKind.BASE64),
    "cookie": (b"$EXI" + REQUEST, MessageKind.EXI_COOKIE),
    "options": (b"\xa0\x98\0\0", MessageKind.EXI_OPTIONS),
    "one byte": (b"\x80", MessageKind.UNKNOWN),
    "header departs": (bytes.fromhex("8099004000"), MessageKind.UNKNOWN),
    "fragment": (bytes.fromhex("80ec0202a4a21a40"), MessageKind.UNKNOWN),
    "another version of EXI": (b"\x81\x98\0\0", MessageKind.UNKNOWN),
    "fragment of ISO 15118-20": (bytes.fromhex("8073815a5908c0"), MessageKind.UNKNOWN),
    "DER": (bytes.fromhex("3082010a0282"), MessageKind.UNKNOWN),
}


@pytest.mark.parametrize("case", CASES)
def test_sniff(case: str) -> None:
    """The kind of message is told by its beginning."""
    exi, kind = CASES[case]
    assert sniff(exi) is kind


WHOLE = ("request", "response", "failure", "ISO 15118-20 request", "ISO 15118-20 failure")


@pytest.mark.parametrize("case", [case for case in CASES if case not in WHOLE])
def test_decode_names_what_it_refuses(case: str) -> None:
    """Anything that is not a whole installation message is refused with a sentence about it."""
    exi, kind = CASES[case]
    with pytest.raises(ExiError) as caught:
        decode(exi)
    if kind.name.startswith("ISO2") and kind is not MessageKind.ISO20_OTHER:
        root = "CertificateInstallationRe" if kind.name.startswith("ISO20") else "V2G_Message"
        assert caught.value.path.startswith(root)
    else:
        needed = "a CertificateInstallationReq or -Res of ISO 15118 is needed."
        assert caught.value.reason == f"The message is {kind.value}; {needed}"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (7, "Body has a CertificateUpdateReq, which is not used here."),
        (29, "Body has a SessionSetupReq, which is not used here."),
        (35, "Body has nothing in it, which is not used here."),
        (36, "Body does not follow its schema: something is missing or not foreseen"),
        (63, "Body does not follow its schema: something is missing or not foreseen"),
    ],
)
def test_decode_names_other_bodies(code: int, reason: str) -> None:
    """Another body is refused by its name."""
    with pytest.raises(ExiError) as caught:
        decode(with_body(code) + bytes(10))
    assert caught.value.reason.startswith(reason)
    assert caught.value.path == "V2G_Message/Body"


def test_all_vectors_are_known() -> None:
    """Every message that EXIficient made is sniffed as what it is; KeyInfo hides the body."""
    for vector in shapes():
        assert sniff(vector.exi).value.endswith(("InstallationReq", "InstallationRes"))
    kinds20 = (
        MessageKind.ISO20_CERTIFICATE_INSTALLATION_REQ,
        MessageKind.ISO20_CERTIFICATE_INSTALLATION_RES,
    )
    for vector in [*iso20_shapes(), *iso20_requests().values()]:
        assert sniff(vector.exi) is kinds20[":CertificateInstallationRes " in vector.xml]
    unknown = {vector.name for vector in iso20_departures() if sniff(vector.exi) not in kinds20}
    assert unknown == {"missing Header"}
    hidden = {vector.name for vector in departures() if sniff(vector.exi).name == "ISO2_MALFORMED"}
    assert "KeyInfo" in hidden
    assert "801 bytes" not in hidden
