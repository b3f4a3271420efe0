"""What a vehicle could legally send, or nearly, and ISO 15118 does not use."""

import pytest

from ccp.iso15118 import ExiError, RootCertificateID, decode
from tests.vectors import Vector, departures, iso20_departures

NOT_ITS_SCHEMA = "does not follow its schema: something is missing or not foreseen, or a value is"
SHARED = {
    "KeyInfo": "Signature has a KeyInfo, which is not used here.",
    "Object": "Signature has an Object, which is not used here.",
    "text in Transform": "Transform has text in it, which is not used here.",
    "text in DigestMethod": "DigestMethod has text in it, which is not used here.",
    "text in SignatureMethod": "SignatureMethod has text in it, which is not used here.",
    "text in CanonicalizationMethod": "CanonicalizationMethod has text in it, which",
    "element in DigestMethod": "DigestMethod has an element in it, which is not used here.",
    "element in Transform": "Transform has an element in it, which is not used here.",
    "empty SessionID": f"SessionID {NOT_ITS_SCHEMA}",
    "empty X509IssuerName": f"X509IssuerName {NOT_ITS_SCHEMA}",
    "unknown ResponseCode": f"ResponseCode {NOT_ITS_SCHEMA}",
    "serial not a number": f"X509SerialNumber {NOT_ITS_SCHEMA}",
    "xsi:type on a simple element": f"X509IssuerName {NOT_ITS_SCHEMA}",
    "missing Id": f"Id {NOT_ITS_SCHEMA}",
    "missing X509SerialNumber": f"X509SerialNumber {NOT_ITS_SCHEMA}",
    "additional element": f"X509SerialNumber {NOT_ITS_SCHEMA}",
}
REFUSED = SHARED | {
    "empty FaultMsg": f"FaultMsg {NOT_ITS_SCHEMA}",
    "xsi:type on the request": f"Id {NOT_ITS_SCHEMA}",
    "undeclared attribute": f"OEMProvisioningCert {NOT_ITS_SCHEMA}",
    "801 bytes": "OEMProvisioningCert has 801 bytes; at most 800 are allowed.",
}
REFUSED20 = SHARED | {
    "SessionID of 7 bytes": "SessionID has 7 bytes; 8 are needed.",
    "SessionID of 9 bytes": "SessionID has 9 bytes; 8 are needed.",
    "missing TimeStamp": f"TimeStamp {NOT_ITS_SCHEMA}",
    "negative TimeStamp": f"TimeStamp {NOT_ITS_SCHEMA}",
    "TimeStamp as a date": f"TimeStamp {NOT_ITS_SCHEMA}",
    "TimeStamp of 65 bits": "TimeStamp is not a number of at most 64 bits.",
    "TimeStamp of 71 bits": "TimeStamp has a number of more than 70 bits.",
    "ResponseCode of ISO 15118-2": f"ResponseCode {NOT_ITS_SCHEMA}",
    "unknown EVSEProcessing": f"EVSEProcessing {NOT_ITS_SCHEMA}",
    "unknown ECDHCurve": f"ECDHCurve {NOT_ITS_SCHEMA}",
    "maximum 256": f"MaximumContractCertificateChains {NOT_ITS_SCHEMA}",
    "remaining -1": f"RemainingContractCertificateChains {NOT_ITS_SCHEMA}",
    "missing maximum": f"MaximumContractCertificateChains {NOT_ITS_SCHEMA}",
    "missing list of roots": f"ListOfRootCertificateIDs {NOT_ITS_SCHEMA}",
    "empty EMAID": f"EMAID {NOT_ITS_SCHEMA}",
    "EMAID of 256 characters": "EMAID has 256 characters; at most 255 are allowed.",
    "no EMAID in PrioritizedEMAIDs": f"EMAID {NOT_ITS_SCHEMA}",
    "9 EMAIDs": f"PrioritizedEMAIDs {NOT_ITS_SCHEMA}",
    "4 sub-certificates": f"SubCertificates {NOT_ITS_SCHEMA}",
    "xsi:type on the chain": f"Id {NOT_ITS_SCHEMA}",
    "undeclared attribute": f"Certificate {NOT_ITS_SCHEMA}",
    "Id of CPSCertificateChain": f"Certificate {NOT_ITS_SCHEMA}",
    "1601 bytes": "Certificate has 1601 bytes; at most 1600 are allowed.",
    "missing contract sub-certificates": f"SubCertificates {NOT_ITS_SCHEMA}",
    "DHPublicKey of 132 bytes": "DHPublicKey has 132 bytes; 133 are needed.",
    "DHPublicKey of 134 bytes": "DHPublicKey has 134 bytes; 133 are needed.",
    "SECP521 key of 93 bytes": "SECP521_EncryptedPrivateKey has 93 bytes; 94 are needed.",
    "SECP521 key of 95 bytes": "SECP521_EncryptedPrivateKey has 95 bytes; 94 are needed.",
    "X448 key of 83 bytes": "X448_EncryptedPrivateKey has 83 bytes; 84 are needed.",
    "X448 key of 94 bytes": "X448_EncryptedPrivateKey has 94 bytes; 84 are needed.",
    "TPM key of 205 bytes": "TPM_EncryptedPrivateKey has 205 bytes; 206 are needed.",
    "TPM key of 207 bytes": "TPM_EncryptedPrivateKey has 207 bytes; 206 are needed.",
    "two private keys": f"SignedInstallationData {NOT_ITS_SCHEMA}",
    "unknown private key": f"SignedInstallationData {NOT_ITS_SCHEMA}",
    "no private key": f"SignedInstallationData {NOT_ITS_SCHEMA}",
    "private key before DHPublicKey": f"DHPublicKey {NOT_ITS_SCHEMA}",
    # Such a document is not even the beginning of a message.
    "missing Header": "The message is no message of ISO 15118; a CertificateInst",
}
# EXIficient emits nothing for these, so there is nothing to refuse.
UNSEEN = {"xsi:nil", "xsi:schemaLocation", "comment and indentation"}


def check(vector: Vector, refused: dict[str, str]) -> ExiError | None:
    """Assert that *vector* is refused as said, or is the plain message if EXI does not show it."""
    if vector.name in UNSEEN:
        roots = decode(vector.exi).body.list_of_root_certificate_ids
        assert roots == [RootCertificateID("CN=V2GRootCA", 12345)]
        return None
    with pytest.raises(ExiError) as caught:
        decode(vector.exi)
    assert caught.value.reason.startswith(refused[vector.name])
    return caught.value


@pytest.mark.parametrize("vector", departures(), ids=lambda vector: vector.name)
def test_departure(vector: Vector) -> None:
    """What is not used is refused by name, unless EXI does not show it at all."""
    error = check(vector, REFUSED)
    if error:
        assert error.path.startswith("V2G_Message/")


@pytest.mark.parametrize("vector", iso20_departures(), ids=lambda vector: vector.name)
def test_departure_in_iso20(vector: Vector) -> None:
    """The same in ISO 15118-20."""
    error = check(vector, REFUSED20)
    if error and vector.name != "missing Header":
        root = vector.xml.partition(" ")[0].rpartition(":")[2]
        assert error.path.startswith(f"{root}/")


@pytest.mark.parametrize(
    ("vectors", "refused"), [(departures(), REFUSED), (iso20_departures(), REFUSED20)]
)
def test_every_departure_has_an_outcome(vectors: list[Vector], refused: dict[str, str]) -> None:
    """The vectors and the outcomes stated here are about the same departures."""
    assert {vector.name for vector in vectors} == refused.keys() | UNSEEN


EXPECTED = {
    "KeyInfo": ["the end of the element"],
    "element in Transform": ["XPath", "the end of the element"],
    "missing Id": ["Id"],
    "missing X509SerialNumber": ["X509SerialNumber"],
    "no EMAID in PrioritizedEMAIDs": ["EMAID"],
    "no private key": [
        "SECP521_EncryptedPrivateKey",
        "X448_EncryptedPrivateKey",
        "TPM_EncryptedPrivateKey",
    ],
    "1601 bytes": [],
}
"""By the XSDs, what may stand where something else does; a value in its place may be wrong too."""


@pytest.mark.parametrize(
    "vector",
    [one for one in (*departures(), *iso20_departures()) if one.name in EXPECTED],
    ids=lambda vector: vector.name,
)
def test_an_error_says_what_may_come_there(vector: Vector) -> None:
    """What the schema has at that place, by name."""
    with pytest.raises(ExiError) as caught:
        decode(vector.exi)
    assert list(caught.value.expected) == EXPECTED[vector.name]
