"""getSignedContractDataByEmaidAndPcidV1: an OEM fetches a contract by itself."""

import base64
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from ccp.domain.errors import ContractNotFound
from ccp.domain.identifiers import ISO_15118_2, ISO_15118_20, Emaid, Pcid
from ccp.handlers.get_signed_contract_data_by_emaid_and_pcid import handle
from ccp.iso15118 import decode, with_session_id
from ccp.policy.services import Services
from tests.builders import (
    BASE,
    EMAID_TEXT,
    NOW,
    ORIGIN,
    PCID_TEXT,
    ROOT_A,
    ROOT_B,
    installation_res,
    put_body,
    record,
)
from tests.contract.conformance import assert_error

EMAID, PCID = Emaid.parse(EMAID_TEXT), Pcid.parse(PCID_TEXT)
URL = f"{BASE}/signedcontractdata/{EMAID_TEXT}/{PCID_TEXT}"


def messages(services: Services, **changes: object) -> list[bytes]:
    """The messages that the handler answers."""
    arguments = {"emaid": EMAID, "pcid": PCID, "namespace": ISO_15118_2} | changes
    body, status = handle(services, **arguments)  # type: ignore[arg-type]
    assert status == 200
    return [
        base64.b64decode(item["certificateInstallationRes"])
        for item in body["signedContractDataCollection"]
    ]


def test_without_session_id_the_stored_bytes_are_answered(services: Services) -> None:
    """Byte for byte, every root variant, the newest first; or that of one root."""
    a, b = installation_res(session_id=b"\0"), installation_res(session_id=b"")
    services.store.put(record(root=ROOT_A, exi=a), ORIGIN)
    services.store.put(record(root=ROOT_B, exi=b), ORIGIN)
    assert messages(services) == [b, a]
    assert messages(services, v2g_root_fingerprint=ROOT_A) == [a]


@pytest.mark.parametrize("length", range(1, 9))
def test_a_session_id_is_put_into_every_message(services: Services, length: int) -> None:
    """Nothing else changes: with the stored id put back the bytes are the stored ones."""
    stored = [installation_res(session_id=b"\0"), installation_res(session_id=bytes(8))]
    for root, exi in zip((ROOT_B, ROOT_A), stored, strict=True):
        services.store.put(record(root=root, exi=exi), ORIGIN)
    session_id = bytes(range(0xF0, 0xF0 + length))
    answered = messages(services, session_id=session_id)
    assert [decode(exi).header.session_id for exi in answered] == [session_id] * 2
    assert [with_session_id(answered[1], b"\0"), with_session_id(answered[0], bytes(8))] == stored


def test_an_expired_contract_is_answered(services: Services) -> None:
    """The OEM checks the validity itself, before it installs."""
    exi = installation_res()
    services.store.put(record(exi=exi, valid_to=NOW - timedelta(days=1)), ORIGIN)
    assert messages(services) == [exi]


@pytest.mark.parametrize(
    "changes",
    [
        {"emaid": Emaid.parse("FRXYZ123456789")},
        {"pcid": Pcid.parse("VF1AAAAA0AA000001")},
        {"namespace": ISO_15118_20},
        {"namespace": "urn:nobody:knows"},
        {"v2g_root_fingerprint": ROOT_B},
    ],
    ids=["emaid", "pcid", "edition", "unknown namespace", "root"],
)
def test_what_is_not_stored_is_not_found(services: Services, changes: dict[str, object]) -> None:
    """EMAID, PCID, namespace and root all have to fit."""
    services.store.put(record(exi=installation_res()), ORIGIN)
    with pytest.raises(ContractNotFound):
        messages(services, **changes)


@pytest.mark.parametrize(
    ("text", "session_id"),
    [("2A3DC6D75411F647", "2a3dc6d75411f647"), ("ff", "ff"), ("00", "00"), ("", "00")],
)
def test_over_http_the_session_id_is_hex(client: TestClient, text: str, session_id: str) -> None:
    """One to eight bytes in any case; an empty one leaves what is stored."""
    client.put(f"{BASE}/signedcontractdata", json=put_body(installation_res(session_id=b"\0")))
    (item,) = client.get(URL, params={"sessionID": text}).json()["signedContractDataCollection"]
    message = decode(base64.b64decode(item["certificateInstallationRes"]))
    assert message.header.session_id.hex() == session_id
    assert item["emaid"] == EMAID_TEXT
    assert item["cpsRootDistinguishedName"] == "CN=V2G Root CA, DC=V2G, O=Test, C=DE"


@pytest.mark.parametrize("text", ["0", "000", "0g", "00" * 9, "0x", "٣٣", "00\n"])
def test_over_http_a_malformed_session_id_is_told_in_the_published_words(
    client: TestClient, text: str
) -> None:
    """Half bytes, other digits and more than eight bytes are refused."""
    assert_error(
        client.get(URL, params={"sessionID": text}),
        400,
        "Invalid SessionID format, make sure the length is maximum 8 characters"
        " and it is represented in HEX binary",
    )


def test_over_http_the_pair_has_to_exist(client: TestClient) -> None:
    """An unknown contract of a known car is 404."""
    client.put(f"{BASE}/signedcontractdata", json=put_body())
    answer = client.get(f"{BASE}/signedcontractdata/FRXYZ123456789/{PCID_TEXT}")
    assert_error(answer, 404, "The contract for the given EMAID not found.")
