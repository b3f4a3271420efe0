"""addSignedContractDataV1: what is stored, and what is refused before anything is written."""

import base64
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from ccp.app import create_app
from ccp.domain.errors import (
    CcpError,
    CertificateUnreadable,
    ContractCertificateExpired,
    ContractCertificateNotYetValid,
    ContractKeyUnusable,
    EmaidBelongsToOtherPcid,
    EmaidMismatch,
    ExiInvalid,
    ResponseCodeNotOk,
)
from ccp.domain.identifiers import ISO_15118_2, Emaid, Pcid
from ccp.handlers.add_signed_contract_data import handle
from ccp.iso15118 import decode, encode, iso2
from ccp.policy.services import Services
from tests.awaited import awaited
from tests.builders import (
    BASE,
    EMAID_TEXT,
    NOW,
    ORIGIN,
    PCID_TEXT,
    ROOT_A,
    ROOT_B,
    b64,
    installation_req,
    installation_res,
    put_body,
    signed,
)
from tests.conftest import make_settings
from tests.contract.conformance import assert_error, conforming_client

GENUINE = Path(__file__).parents[1] / "vectors" / "opnc-signed-contract-data.json"
OTHER = "FRXYZ123456789"
RES_B64 = b64(installation_res())
EMAID, PCID = Emaid.parse(EMAID_TEXT), Pcid.parse(PCID_TEXT)


def put(services: Services, exi: bytes | None = None, **changes: Any) -> tuple[None, int]:
    """Call the handler with a message that fits, but for *changes*."""
    arguments = {
        "emaid": EMAID,
        "pcid": PCID,
        "namespace": ISO_15118_2,
        "installation_res_exi": installation_res() if exi is None else exi,
        "v2g_root_fingerprint": ROOT_A,
        "origin": ORIGIN,
    }
    return awaited(handle(services, **(arguments | changes)))


def stored(services: Services) -> list[bytes]:
    """The messages that the store has for the car."""
    found = services.store.find_by_pcid(PCID, ISO_15118_2)
    return [record.installation_res_exi for record in services.store.with_messages(found)]


def test_the_message_is_stored_byte_for_byte(services: Services) -> None:
    """The record has the message as it came and what was read from it."""
    exi = installation_res(root="CN=V2G Root B,O=Pool,C=FR")
    assert put(services, exi, meta_data="note") == (None, 201)
    (found,) = services.store.find_by_emaid(EMAID, ISO_15118_2)
    chain = decode(exi).body.contract_signature_cert_chain
    assert found.installation_res_exi == exi
    assert found.contract_certificate_der == chain.certificate
    assert found.v2g_root_distinguished_name == "CN=V2G Root B, O=Pool, C=FR"
    assert found.v2g_root_fingerprint == ROOT_A
    assert found.valid_to == NOW + timedelta(days=365)
    assert found.meta_data == "note"


def test_the_genuine_message_is_stored_in_its_time(services: Services) -> None:
    """A strict pool takes the published message under its own EMAID while it is valid."""
    exi = base64.b64decode(json.loads(GENUINE.read_text())["certificateInstallationRes"])
    assert put(services, exi) == (None, 201)
    (found,) = services.store.find_by_pcid(PCID, ISO_15118_2)
    assert found.v2g_root_distinguished_name == "CN=V2G Root CA QA G1, DC=V2G, O=Hubject GmbH, C=DE"
    assert f"{found.valid_from:%FT%TZ} {found.valid_to:%FT%TZ}" == (
        "2024-07-04T16:10:59Z 2026-07-01T14:32:00Z"
    )


@pytest.mark.parametrize(
    ("message", "common_name", "given"),
    [
        ("DEICECOPNCCERT", "DE-ICE-COPNCCERT", "deicecopnccert"),
        ("FRXYZ123456789", "FRXYZ1234567892", "FR-XYZ-123456789"),
        ("FRXYZ1234567892", "FR-XYZ-123456789", "FRXYZ123456789"),
    ],
)
def test_one_contract_in_several_spellings_agrees(
    services: Services, message: str, common_name: str, given: str
) -> None:
    """Hyphens, case and check digit may differ between message, certificate and request."""
    exi = installation_res(message, common_name=common_name)
    assert put(services, exi, emaid=Emaid.parse(given)) == (None, 201)


REFUSED = {
    "response code": (
        {"response_code": "FAILED_NoCertificateAvailable"},
        ResponseCodeNotOk,
        ["It is FAILED_NoCertificateAvailable."],
    ),
    "expires soon": (
        {"response_code": "OK_CertificateExpiresSoon"},
        ResponseCodeNotOk,
        ["It is OK_CertificateExpiresSoon."],
    ),
    "other eMAID": ({"emaid": "DEICECOPNCCERX", "common_name": EMAID_TEXT}, EmaidMismatch, []),
    "other common name": ({"common_name": "DEICECOPNCCERX"}, EmaidMismatch, []),
    "common name is no EMAID": ({"common_name": "Somebody"}, EmaidMismatch, []),
    "expired": ({"not_after": NOW - timedelta(seconds=1)}, ContractCertificateExpired, []),
    "not yet valid": (
        {"not_before": NOW + timedelta(seconds=31)},
        ContractCertificateNotYetValid,
        [],
    ),
}


@pytest.mark.parametrize(("changes", "kind", "details"), REFUSED.values(), ids=REFUSED)
def test_a_strict_pool_refuses(
    services: Services, changes: dict[str, Any], kind: type[CcpError], details: list[str]
) -> None:
    """Each check has a message of its own, and nothing is written."""
    with pytest.raises(kind) as raised:
        put(services, installation_res(**changes))
    assert raised.value.messages == [kind.message, *details]
    assert raised.value.status == 400
    assert stored(services) == []


@pytest.mark.parametrize(("changes", "kind", "details"), REFUSED.values(), ids=REFUSED)
def test_a_lab_pool_stores_and_warns(
    lab_services: Services,
    changes: dict[str, Any],
    kind: type[CcpError],
    details: list[str],
) -> None:
    """What a strict pool refuses a lab pool stores, and its log says what was wrong."""
    exi = installation_res(**changes)
    with capture_logs() as lines:
        assert put(lab_services, exi) == (None, 201)
    assert stored(lab_services) == [exi]
    assert [line["failures"] for line in lines] == [[kind.message, *details]]
    assert lines[0]["log_level"] == "warning"


def test_put_of_a_contract_that_begins_within_the_clock_tolerance_is_stored(
    services: Services,
) -> None:
    """The clock of the eMSP's CA may be 30 seconds ahead of the pool's."""
    assert put(services, installation_res(not_before=NOW + timedelta(seconds=30))) == (None, 201)


KEY_NAME = "ContractSignatureEncryptedPrivateKey"


@pytest.mark.parametrize(
    ("key_bytes", "dh_bytes", "elements"),
    [
        (47, 65, [KEY_NAME]),
        (32, 65, [KEY_NAME]),
        (1, 65, [KEY_NAME]),
        (48, 64, ["DHpublickey"]),
        (48, 33, ["DHpublickey"]),
        (16, 1, [KEY_NAME, "DHpublickey"]),
    ],
)
def test_put_of_a_key_of_a_length_that_no_car_can_use_is_refused(
    services: Services,
    lab_services: Services,
    key_bytes: int,
    dh_bytes: int,
    elements: list[str],
) -> None:
    """ISO 15118-2 needs 48 and 65 bytes: the schema has only upper limits. Lab mode stores it."""
    message = decode(installation_res())
    assert isinstance(message.body, iso2.CertificateInstallationRes)
    message.body.contract_signature_encrypted_private_key.value = bytes(key_bytes)
    message.body.dh_publickey.value = bytes(dh_bytes)
    exi = signed(message)
    with pytest.raises(ContractKeyUnusable) as raised:
        put(services, exi)
    _, *details = raised.value.messages
    assert [text.split()[0] for text in details] == elements
    sizes = {KEY_NAME: key_bytes, "DHpublickey": dh_bytes}
    assert all(f"has {sizes[text.split()[0]]} bytes" in text for text in details)
    assert stored(services) == []
    assert put(lab_services, exi) == (None, 201)


def test_everything_that_is_wrong_with_a_message_is_told(services: Services) -> None:
    """Several failed checks are told together, in the order of the checks."""
    exi = installation_res(
        response_code="FAILED", common_name="x", not_after=NOW - timedelta(seconds=1)
    )
    with pytest.raises(ResponseCodeNotOk) as raised:
        put(services, exi)
    assert raised.value.messages == [
        ResponseCodeNotOk.message,
        "It is FAILED.",
        EmaidMismatch.message,
        ContractCertificateExpired.message,
    ]


@pytest.mark.parametrize(
    ("exi", "reason"),
    [
        (b"", "empty"),
        (b"<xml/>", "XML"),
        (b"\x80", "no message"),
        (installation_req(), "is a CertificateInstallationReq"),
        (installation_res() + b"\0", "left over|after|trailing|follow"),
        (installation_res()[:-1], "cut off"),
    ],
    ids=["empty", "xml", "one byte", "req", "zero byte behind", "cut"],
)
@pytest.mark.parametrize("mode", ["services", "lab_services"])
def test_what_is_not_the_message_is_refused_in_any_mode(
    request: pytest.FixtureRequest, mode: str, exi: bytes, reason: str
) -> None:
    """Bytes that no car could read are of no use, lab or not; a second message says why."""
    services = request.getfixturevalue(mode)
    with pytest.raises(ExiInvalid, match=reason) as raised:
        put(services, exi)
    assert len(raised.value.messages) == 2
    assert stored(services) == []


@pytest.mark.parametrize(
    "chain", ["contract_signature_cert_chain", "sa_provisioning_certificate_chain"]
)
def test_a_certificate_that_cannot_be_read_is_refused(services: Services, chain: str) -> None:
    """A message whose certificates are no certificates helps no car."""
    message = decode(installation_res())
    getattr(message.body, chain).certificate = b"certificate"
    with pytest.raises(CertificateUnreadable):
        put(services, encode(message))


def test_an_emaid_of_another_car_is_refused(services: Services) -> None:
    """The published wording tells that the EMAID is already used by another PCID."""
    put(services)
    with pytest.raises(EmaidBelongsToOtherPcid):
        put(services, pcid=Pcid.parse("VF1AAAAA0AA000001"))


def test_over_http_a_put_is_created_twice(client: TestClient) -> None:
    """201 without a body, the first time and every other, for each root variant."""
    for root in (ROOT_A, ROOT_B, ROOT_A, ROOT_A.upper()):
        answer = client.put(
            f"{BASE}/signedcontractdata", json=put_body(cpsV2GRootCertificateFingerprint=root)
        )
        assert answer.status_code == 201
    answer = client.get(f"{BASE}/contractData/emaid/{EMAID_TEXT}")
    assert len(answer.json()["contractDataCollection"]) == 2


def test_over_http_every_violation_is_told(client: TestClient) -> None:
    """A body that is wrong in several fields gets a message for each, in the published words."""
    answer = client.put(
        f"{BASE}/signedcontractdata",
        json={
            "emaid": "DE",
            "pcid": "ß" * 17,
            "xsdMsgDefNamespace": "urn:x",
            "metaData": 5,
        },
        headers={"OPNC-from-party-type": "driver"},
    )
    assert_error(
        answer,
        400,
        r'emaid : must match "^[A-Za-z]{2}[-]?\w{3}[-]?\w{9,28}[-]?(\w{1})?$"',
        "emaid : size must be between 14 and 36",
        'pcid : must match "^[a-zA-Z0-9]{17,18}$"',
        "xsdMsgDefNamespace : must be one of urn:iso:15118:2:2013:MsgDef,"
        " urn:iso:15118:20:2020:MsgDef, urn:iso:15118:20:2022:MsgDef,"
        " urn:iso:std:iso:15118:-20:CommonMessages",
        "certificateInstallationRes : must not be null",
        "metaData : must be of type string",
        "OPNC-from-party-type : must be one of emsp, cpo, oem, pki, cps, pcp, ccp",
    )


@pytest.mark.parametrize(
    "text",
    [
        RES_B64.rstrip("="),
        "\r\n".join(RES_B64[i : i + 64] for i in range(0, len(RES_B64), 64)),
        f" {RES_B64}\t\n",
    ],
    ids=["no padding", "lines", "spaces around"],
)
def test_over_http_base64_is_read_as_it_is_met(client: TestClient, text: str) -> None:
    """White space and missing padding are forgiven."""
    body = put_body(certificateInstallationRes=text)
    assert client.put(f"{BASE}/signedcontractdata", json=body).status_code == 201


@pytest.mark.parametrize("text", ["*", "A", "gJg_-w", "gJg=A", "gJgAQA===", "ä", "gJ\u00a0gA"])
def test_over_http_what_is_not_base64_is_told(client: TestClient, text: str) -> None:
    """The standard alphabet only, and padding only at the end."""
    answer = client.put(
        f"{BASE}/signedcontractdata", json=put_body(certificateInstallationRes=text)
    )
    assert_error(answer, 400, "EXI format is invalid!", "The message is not base64.")


def test_over_http_the_genuine_message_goes_into_a_lab_pool(lab_client: TestClient) -> None:
    """The published body, word for word, is stored in lab mode and refused in strict mode."""
    body = json.loads(GENUINE.read_text())
    assert lab_client.put(f"{BASE}/signedcontractdata", json=body).status_code == 201
    answer = lab_client.get(f"{BASE}/signedcontractdata/{body['emaid']}/{body['pcid']}").json()
    (item,) = answer["signedContractDataCollection"]
    assert item["certificateInstallationRes"] == body["certificateInstallationRes"]
    assert item["metaData"] == body["metaData"]
    assert item["cpsV2GRootCertificateFingerprint"] == body["cpsV2GRootCertificateFingerprint"]


def test_over_http_the_genuine_message_is_refused_by_a_strict_pool(client: TestClient) -> None:
    """Its body names another contract than its EXI."""
    answer = client.put(f"{BASE}/signedcontractdata", json=json.loads(GENUINE.read_text()))
    assert_error(answer, 400, "emaid : is not the EMAID of the CertificateInstallationRes")


def test_put_of_one_contract_too_many_for_a_car_is_400(tmp_path: Path) -> None:
    """With the limit in the second message; another car is not concerned."""
    app = create_app(make_settings(tmp_path, max_contracts_per_car="1"), clock=lambda: NOW)
    url, other = f"{BASE}/signedcontractdata", put_body(installation_res(OTHER), emaid=OTHER)
    with conforming_client(app) as client:
        assert client.put(url, json=put_body()).status_code == 201
        assert_error(
            client.put(url, json=other),
            400,
            "The pool stores no more contracts for this PCID.",
            "The limit for a PCID is 1 in each edition of ISO 15118, and for the V2G root variants"
            " of a contract 1. Delete one of them first.",
        )
        assert client.put(url, json=other | {"pcid": "WVWZZZ4B0CC012345"}).status_code == 201
