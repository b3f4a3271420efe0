"""The failure answer."""

from base64 import b64decode

import pytest

from ccp.iso15118 import (
    ExiError,
    decode,
    encode,
    iso2,
    iso2_failure,
)
from ccp.iso15118.iso2_schema import RESPONSE_CODES
from tests.iso15118.as_xml import canonical, message_xml
from tests.iso15118.exificient import Exificient


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


@pytest.mark.parametrize("code", ["OK", "OK_CertificateExpiresSoon", "", "failed"])
def test_success_is_no_failure(code: str) -> None:
    """A response code that is no failure is refused."""
    with pytest.raises(ExiError, match="its response code is none"):
        iso2_failure(b"\1", code)


def test_unknown_code_is_refused() -> None:
    """A failure code that the schema does not have is refused."""
    with pytest.raises(ExiError, match="ResponseCode cannot be 'FAILED_Unknown'"):
        iso2_failure(b"\1", "FAILED_Unknown")
