"""What a vehicle could legally send, or nearly, and ISO 15118 does not use."""

import pytest

from ccp.iso15118 import (
    ExiError,
    RootCertificateID,
    decode,
    iso2,
)
from tests.vectors import Vector, departures

NOT_ITS_SCHEMA = "does not follow its schema: something is missing or not foreseen, or a value is"
REFUSED = {
    "KeyInfo": "Signature has a KeyInfo, which is not used here.",
    "Object": "Signature has an Object, which is not used here.",
    "text in Transform": "Transform has text in it, which is not used here.",
    "text in DigestMethod": "DigestMethod has text in it, which is not used here.",
    "text in SignatureMethod": "SignatureMethod has text in it, which is not used here.",
    "text in CanonicalizationMethod": "CanonicalizationMethod has text in it, which",
    "element in DigestMethod": "DigestMethod has an element in it, which is not used here.",
    "element in Transform": "Transform has an element in it, which is not used here.",
    "empty SessionID": f"SessionID {NOT_ITS_SCHEMA}",
    "empty FaultMsg": f"FaultMsg {NOT_ITS_SCHEMA}",
    "empty X509IssuerName": f"X509IssuerName {NOT_ITS_SCHEMA}",
    "unknown ResponseCode": f"ResponseCode {NOT_ITS_SCHEMA}",
    "serial not a number": f"X509SerialNumber {NOT_ITS_SCHEMA}",
    "xsi:type on a simple element": f"X509IssuerName {NOT_ITS_SCHEMA}",
    "xsi:type on the request": f"Id {NOT_ITS_SCHEMA}",
    "undeclared attribute": f"OEMProvisioningCert {NOT_ITS_SCHEMA}",
    "missing Id": f"Id {NOT_ITS_SCHEMA}",
    "missing X509SerialNumber": f"X509SerialNumber {NOT_ITS_SCHEMA}",
    "additional element": f"X509SerialNumber {NOT_ITS_SCHEMA}",
    "801 bytes": "OEMProvisioningCert has 801 bytes; at most 800 are allowed.",
}
# EXIficient emits nothing for these, so there is nothing to refuse.
UNSEEN = {"xsi:nil", "xsi:schemaLocation", "comment and indentation"}


@pytest.mark.parametrize("vector", departures(), ids=lambda vector: vector.name)
def test_departure(vector: Vector) -> None:
    """What is not used is refused by name, unless EXI does not show it at all."""
    if vector.name in UNSEEN:
        body = decode(vector.exi).body
        assert isinstance(body, iso2.CertificateInstallationReq)
        assert body.list_of_root_certificate_ids == [RootCertificateID("CN=V2GRootCA", 12345)]
    else:
        with pytest.raises(ExiError) as caught:
            decode(vector.exi)
        assert caught.value.reason.startswith(REFUSED[vector.name])
        assert caught.value.path.startswith("V2G_Message/")


def test_every_departure_has_an_outcome() -> None:
    """The vectors and the outcomes stated here are about the same departures."""
    assert {vector.name for vector in departures()} == REFUSED.keys() | UNSEEN
