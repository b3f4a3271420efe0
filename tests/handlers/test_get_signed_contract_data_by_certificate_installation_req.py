"""getSignedContractDataByCertificateInstallationReqV1: which contract a car gets, and how."""

import base64
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from ccp.domain.errors import (
    CertificateUnreadable,
    ContractOrVehicleNotFound,
    ExiInvalid,
    InternalError,
    MessageNotSupported,
    ProvisioningCertificateExpired,
    StoreBusy,
)
from ccp.domain.identifiers import ISO_15118_2, ISO_15118_20, Emaid, Pcid
from ccp.handlers.get_signed_contract_data_by_certificate_installation_req import handle
from ccp.iso15118 import decode, encode, with_session_id
from ccp.policy.services import Services
from ccp.store import Store
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
    post_body,
    put_body,
    record,
)
from tests.contract.conformance import assert_error

SESSION = bytes.fromhex("2A3DC6D75411F647")
# The 57 bytes that two independent codecs round-trip as FAILED_NoCertificateAvailable.
PUBLISHED_FAILURE = "gJgCCo9xtdUEfZHQYYIBACAVpZDEAQAgK0shkAQAArSyGYBAACtLIaBAwMDAwMDAwMDAwMDAwMAA"
ROOT_A_NAME = "CN=V2G Root A, DC=V2G, O=Pool, C=DE"
ROOT_B_NAME = "CN=V2G Root B, DC=V2G, O=Pool, C=DE"


def ask(services: Services, exi: bytes | None = None, **changes: Any) -> dict[str, Any]:
    """Call the handler with a car's request and return the one item that it answers."""
    arguments = {
        "installation_req_exi": installation_req(session_id=SESSION) if exi is None else exi,
        "namespace": ISO_15118_2,
        "always_return_exi": True,
        "from_pool": False,
        "broadcast": False,
    }
    body, status = handle(services, **(arguments | changes))
    assert status == 200
    (item,) = body["signedContractDataCollection"]
    return item


def response_code(item: dict[str, Any]) -> tuple[str, bytes]:
    """The response code and the session id of an answer's message."""
    message = decode(base64.b64decode(item["certificateInstallationRes"]))
    return message.body.response_code, message.header.session_id


def failure_of(raised: pytest.ExceptionInfo[Any]) -> dict[str, Any]:
    """The one item with which an error answers the car."""
    (item,) = raised.value.body["signedContractDataCollection"]
    return item


def test_the_car_gets_its_contract_with_its_own_session_id(services: Services) -> None:
    """Only the session id differs from what was stored: a car must never see another one."""
    stored = installation_res(session_id=b"\0")
    services.store.put(record(exi=stored, pcid=PCID_TEXT.lower()), ORIGIN)
    item = ask(services)
    answered = base64.b64decode(item["certificateInstallationRes"])
    assert decode(answered).header.session_id == SESSION
    assert with_session_id(answered, b"\0") == stored
    assert item["pcid"] == PCID_TEXT.lower()
    assert item["xsdMsgDefNamespace"] == ISO_15118_2


def test_only_the_default_contract_is_installed(services: Services) -> None:
    """Of several contracts a car of ISO 15118-2 gets its default, and none if it has none."""
    services.store.put(record(exi=installation_res()), ORIGIN)
    services.store.put(record("FRXYZ123456789", exi=installation_res("FRXYZ123456789")), ORIGIN)
    assert ask(services)["emaid"] == EMAID_TEXT
    services.store.set_default(Emaid.parse("FRXYZ123456789"), Pcid.parse(PCID_TEXT), ORIGIN)
    assert ask(services)["emaid"] == "FRXYZ123456789"
    services.store.delete(Emaid.parse("FRXYZ123456789"), ORIGIN)
    with pytest.raises(ContractOrVehicleNotFound):
        ask(services)


def test_a_contract_of_another_edition_is_not_for_this_car(services: Services) -> None:
    """A default of ISO 15118-20 is nothing to a car that speaks ISO 15118-2."""
    services.store.put(record(namespace=ISO_15118_20, exi=installation_res()), ORIGIN)
    with pytest.raises(ContractOrVehicleNotFound):
        ask(services)


@pytest.mark.parametrize(
    ("roots", "expected"),
    [
        (("C=DE,O=Pool,DC=V2G,CN=V2G Root A",), ROOT_A_NAME),
        (("V2G Root B",), ROOT_B_NAME),
        (("CN=Somebody else", "<Name(C=DE,O=Pool,DC=V2G,CN=V2G Root A)>"), ROOT_A_NAME),
        (("CN=Somebody else",), ROOT_B_NAME),  # none that we hold: the newest
        (("V2G Root A", "V2G Root B"), ROOT_B_NAME),  # both: the newest
    ],
)
def test_the_car_gets_the_variant_of_a_root_it_has(
    services: Services, roots: tuple[str, ...], expected: str
) -> None:
    """A car can check a CPS signature only up to a root that it has installed."""
    for fingerprint, root in ((ROOT_A, ROOT_A_NAME), (ROOT_B, ROOT_B_NAME)):
        services.store.put(
            record(root=fingerprint, v2g_root_distinguished_name=root, exi=installation_res()),
            ORIGIN,
        )
    with capture_logs() as lines:
        item = ask(services, installation_req(roots=roots))
    assert item["cpsRootDistinguishedName"] == expected
    unknown = roots == ("CN=Somebody else",)
    assert any("lists no V2G root" in line["event"] for line in lines) == unknown


def test_an_expired_variant_is_passed_over(services: Services) -> None:
    """The newest valid variant goes to the car, not a newer one that has expired."""
    services.store.put(record(root=ROOT_A, exi=installation_res()), ORIGIN)
    services.store.put(
        record(root=ROOT_B, exi=installation_res(), valid_to=NOW - timedelta(seconds=1)), ORIGIN
    )
    assert ask(services)["cpsV2GRootCertificateFingerprint"] == ROOT_A


@pytest.mark.parametrize("shift", [-2, 2])
def test_a_contract_outside_its_validity_is_not_installed(services: Services, shift: int) -> None:
    """Expired or not yet valid, the car is told that there is no contract for it."""
    services.store.put(
        record(
            exi=installation_res(),
            valid_from=NOW + timedelta(days=shift - 1),
            valid_to=NOW + timedelta(days=shift + 1),
        ),
        ORIGIN,
    )
    with pytest.raises(ContractOrVehicleNotFound):
        ask(services)


def test_a_lab_pool_installs_what_has_expired(lab_services: Services) -> None:
    """In lab mode the contract's validity and the provisioning certificate's only warn."""
    lab_services.store.put(
        record(exi=installation_res(), valid_to=NOW - timedelta(seconds=1)), ORIGIN
    )
    with capture_logs() as lines:
        ask(lab_services, installation_req(not_after=NOW - timedelta(seconds=1)))
    assert [line["failures"] for line in lines if "failures" in line] == [
        [ProvisioningCertificateExpired.message],
        [ContractOrVehicleNotFound.message],
    ]


def test_an_unknown_car_gets_the_published_failure(services: Services) -> None:
    """The failing message is, byte for byte, the one that independent codecs agree on."""
    with pytest.raises(ContractOrVehicleNotFound) as raised:
        ask(services)
    item = failure_of(raised)
    assert item == {
        "certificateInstallationRes": PUBLISHED_FAILURE,
        "pcid": PCID_TEXT,
        "xsdMsgDefNamespace": ISO_15118_2,
    }


@pytest.mark.parametrize("validity", [{"not_after": NOW}, {"not_before": NOW}])
@pytest.mark.parametrize("off", [-1, 1])
def test_the_provisioning_certificate_has_to_be_valid(
    services: Services, validity: dict[str, Any], off: int
) -> None:
    """Outside its validity the car is refused, before any lookup, in words and in EXI."""
    services.store.put(record(exi=installation_res()), ORIGIN)
    moment = {name: at + timedelta(seconds=off) for name, at in validity.items()}
    valid = (off == 1) == ("not_after" in validity)
    if valid:
        ask(services, installation_req(**moment))
        return
    with pytest.raises(ProvisioningCertificateExpired) as raised:
        ask(services, installation_req(**moment))
    assert response_code(failure_of(raised))[0] == "FAILED_CertificateExpired"


@pytest.mark.parametrize("common_name", ["Somebody", "WAUZZZ4B0CC01234", "WAUZZZ4B0CC01234_"])
def test_a_provisioning_certificate_without_pcid_is_refused(
    services: Services, common_name: str
) -> None:
    """The PCID is the subject's common name; another name is no car."""
    with pytest.raises(CertificateUnreadable) as raised:
        ask(services, installation_req(common_name))
    item = failure_of(raised)
    assert "pcid" not in item
    assert response_code(item) == ("FAILED_CertChainError", SESSION)


def test_a_provisioning_certificate_that_is_none_is_refused(services: Services) -> None:
    """The request decodes, so the car is answered in EXI."""
    message = decode(installation_req(session_id=b"\1"))
    message.body.oem_provisioning_cert = b"certificate"
    with pytest.raises(CertificateUnreadable) as raised:
        ask(services, encode(message))
    assert response_code(failure_of(raised)) == ("FAILED_CertChainError", b"\1")


@pytest.mark.parametrize("session_id", [b"", b"\1", bytes(8)])
def test_any_session_id_comes_back(services: Services, session_id: bytes) -> None:
    """From none to eight bytes, in a contract and in a failure alike."""
    req = installation_req(session_id=session_id)
    with pytest.raises(ContractOrVehicleNotFound) as raised:
        ask(services, req)
    assert response_code(failure_of(raised)) == ("FAILED_NoCertificateAvailable", session_id)
    services.store.put(record(exi=installation_res()), ORIGIN)
    assert response_code(ask(services, req)) == ("OK", session_id)


def test_a_failure_of_our_own_is_told_to_the_car_too(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash is a 500 with FAILED for the car; a busy store a 503."""
    for error, kind in ((RuntimeError("secret"), InternalError), (StoreBusy(), StoreBusy)):

        def fail(*_: object, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(Store, "find_default", fail)
        with pytest.raises(kind) as raised:
            ask(services)
        assert response_code(failure_of(raised)) == ("FAILED", SESSION)
        assert "secret" not in " ".join(raised.value.messages)


def test_without_exi_a_failure_is_a_plain_error(services: Services) -> None:
    """alwaysReturnEXI false leaves the body to messages and trace id."""
    with pytest.raises(ContractOrVehicleNotFound) as raised:
        ask(services, always_return_exi=False)
    assert raised.value.body == {}


@pytest.mark.parametrize("zeros", [0, 1, 4])
def test_zero_bytes_behind_the_request_are_forgiven(services: Services, zeros: int) -> None:
    """Relays append zero bytes to what a car sends; up to four do not matter."""
    services.store.put(record(exi=installation_res()), ORIGIN)
    assert ask(services, installation_req() + bytes(zeros))["emaid"] == EMAID_TEXT


@pytest.mark.parametrize("tail", [bytes(5), b"\1", b"\0\1"])
def test_anything_else_behind_the_request_is_refused(services: Services, tail: bytes) -> None:
    """More zero bytes, or other bytes, are no padding."""
    with pytest.raises(ExiInvalid):
        ask(services, installation_req() + tail)


@pytest.mark.parametrize("namespace", [ISO_15118_20, "urn:iso:15118:2:2010:MsgDef", "", "x"])
def test_the_bytes_are_believed_before_the_namespace(services: Services, namespace: str) -> None:
    """A caller that names the wrong edition is served all the same, and the log says so."""
    services.store.put(record(exi=installation_res()), ORIGIN)
    with capture_logs() as lines:
        item = ask(services, namespace=namespace)
    assert item["xsdMsgDefNamespace"] == ISO_15118_2
    assert any("namespace" in line["event"] for line in lines)


def test_an_update_is_not_an_installation(services: Services) -> None:
    """A CertificateUpdateReq is told that only installation is supported."""
    # V2G_Message, Header, SessionID 00; end of Header; Body, element 7 of 6 bits: the update.
    bits = "10000000100110000000000001000000000100000111"
    exi = int(bits.ljust(48, "0"), 2).to_bytes(6, "big")
    with pytest.raises(MessageNotSupported, match="Only certificate installation"):
        ask(services, exi)


def test_over_http_a_car_is_served(client: TestClient) -> None:
    """What a CPS puts in comes out for the car that asks, through a charge point operator."""
    client.put(f"{BASE}/signedcontractdata", json=put_body())
    answer = client.post(
        f"{BASE}/signedcontractdata",
        json=post_body(installation_req(session_id=SESSION), metadata="whatever"),
        headers={"alwaysReturnEXI": "false", "broadcast": "TRUE", "OPNC-from-party-type": "cpo"},
    )
    assert answer.status_code == 200
    (item,) = answer.json()["signedContractDataCollection"]
    assert response_code(item) == ("OK", SESSION)
    assert item["cpsV2GRootCertificateFingerprint"] == ROOT_A


@pytest.mark.parametrize("header", [None, "true", "TRUE", "false"])
def test_over_http_a_failure_carries_exi_unless_it_is_not_wanted(
    client: TestClient, header: str | None
) -> None:
    """alwaysReturnEXI is true by default; the error body has the message beside its fields."""
    answer = client.post(
        f"{BASE}/signedcontractdata",
        json=post_body(installation_req(session_id=SESSION)),
        headers={} if header is None else {"alwaysReturnEXI": header},
    )
    assert_error(answer, 404, "Contract or Vehicle not found.")
    items = answer.json().get("signedContractDataCollection", [])
    expected = [] if header == "false" else [PUBLISHED_FAILURE]
    assert [item["certificateInstallationRes"] for item in items] == expected


@pytest.mark.parametrize("exi", [b"\x80\x98\0", b"hello", installation_res()])
def test_over_http_what_is_no_request_has_no_exi_answer(client: TestClient, exi: bytes) -> None:
    """Without a decoded request there is no session to answer in."""
    answer = client.post(f"{BASE}/signedcontractdata", json=post_body(exi))
    assert answer.status_code == 400
    assert answer.json()["errorMessages"][0] == "EXI format is invalid!"
    assert set(answer.json()) == {"errorMessages", "traceId"}


def test_over_http_only_the_request_s_own_fields_count(client: TestClient) -> None:
    """Unknown fields are ignored; the two that are required are asked for by name."""
    answer = client.post(f"{BASE}/signedcontractdata", json={"emaid": "x", "pcid": 5})
    assert_error(
        answer,
        400,
        "certificateInstallationReq : must not be null",
        "xsdMsgDefNamespace : must not be null",
    )
    req = b64(installation_req())
    body = {"certificateInstallationReq": req, "xsdMsgDefNamespace": ISO_15118_2, "extra": [1]}
    assert client.post(f"{BASE}/signedcontractdata", json=body).status_code == 404
