"""The operations with messages of ISO 15118-20: the same pool for the new generation of cars."""

import base64
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from ccp.app import make_services
from ccp.clients.clients import Clients
from ccp.domain.errors import (
    CcpError,
    CertificateUnreadable,
    ContractCertificateExpired,
    ContractKeyUnusable,
    ContractOrVehicleNotFound,
    EmaidMismatch,
    ExiInvalid,
    InternalError,
    ProvisioningCertificateExpired,
    ProvisioningCertificateNotYetValid,
    ResponseCodeNotOk,
    SessionIdInvalid,
    SignatureInvalid,
)
from ccp.domain.identifiers import ISO_15118_2, ISO_15118_20, Emaid, Pcid
from ccp.handlers import add_signed_contract_data as put_handler
from ccp.handlers import get_contract_data_by_emaid as list_handler
from ccp.handlers import (
    get_signed_contract_data_by_certificate_installation_req as post_handler,
)
from ccp.handlers import get_signed_contract_data_by_emaid_and_pcid as get_handler
from ccp.handlers import set_signed_contract_data_as_default as default_handler
from ccp.iso15118 import decode, encode, iso20, with_session_id
from ccp.policy.services import Services
from ccp.store import SignedContractData, Store
from ccp.store.rows import record_of
from tests.awaited import awaited
from tests.builders import (
    BASE,
    EMAID_TEXT,
    NOW,
    ORIGIN,
    PCID_20_TEXT,
    ROOT_A,
    ROOT_B,
    SESSION_20,
    b64,
    certificate,
    installation_req,
    installation_req_20,
    installation_res,
    installation_res_20,
    post_body,
    put_body,
    signed,
)
from tests.conftest import make_settings
from tests.contract.conformance import assert_error

EMAIDS = [f"DEICEC{number:08}" for number in range(1, 6)]
URL = f"{BASE}/signedcontractdata"
SPELLINGS = [
    "urn:iso:15118:20:2020:MsgDef",
    "urn:iso:15118:20:2022:MsgDef",
    "urn:iso:std:iso:15118:-20:CommonMessages",
]
res_20 = cache(installation_res_20)


def put(services: Services, emaid: str = EMAID_TEXT, **changes: Any) -> None:
    """Put a contract of ISO 15118-20 for the car."""
    arguments = {
        "emaid": Emaid.parse(emaid),
        "pcid": Pcid.parse(PCID_20_TEXT),
        "namespace": ISO_15118_20,
        "installation_res_exi": res_20(emaid),
        "v2g_root_fingerprint": ROOT_A,
        "origin": ORIGIN,
    }
    assert awaited(put_handler.handle(services, **(arguments | changes))) == (None, 201)


def ask(services: Services, exi: bytes | None = None, **changes: Any) -> list[dict[str, Any]]:
    """Ask as the car does; the items of the answer."""
    arguments = {
        "installation_req_exi": installation_req_20(maximum=255) if exi is None else exi,
        "namespace": ISO_15118_20,
        "always_return_exi": True,
        "from_pool": False,
        "broadcast": False,
    }
    body, status = post_handler.handle(services, **(arguments | changes))
    assert status == 200
    return body["signedContractDataCollection"]


def body_of(item: dict[str, Any]) -> iso20.CertificateInstallationRes:
    """The body of the message in an item."""
    body = decode(base64.b64decode(item["certificateInstallationRes"])).body
    assert isinstance(body, iso20.CertificateInstallationRes)
    return body


def code_of(raised: pytest.ExceptionInfo[CcpError]) -> str:
    """The response code that an error brings for the car."""
    (item,) = raised.value.body["signedContractDataCollection"]
    assert item["xsdMsgDefNamespace"] == ISO_15118_20
    return body_of(item).response_code


# Put


def test_the_message_is_stored_byte_for_byte(services: Services) -> None:
    """It comes back as it was put, under the contract's name of the namespace."""
    put(services)
    (found,) = services.store.find_by_emaid(Emaid.parse(EMAID_TEXT), ISO_15118_20)
    assert found.installation_res_exi == res_20(EMAID_TEXT)
    body, _ = get_handler.handle(
        services, emaid=found.emaid, pcid=found.pcid, namespace=ISO_15118_20
    )
    (item,) = body["signedContractDataCollection"]
    assert base64.b64decode(item["certificateInstallationRes"]) == res_20(EMAID_TEXT)
    assert item["xsdMsgDefNamespace"] == ISO_15118_20


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"response_code": "WARNING_NoCertificateAvailable"}, ResponseCodeNotOk),
        ({"emaid": "DEICECOPNCCERX"}, EmaidMismatch),
        ({"not_after": NOW - timedelta(seconds=1)}, ContractCertificateExpired),
    ],
)
def test_a_strict_pool_refuses_and_a_lab_pool_warns(
    services: Services, lab_services: Services, changes: dict[str, Any], kind: type[CcpError]
) -> None:
    """The checks are those of ISO 15118-2; the EMAID is the contract certificate's common name."""
    exi = installation_res_20(**changes)
    with pytest.raises(kind):
        put(services, installation_res_exi=exi)
    assert services.store.find_by_pcid(Pcid.parse(PCID_20_TEXT), ISO_15118_20) == []
    put(lab_services, installation_res_exi=exi)


def test_put_of_a_key_for_another_curve_is_refused(services: Services) -> None:
    """The lengths are in the schema; the key has to be that of the curve. TPM keys go with both."""
    keys = {
        "secp521_encrypted_private_key": (94, "SECP521"),
        "x448_encrypted_private_key": (84, "X448"),
        "tpm_encrypted_private_key": (206, None),
    }
    for name, (size, right_curve) in keys.items():
        for curve in ("SECP521", "X448"):
            message = decode(res_20(EMAID_TEXT))
            data = message.body.signed_installation_data
            data.ecdh_curve, data.secp521_encrypted_private_key = curve, None
            setattr(data, name, bytes(size))
            exi = signed(message, ec.SECP521R1)
            if right_curve in (curve, None):
                put(services, installation_res_exi=exi)
            else:
                with pytest.raises(ContractKeyUnusable, match=f"ECDHCurve is {curve}"):
                    put(services, installation_res_exi=exi)


def test_what_is_signed_cannot_be_changed(services: Services) -> None:
    """Any part of the SignedInstallationData, of which the encrypted key stands for all."""
    message = decode(res_20(EMAID_TEXT))
    message.body.signed_installation_data.secp521_encrypted_private_key = bytes(93) + b"\1"
    with pytest.raises(SignatureInvalid, match="digest of SignedInstallationData"):
        put(services, installation_res_exi=encode(message))


def test_what_is_not_signed_may_be_anything(services: Services) -> None:
    """A CPS knows neither session nor time, and not how many contracts the car will get."""
    message = decode(res_20(EMAID_TEXT))
    message.header.session_id, message.header.time_stamp = b"\xff" * 8, 2**64 - 1
    message.body.remaining_contract_certificate_chains = 255
    put(services, installation_res_exi=encode(message))
    (item,) = ask(services)
    assert body_of(item).remaining_contract_certificate_chains == 0


@pytest.mark.parametrize("said", [ISO_15118_2, ISO_15118_20])
def test_a_contract_is_stored_under_the_edition_of_its_bytes(services: Services, said: str) -> None:
    """Whatever the caller calls it; a car of the other edition could not read it."""
    put(services, namespace=said)
    put(services, EMAIDS[0], namespace=said, installation_res_exi=installation_res(EMAIDS[0]))
    for namespace, emaid in ((ISO_15118_20, EMAID_TEXT), (ISO_15118_2, EMAIDS[0])):
        found = services.store.find_by_pcid(Pcid.parse(PCID_20_TEXT), namespace)
        assert [one.emaid.text for one in found] == [emaid]


# Post


def test_one_car_may_have_contracts_of_both_editions(services: Services) -> None:
    """Each edition has its own default; a request gets its own edition's."""
    put(services, EMAIDS[0])
    put(services, EMAIDS[1])
    put(
        services, EMAIDS[2], namespace=ISO_15118_2, installation_res_exi=installation_res(EMAIDS[2])
    )
    put(
        services, EMAIDS[1], namespace=ISO_15118_2, installation_res_exi=installation_res(EMAIDS[1])
    )
    in_2 = ask(services, installation_req(PCID_20_TEXT))
    assert [item["emaid"] for item in in_2] == [EMAIDS[2]]
    assert [item["emaid"] for item in ask(services)] == EMAIDS[:2]
    pcid = Pcid.parse(PCID_20_TEXT)
    awaited(
        default_handler.handle(services, emaid=Emaid.parse(EMAIDS[1]), pcid=pcid, origin=ORIGIN)
    )
    in_2 = ask(services, installation_req(PCID_20_TEXT))
    assert [item["emaid"] for item in in_2] == [EMAIDS[1]]
    assert [item["emaid"] for item in ask(services)] == [EMAIDS[1], EMAIDS[0]]


def expected_order(
    put_order: Sequence[str], default: str | None, wanted: Sequence[str], maximum: int
) -> list[str]:
    """What a car gets, by the letter of the rule, one after the other."""
    left = list(reversed(put_order))
    order = []
    for emaid in [*wanted, *([default] if default else []), *left[:]]:
        if emaid in left:
            left.remove(emaid)
            order.append(emaid)
    return order[:maximum]


def spelled(emaid: str) -> st.SearchStrategy[str]:
    """An EMAID as cars may spell it."""
    hyphens = f"{emaid[:2]}-{emaid[2:5]}-{emaid[5:]}"
    return st.sampled_from([emaid, emaid.lower(), hyphens, hyphens.lower()])


@settings(max_examples=60)
@given(data=st.data())
def test_contracts_come_in_the_order_that_the_car_wants(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """What it gives priority to, then the default, then the newest; counted down to none."""
    folder = tmp_path_factory.mktemp("order")
    store = Store(folder / "ccp.db")
    services = make_services(make_settings(folder), store, lambda: NOW, Clients())
    contracts = data.draw(st.lists(st.sampled_from(EMAIDS), min_size=1), label="put")
    default = data.draw(st.none() | st.sampled_from(contracts), label="set as default")
    expired = data.draw(st.sets(st.sampled_from(EMAIDS), max_size=2), label="expired")
    for emaid in contracts:
        put(services, emaid)
    first = contracts[0]
    if default:
        store.set_default(Emaid.parse(default), Pcid.parse(PCID_20_TEXT), ORIGIN)
    stored = store.find_by_pcid(Pcid.parse(PCID_20_TEXT), ISO_15118_20)
    for found in store.with_messages(stored[::-1]):
        if found.emaid.text in expired:
            store.put(replace(found, valid_to=NOW - timedelta(seconds=1)), ORIGIN)
    wanted = data.draw(st.lists(st.sampled_from(EMAIDS), max_size=6), label="priority")
    texts = [data.draw(spelled(emaid)) for emaid in wanted]
    strangers = data.draw(st.lists(st.sampled_from(["", "?", "FRXYZ123456789"]), max_size=2))
    maximum = data.draw(st.integers(1, 6), label="maximum")
    # The newest put of each counts; those that have expired are passed over.
    put_order = [e for e in reversed(dict.fromkeys(reversed(contracts))) if e not in expired]
    expected = expected_order(put_order, default or first, wanted, maximum)
    exi = installation_req_20(maximum=maximum, prioritized=[*strangers, *texts])
    if expected:
        items = ask(services, exi)
        assert [item["emaid"] for item in items] == expected
        remaining = [body_of(item).remaining_contract_certificate_chains for item in items]
        assert remaining == list(reversed(range(len(expected))))
    else:
        with pytest.raises(ContractOrVehicleNotFound):
            ask(services, exi)
    store.close()


def test_without_a_default_the_newest_comes_first(services: Services) -> None:
    """A car whose default was withdrawn still gets what it has."""
    for emaid in EMAIDS[:3]:
        put(services, emaid)
    services.store.delete(Emaid.parse(EMAIDS[0]), ORIGIN)
    assert [item["emaid"] for item in ask(services)] == [EMAIDS[2], EMAIDS[1]]


def test_of_each_contract_one_variant_is_answered(services: Services) -> None:
    """That of a root which the car has installed; as many items as contracts."""
    names = {ROOT_A: "CN=V2G Root A,DC=V2G,C=DE", ROOT_B: "CN=V2G Root B,DC=V2G,C=DE"}
    for emaid in EMAIDS[:2]:
        for root, name in names.items():
            exi = installation_res_20(emaid, root=name)
            put(services, emaid, installation_res_exi=exi, v2g_root_fingerprint=root)
    items = ask(services, installation_req_20(roots=("V2G Root A",)))
    assert [(item["emaid"], item["cpsV2GRootCertificateFingerprint"]) for item in items] == [
        (EMAIDS[0], ROOT_A),
        (EMAIDS[1], ROOT_A),
    ]


def test_only_the_messages_that_are_answered_are_loaded(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever else the car has; a chosen contract's other variants stay where they are, too."""
    for emaid in EMAIDS:
        for root in (ROOT_A, ROOT_B):
            put(services, emaid, v2g_root_fingerprint=root)
    loaded = []

    def load(row: tuple[Any, ...]) -> SignedContractData:
        loaded.append(record_of(row))
        return loaded[-1]

    monkeypatch.setattr("ccp.store.reads.record_of", load)
    items = ask(services, installation_req_20(maximum=2, prioritized=[EMAIDS[3]]))
    assert [item["emaid"] for item in items] == [EMAIDS[3], EMAIDS[0]]
    assert [one.emaid.text for one in loaded] == [EMAIDS[3], EMAIDS[0]]


def test_a_car_without_room_gets_nothing(services: Services) -> None:
    """A maximum of zero is answered like an unknown car, and says why."""
    put(services)
    with pytest.raises(ContractOrVehicleNotFound, match="no room") as raised:
        ask(services, installation_req_20(maximum=0))
    assert code_of(raised) == "WARNING_NoContractMatchingPCIDFound"


def test_an_unknown_car_is_told_so(services: Services) -> None:
    """A car of which the pool has contracts of the other edition only is unknown as well."""
    put(services, namespace=ISO_15118_2, installation_res_exi=installation_res())
    with pytest.raises(ContractOrVehicleNotFound) as raised:
        ask(services)
    (item,) = raised.value.body["signedContractDataCollection"]
    message = decode(base64.b64decode(item["certificateInstallationRes"]))
    assert item["pcid"] == PCID_20_TEXT
    assert message.header.session_id == SESSION_20
    assert message.header.time_stamp == int(NOW.timestamp())
    assert code_of(raised) == "WARNING_NoContractMatchingPCIDFound"


@pytest.mark.parametrize(
    ("validity", "kind", "code"),
    [
        (
            {"not_after": NOW - timedelta(seconds=1)},
            ProvisioningCertificateExpired,
            "WARNING_CertificateExpired",
        ),
        (
            {"not_before": NOW + timedelta(seconds=1)},
            ProvisioningCertificateNotYetValid,
            "WARNING_CertificateNotYetValid",
        ),
    ],
)
def test_the_provisioning_certificate_has_to_be_valid(
    services: Services, validity: dict[str, Any], kind: type[CcpError], code: str
) -> None:
    """ISO 15118-20 tells the car which end of the validity it is."""
    put(services)
    with pytest.raises(kind) as raised:
        ask(services, installation_req_20(**validity))
    assert code_of(raised) == code


def test_a_car_whose_contracts_have_expired_is_told_so(services: Services) -> None:
    """There is none for it: a complete search has found no contract that it could use."""
    put(services)
    for found in services.store.find_contract(Emaid.parse(EMAID_TEXT)):
        services.store.put(replace(found, valid_to=NOW - timedelta(seconds=1)), ORIGIN)
    with pytest.raises(ContractOrVehicleNotFound) as raised:
        ask(services)
    assert code_of(raised) == "WARNING_NoContractMatchingPCIDFound"


def large_certificate(subject: str) -> bytes:
    """A certificate as large as ISO 15118-20 allows, or nearly."""
    units = [f",OU=Department {number:02} {'x' * 40}" for number in range(40)]
    sizes = (
        certificate(subject + "".join(units[:count]), curve=ec.SECP521R1)
        for count in range(len(units), 0, -1)
    )
    return next(der for der in sizes if len(der) <= 1600)


def test_certificates_of_1600_bytes_go_in_and_out(services: Services) -> None:
    """Twice what ISO 15118-2 allows, for the contract and for the car; and listed, too."""
    contract = decode(res_20(EMAID_TEXT))
    der = large_certificate(f"CN={EMAID_TEXT}")
    assert len(der) > 1500
    contract.body.signed_installation_data.contract_certificate_chain.certificate = der
    put(services, installation_res_exi=signed(contract, ec.SECP521R1))
    request = decode(installation_req_20())
    chain = request.body.oem_provisioning_certificate_chain
    chain.certificate = large_certificate(f"CN={PCID_20_TEXT}")
    (item,) = ask(services, signed(request, ec.SECP521R1))
    installed = body_of(item).signed_installation_data.contract_certificate_chain
    assert installed.certificate == der
    body, _ = list_handler.handle(services, emaid=Emaid.parse(EMAID_TEXT), namespace=ISO_15118_20)
    (listed,) = body["contractDataCollection"]
    assert base64.b64decode(listed["contractCertificate"]) == der


def test_a_request_that_was_changed_ends_the_session(services: Services) -> None:
    """Of all failures a wrong signature alone is a FAILED one."""
    message = decode(installation_req_20())
    message.body.oem_provisioning_certificate_chain.sub_certificates.pop()
    with pytest.raises(SignatureInvalid) as raised:
        ask(services, encode(message))
    assert code_of(raised) == "FAILED_SignatureError"


@pytest.mark.parametrize("where", ["leaf", "sub-CA", "PCID"])
def test_a_car_that_cannot_be_read_is_warned(services: Services, where: str) -> None:
    """The request decodes, so the car is answered in EXI."""
    message = decode(installation_req_20("Somebody" if where == "PCID" else PCID_20_TEXT))
    chain = message.body.oem_provisioning_certificate_chain
    if where == "leaf":
        chain.certificate = b"certificate"
    elif where == "sub-CA":
        chain.sub_certificates[0] = b"certificate"
    with pytest.raises(CertificateUnreadable) as raised:
        ask(services, encode(message))
    assert code_of(raised) == "WARNING_CertificateValidationError"


def test_a_failure_of_our_own_does_not_end_the_session(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash is a 500; the car is told that no certificate is available now."""

    def fail(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(Store, "find_by_pcid", fail)
    with pytest.raises(InternalError) as raised:
        ask(services)
    assert code_of(raised) == "WARNING_NoCertificateAvailable"
    assert "secret" not in " ".join(raised.value.messages)


def test_without_exi_a_failure_is_a_plain_error(services: Services) -> None:
    """alwaysReturnEXI false leaves the body to messages and trace id."""
    with pytest.raises(ContractOrVehicleNotFound) as raised:
        ask(services, always_return_exi=False)
    assert raised.value.body == {}


# The OEM's own way


def test_the_oem_gets_its_session_id_of_eight_bytes(services: Services) -> None:
    """Nothing else in the message changes; another length is refused before any lookup."""
    put(services)
    key = {"emaid": Emaid.parse(EMAID_TEXT), "pcid": Pcid.parse(PCID_20_TEXT)}
    body, _ = get_handler.handle(
        services, **key, namespace=ISO_15118_20, session_id=bytes(range(1, 9))
    )
    (item,) = body["signedContractDataCollection"]
    exi = base64.b64decode(item["certificateInstallationRes"])
    assert decode(exi).header.session_id == bytes(range(1, 9))
    assert with_session_id(exi, bytes(8)) == res_20(EMAID_TEXT)
    for emaid in (key["emaid"], Emaid.parse(EMAIDS[0])):
        with pytest.raises(SessionIdInvalid):
            get_handler.handle(
                services,
                emaid=emaid,
                pcid=key["pcid"],
                namespace=ISO_15118_20,
                session_id=bytes(7),
            )


# Over HTTP


@pytest.mark.parametrize("namespace", SPELLINGS)
def test_over_http_every_spelling_of_the_namespace_is_understood(
    client: TestClient, namespace: str
) -> None:
    """On the way in all that are in use; on the way out the contract's."""
    body = put_body(res_20(EMAID_TEXT), pcid=PCID_20_TEXT, xsdMsgDefNamespace=namespace)
    assert client.put(URL, json=body).status_code == 201
    query = {"xsdMsgDefNamespace": namespace}
    found = [
        client.get(f"{BASE}/contractData/emaid/{EMAID_TEXT}", params=query),
        client.get(f"{BASE}/contractData/pcid/{PCID_20_TEXT}", params=query),
    ]
    for answer in found:
        (item,) = answer.json()["contractDataCollection"]
        assert item["xsdMsgDefNamespace"] == ISO_15118_20
    found = [
        client.get(f"{URL}/{EMAID_TEXT}/{PCID_20_TEXT}", params=query),
        client.post(URL, json=post_body(installation_req_20(), xsdMsgDefNamespace=namespace)),
    ]
    for answer in found:
        (item,) = answer.json()["signedContractDataCollection"]
        assert item["xsdMsgDefNamespace"] == ISO_15118_20
    assert client.get(f"{BASE}/contractData/emaid/{EMAID_TEXT}").status_code == 404


@pytest.mark.parametrize("namespace", [ISO_15118_2, "urn:iso:15118:20:2022:MsgDef", "x"])
def test_over_http_the_bytes_count(client: TestClient, namespace: str) -> None:
    """A real CSMS asks for cars of ISO 15118-20 under the name of ISO 15118-2."""
    body = put_body(res_20(EMAID_TEXT), pcid=PCID_20_TEXT)
    assert client.put(URL, json=body).status_code == 201
    request = post_body(installation_req_20(), xsdMsgDefNamespace=namespace)
    (item,) = client.post(URL, json=request).json()["signedContractDataCollection"]
    assert item["xsdMsgDefNamespace"] == ISO_15118_20


def test_over_http_a_short_session_id_is_told(client: TestClient) -> None:
    """In the published words, and with the reason."""
    answer = client.get(
        f"{URL}/{EMAID_TEXT}/{PCID_20_TEXT}",
        params={"sessionID": "00", "xsdMsgDefNamespace": ISO_15118_20},
    )
    assert_error(
        answer,
        400,
        "Invalid SessionID format, make sure the length is maximum 8 characters"
        " and it is represented in HEX binary",
        "A session id of ISO 15118-20 has 8 bytes.",
    )


@pytest.mark.parametrize(
    ("exi", "told"),
    [
        (b"\x80\x20", "SessionID is cut off."),
        (res_20(EMAID_TEXT)[:-1], "is cut off."),
        (res_20(EMAID_TEXT) + b"\0", "goes on after its end."),
        (installation_req_20(), "The message is a CertificateInstallationReq, not a Res."),
    ],
    ids=["two bytes", "cut off", "zero behind", "a request"],
)
def test_over_http_what_is_not_the_message_is_told(
    client: TestClient, exi: bytes, told: str
) -> None:
    """Bytes that no car could read are refused, with the element where they stop making sense."""
    answer = client.put(URL, json=put_body(exi, pcid=PCID_20_TEXT))
    assert answer.status_code == 400
    first, second = answer.json()["errorMessages"]
    assert first == ExiInvalid.message
    assert second.endswith(told)


def test_over_http_the_unknown_car_reads_its_answer(client: TestClient) -> None:
    """The failing message is 264 bytes, a size known of others' codecs."""
    answer = client.post(URL, json=post_body(installation_req_20()))
    assert answer.status_code == 404
    (item,) = answer.json()["signedContractDataCollection"]
    assert len(base64.b64decode(item["certificateInstallationRes"])) == 264
    assert item["xsdMsgDefNamespace"] == ISO_15118_20
    assert (
        b64(base64.b64decode(item["certificateInstallationRes"]))
        == (item["certificateInstallationRes"])
    )
