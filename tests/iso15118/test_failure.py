"""The failure answer."""

from base64 import b64decode

import pytest

from ccp.iso15118 import (
    ExiError,
    decode,
    encode,
    iso2,
    iso2_failure,
    iso20,
    iso20_failure,
)
from ccp.iso15118.iso2_schema import RESPONSE_CODES
from ccp.iso15118.iso20_schema import RESPONSE_CODES as RESPONSE_CODES20
from tests.iso15118.as_xml import canonical, message_xml
from tests.iso15118.exificient import Exificient
from tests.iso15118.schema_sets import iso20 as iso20_xsds

FAILURES20 = [code for code in RESPONSE_CODES20 if not code.startswith("OK")]
SUCCESSES = [code for code in RESPONSE_CODES20 if code.startswith("OK")]
TODAY = 1_760_000_000  # in seconds
SESSION = bytes.fromhex("2A3DC6D75411F647")


def test_failure_is_the_known_one() -> None:
    """The failure for a known session is the 57 bytes that two other codecs read."""
    exi = iso2_failure(bytes.fromhex("2A3DC6D75411F647"), "FAILED_NoCertificateAvailable")
    assert exi == b64decode(
        "gJgCCo9xtdUEfZHQYYIBACAVpZDEAQAgK0shkAQAArSyGYBAACtLIaBAwMDAwMDAwMDAwMDAwMAA"
    )


@pytest.mark.parametrize("code", [code for code in RESPONSE_CODES if code.startswith("FAILED")])
@pytest.mark.parametrize("session_id", [b"", b"\1", b"\xff" * 8])
def test_failure_says_session_and_code(session_id: bytes, code: str) -> None:
    """Any failure code and session id is decoded again; no binary value is empty."""
    exi = iso2_failure(session_id, code)
    message = decode(exi)
    assert len(exi) == 49 + len(session_id)
    assert encode(message) == exi
    assert message.header.session_id == session_id
    assert isinstance(message.body, iso2.CertificateInstallationRes)
    assert message.body.response_code == code
    assert message.body.contract_signature_encrypted_private_key.value
    assert message.body.dh_publickey.value


def test_exificient_reads_the_failure(exificient: Exificient) -> None:
    """EXIficient decodes the failure to what it is meant to be."""
    exi = iso2_failure(b"\1\2", "FAILED_CertificateRevoked")
    assert canonical(exificient.decode(exi)) == canonical(message_xml(decode(exi)))


@pytest.mark.parametrize("code", FAILURES20)
def test_iso20_failure_says_session_and_code(code: str) -> None:
    """Any failure or warning is decoded again, has 264 bytes today, and no empty binary value."""
    exi = iso20_failure(SESSION, code, time_stamp=TODAY)
    message = decode(exi)
    assert len(exi) == 264
    assert encode(message) == exi
    assert message.header == iso20.Header(SESSION, TODAY)
    assert isinstance(message.body, iso20.CertificateInstallationRes)
    assert message.body.response_code == code
    assert message.body.remaining_contract_certificate_chains == 0
    assert message.body.cps_certificate_chain.certificate
    contract = message.body.signed_installation_data.contract_certificate_chain
    assert contract.certificate
    assert all(contract.sub_certificates)


@pytest.mark.parametrize("code", FAILURES20)
def test_iso20_failure_is_schema_valid(exificient: Exificient, code: str) -> None:
    """EXIficient decodes each failure and warning to XML that the XSDs allow."""
    exi = iso20_failure(SESSION, code, time_stamp=TODAY)
    xml = exificient.decode(exi, "iso20")
    assert canonical(xml) == canonical(message_xml(decode(exi)))
    iso20_xsds().schema.validate(xml)
    assert exificient.encode(xml, "iso20") == exi


@pytest.mark.parametrize(
    ("time_stamp", "size"),
    [(0, 260), (127, 260), (128, 261), (1_760_000_000_000, 265), (2**64 - 1, 269)],
)
def test_iso20_failure_grows_with_the_time_stamp(time_stamp: int, size: int) -> None:
    """A failure has one byte more with each seven bits of the time stamp."""
    assert len(iso20_failure(SESSION, "FAILED", time_stamp=time_stamp)) == size


@pytest.mark.parametrize("size", [0, 1, 7, 9])
def test_iso20_failure_needs_a_session_id_of_8_bytes(size: int) -> None:
    """A session id of another length is refused."""
    with pytest.raises(ExiError, match=f"SessionID has {size} bytes; 8 are needed"):
        iso20_failure(bytes(size), "FAILED", time_stamp=TODAY)


@pytest.mark.parametrize("time_stamp", [-1, 2**64])
def test_iso20_failure_needs_a_time_stamp_of_64_bits(time_stamp: int) -> None:
    """A time stamp that is none is refused."""
    with pytest.raises(ExiError, match="TimeStamp is not a number of at most 64 bits"):
        iso20_failure(SESSION, "FAILED", time_stamp=time_stamp)


@pytest.mark.parametrize("code", [*SUCCESSES, "", "failed", "warning"])
def test_success_is_no_failure(code: str) -> None:
    """A response code that is no failure is refused."""
    with pytest.raises(ExiError, match="its response code is none"):
        iso2_failure(b"\1", code)
    with pytest.raises(ExiError, match="its response code is none"):
        iso20_failure(SESSION, code, time_stamp=TODAY)


def test_unknown_code_is_refused() -> None:
    """A failure code that the schema does not have is refused, even if the other edition has it."""
    with pytest.raises(ExiError, match="ResponseCode cannot be 'FAILED_Unknown'"):
        iso2_failure(b"\1", "FAILED_Unknown")
    with pytest.raises(ExiError, match="ResponseCode cannot be 'WARNING_NoCertificateAvailable'"):
        iso2_failure(b"\1", "WARNING_NoCertificateAvailable")
    with pytest.raises(ExiError, match="ResponseCode cannot be 'FAILED_NoCertificateAvailable'"):
        iso20_failure(SESSION, "FAILED_NoCertificateAvailable", time_stamp=TODAY)
