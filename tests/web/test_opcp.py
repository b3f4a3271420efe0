"""The facade for OPCP: each thing that its clients rely on, on what decoded messages say."""

import base64
import json
from datetime import timedelta
from unittest.mock import Mock

import pytest
import structlog

from ccp.app import create_app
from ccp.domain.errors import ContractNotFound, ContractOrVehicleNotFound, StoreBusy
from ccp.handlers import delete_signed_contract_data_by_emaid as deleting
from ccp.handlers import get_signed_contract_data_by_certificate_installation_req as installing
from ccp.iso15118 import decode
from ccp.observability.owners import merge_owners
from ccp.store import Store, read_audit_trail
from ccp.web.opcp import TRANSLATIONS
from tests.builders import (
    BASE,
    EMAID_TEXT,
    NOW,
    PCID_20_TEXT,
    PCID_TEXT,
    ROOT_A,
    ROOT_B,
    SESSION_20,
    b64,
    installation_req,
    installation_req_20,
    installation_res,
    installation_res_20,
    post_body,
    put_body,
)
from tests.conftest import make_settings
from tests.contract.conformance import OPCP_BASE_PATH, assert_error, conforming_client
from tests.issuer import bearer, ec_key, jwt_settings

URL = f"{OPCP_BASE_PATH}/signedContractData"
PROVIDE = f"{OPCP_BASE_PATH}/provideSignedContractData"
LOOKUP = f"{OPCP_BASE_PATH}/lookupContract"
DEFAULT = f"{URL}/{PCID_TEXT}/{EMAID_TEXT}/default"
MSG_DEF_2 = "urn:iso:15118:2:2013:MsgDef"
MSG_DEF_20 = "urn:iso:15118:20:2022:MsgDef"
OTHER_EMAID = "DEICECOPNOTHER"
ROOT_NAME = "CN=V2G Root CA,DC=V2G,O=Test,C=DE"
EMAID = 'emaid : must match "^[A-Za-z]{2}[-]?\\w{3}[-]?\\w{9}[-]?(\\w{1})?$"'
PCID = 'pcid : must match "^[a-zA-Z0-9]{17,18}$"'
NO_CAR = "Contract or Vehicle not found."
NO_CONTRACT = "The contract for the given EMAID not found."


def facade_settings(folder, **variables):
    """Settings of a pool with the facade, which is there unless something else is said."""
    return make_settings(folder, **{"opcp": "", **variables})


@pytest.fixture
def client(tmp_path):
    """A strict pool with the facade, over HTTP; every answer is held against its spec."""
    with conforming_client(create_app(facade_settings(tmp_path), clock=lambda: NOW)) as client:
        yield client


@pytest.fixture(scope="module")
def empty_client(tmp_path_factory):
    """Such a pool for requests that store nothing."""
    settings = facade_settings(tmp_path_factory.mktemp("pool"))
    with conforming_client(create_app(settings, clock=lambda: NOW)) as client:
        yield client


def put(client, exi=None, emaid=EMAID_TEXT, pcid=PCID_TEXT, **more):
    """Put a contract in as a client of OPCP does; it has to be stored."""
    body = {
        "signedContractDataXML": b64(exi or installation_res(emaid)),
        "emaid": emaid,
        "pcid": pcid,
        "xsdMsgDefNamespace": MSG_DEF_2,
    }
    response = client.put(URL, json=body | more)
    assert (response.status_code, response.json()) == (201, {})


def message_of(item):
    """Decode the message of an item."""
    return decode(base64.b64decode(item["certificateInstallationRes"], validate=True))


def items_of(response):
    """What is inside each item of a CCPResponse."""
    (name,) = set(response.json()) - {"errorMessages", "traceId"}
    assert name == "CCPResponse"
    return [item["messageDef"] for item in response.json()[name]["emaidContent"]]


# A car gets its contract


@pytest.mark.parametrize("place", [0, -1], ids=["the first item", "the last item"])
def test_a_car_gets_its_contract(client, place):
    """One item, so that it is both first and last, with EMAID and note, for this session."""
    put(client)
    put(client, emaid=OTHER_EMAID)
    response = client.post(URL, json=post_body())
    assert response.status_code == 200
    assert set(items_of(response)[place]) == {"certificateInstallationRes", "emaid", "metaData"}
    assert (len(items_of(response)), items_of(response)[place]["metaData"]) == (1, "")
    message = message_of(items_of(response)[place])
    assert message.header.session_id == bytes.fromhex("2A3DC6D75411F647")
    assert message.body.emaid.value == items_of(response)[place]["emaid"] == EMAID_TEXT


def test_the_note_is_answered(client):
    """OPCP calls it metadata when it is put, and metaData when it is answered."""
    put(client, metadata="a note")
    assert items_of(client.post(URL, json=post_body()))[0]["metaData"] == "a note"


@pytest.mark.parametrize("namespace", [MSG_DEF_2, MSG_DEF_20])
def test_a_message_tells_its_edition(client, namespace):
    """A message of ISO 15118-20 is one, whichever namespace the client knows, going in and out."""
    exi = installation_res_20()
    put(client, exi, pcid=PCID_20_TEXT, xsdMsgDefNamespace=namespace)
    request = post_body(installation_req_20(maximum=1), xsdMsgDefNamespace=namespace)
    (item,) = items_of(client.post(URL, json=request))
    assert item["emaid"] == EMAID_TEXT
    assert message_of(item).header.session_id == SESSION_20
    stored = client.get(
        f"{PROVIDE}/{EMAID_TEXT}/{PCID_20_TEXT}", params={"xsdMsgDefNamespace": MSG_DEF_20}
    )
    assert stored.json()["xsdMsgDefNamespace"] == "urn:iso:15118:20:2020:MsgDef"


def test_a_car_that_asks_for_more_gets_more(client):
    """A car of ISO 15118-20 says how many contracts it has room for: each is an item."""
    for emaid in (EMAID_TEXT, OTHER_EMAID):
        put(client, installation_res_20(emaid), emaid=emaid, pcid=PCID_20_TEXT)
    response = client.post(URL, json=post_body(installation_req_20(maximum=3)))
    items = items_of(response)
    assert [item["emaid"] for item in items] == [EMAID_TEXT, OTHER_EMAID]
    remaining = [message_of(i).body.remaining_contract_certificate_chains for i in items]
    assert remaining == [1, 0]


def test_what_clients_send_besides_makes_no_difference(client):
    """Unknown headers and members are ignored; a type of a body that is not there, too."""
    headers = {"x-api-key": "k", "Authorization": "Bearer none", "X-Other": "1"}
    typed = headers | {"Content-Type": "application/json"}
    put(client, cpsRootCertificateId="a0eebc99", more={"deep": [1]})
    response = client.post(URL, json=post_body(more=5), headers=headers)
    assert message_of(items_of(response)[0]).body.response_code == "OK"
    for path in (f"{PROVIDE}/{EMAID_TEXT}/{PCID_TEXT}", f"{LOOKUP}/{EMAID_TEXT}"):
        assert client.get(path, headers=typed).status_code == 200
    response = client.request("DELETE", f"{URL}/{EMAID_TEXT}", headers=typed)
    assert (response.status_code, response.json()) == (200, {})


# And what if not


def failure_of(response, status):
    """The message for the car that an error brings; there is no EMAID, and one item."""
    assert response.status_code == status
    assert response.json()["errorMessages"]
    (item,) = items_of(response)
    assert (set(item), item["metaData"]) == ({"certificateInstallationRes", "metaData"}, "")
    message = message_of(item)
    assert message.header.session_id == bytes.fromhex("2A3DC6D75411F647")
    return message.body.response_code


def test_a_car_without_a_contract_gets_an_answer(client):
    """404 has a message that the car understands, and words that a client reads, in one body."""
    response = client.post(URL, json=post_body())
    assert failure_of(response, 404) == "FAILED_NoCertificateAvailable"
    assert set(response.json()) == {"CCPResponse", "errorMessages", "traceId"}
    assert json.loads(response.text)["errorMessages"] == [NO_CAR]


def test_no_answer_for_the_car_where_none_is_wanted(client):
    """With alwaysReturnEXI false an error is words alone."""
    response = client.post(URL, json=post_body(), headers={"alwaysReturnEXI": "false"})
    assert_error(response, 404, NO_CAR)
    assert set(response.json()) == {"errorMessages", "traceId"}


def test_a_refused_car_gets_an_answer(client):
    """So has 400, where the request could be decoded."""
    request = installation_req(not_after=NOW - timedelta(days=1))
    response = client.post(URL, json=post_body(request))
    assert failure_of(response, 400) == "FAILED_CertificateExpired"


@pytest.mark.parametrize(("error", "status"), [(ZeroDivisionError, 500), (StoreBusy, 503)])
def test_a_failure_of_the_pool_has_an_answer_for_the_car(client, monkeypatch, error, status):
    """So has what is the pool's own fault, and nothing of what went wrong is told."""
    monkeypatch.setattr(Store, "find_default", Mock(side_effect=error))
    response = client.post(URL, json=post_body())
    assert failure_of(response, status) == "FAILED"
    assert response.headers.get("retry-after") == ("1" if status == 503 else None)
    assert "division" not in response.text.lower()


def test_what_cannot_be_decoded_has_no_answer(client):
    """Where nobody knows what the car said, there are words alone."""
    response = client.post(URL, json=post_body(b"\x80"))
    assert response.status_code == 400
    assert set(response.json()) == {"errorMessages", "traceId"}


# broadcast


@pytest.mark.parametrize(
    ("headers", "asks_others"),
    [({}, True), ({"broadcast": "false"}, True), ({"broadcast": "true"}, False)],
)
def test_broadcast_means_the_opposite(tmp_path, monkeypatch, headers, asks_others):
    """In OPCP `broadcast: true` keeps a request here, and unless it is said it goes on."""
    seen = []

    def handle(_services, *, installation_req_exi, namespace, always_return_exi, broadcast):
        seen.append(broadcast)
        raise ContractOrVehicleNotFound

    monkeypatch.setattr(installing, "handle", handle)
    with conforming_client(create_app(facade_settings(tmp_path), clock=lambda: NOW)) as client:
        assert_error(client.post(URL, json=post_body(), headers=headers), 404, NO_CAR)
    assert seen == [asks_others]


@pytest.mark.parametrize("waits", [False, True], ids=["at once", "later"])
@pytest.mark.parametrize("fails", [False, True], ids=["success", "error"])
def test_who_waits_for_others_is_translated_too(tmp_path, monkeypatch, waits, fails):
    """What a handler gives or raises, at once or when it has waited, is said in OPCP's words."""
    exi = {"certificateInstallationRes": "gJg=", "xsdMsgDefNamespace": MSG_DEF_2}
    # A peer pool may spell an EMAID with hyphens, which OPNC passes on and OPCP does not know.
    contract = exi | {"emaid": "de-ice-copnccert", "pcid": PCID_TEXT}
    found = {"signedContractDataCollection": [contract]}

    def answer():
        if fails:
            error = ContractOrVehicleNotFound()
            error.body = {"signedContractDataCollection": [exi]}
            raise error
        return found, 200

    async def answer_later():
        return answer()

    monkeypatch.setattr(
        installing, "handle", lambda *_, **__: answer_later() if waits else answer()
    )
    with conforming_client(create_app(facade_settings(tmp_path), clock=lambda: NOW)) as client:
        response = client.post(URL, json=post_body())
        same = client.post(f"{BASE}/signedcontractdata", json=post_body())
    named = {} if fails else {"emaid": EMAID_TEXT}
    message = {"certificateInstallationRes": "gJg=", "metaData": ""} | named
    assert items_of(response) == [message]
    assert response.status_code == same.status_code == (404 if fails else 200)
    assert same.json()["signedContractDataCollection"][0].items() >= exi.items()


# Putting in, taking out


def test_the_name_of_opnc_is_understood(client):
    """A message may come as certificateInstallationRes."""
    assert client.put(URL, json=put_body()).json() == {}
    assert client.get(f"{LOOKUP}/{EMAID_TEXT}").status_code == 200


def test_of_two_messages_that_of_opcp_counts(client):
    """Where both names are there, the other message is not even read."""
    put(client, certificateInstallationRes="no base64")
    (item,) = items_of(client.post(URL, json=post_body()))
    assert message_of(item).body.emaid.value == EMAID_TEXT


def test_one_message_there_must_be(empty_client):
    """What is missing is told by the name that OPCP has for it."""
    response = empty_client.put(URL, json={"emaid": "x", "pcid": "x"})
    assert_error(
        response,
        400,
        EMAID,
        PCID,
        "pcid : size must be between 17 and 18",
        "signedContractDataXML : must not be null",
        "xsdMsgDefNamespace : must not be null",
    )


def test_a_wrong_message_is_told_by_the_name_it_came_under(empty_client):
    """Whoever sends signedContractDataXML is not told of a name that they did not write."""
    response = empty_client.put(URL, json=put_body(signedContractDataXML=5))
    assert_error(response, 400, "signedContractDataXML : must be of type string")


def test_what_does_not_hold_is_refused(client):
    """The checks are the pool's: an expired contract is told in `errorMessages`."""
    exi = installation_res(not_after=NOW - timedelta(days=1))
    body = put_body() | {"signedContractDataXML": b64(exi)}
    assert_error(
        client.put(URL, json=body),
        400,
        "The validUntil date of contract certificate is in the past.",
    )


def test_a_root_that_is_named_is_kept(client):
    """The fingerprint of OPNC says under which V2G root a contract is stored."""
    put(client, cpsV2GRootCertificateFingerprint=ROOT_B)
    (contract,) = client.get(f"{LOOKUP}/{EMAID_TEXT}").json()["XMLContracts"]
    assert contract["cpsV2GRootCertificateFingerprint"] == ROOT_B


@pytest.mark.parametrize("emaid", [EMAID_TEXT, "DE-ICE-COPNCCERT", "de-ice-copnccert"])
def test_a_contract_is_taken_out(client, emaid):
    """DELETE answers a body that can be parsed, and the contract is gone, also for OPNC."""
    put(client)
    response = client.delete(f"{URL}/{emaid}")
    assert (response.status_code, response.json()) == (200, {})
    assert_error(client.delete(f"{URL}/{emaid}"), 404, NO_CONTRACT)
    assert client.get(f"{BASE}/contractData/emaid/{EMAID_TEXT}").status_code == 404


@pytest.mark.parametrize(("header", "skips"), [({}, False), ({"X-Skip-Revocation": "TRUE"}, True)])
def test_revocation_can_be_left_out(tmp_path, monkeypatch, header, skips):
    """X-Skip-Revocation is what it is in OPNC."""
    seen = []

    def handle(_services, *, emaid, skip_revocation):
        seen.append((emaid.text, skip_revocation))
        raise ContractNotFound

    monkeypatch.setattr(deleting, "handle", handle)
    with conforming_client(create_app(facade_settings(tmp_path))) as client:
        client.delete(f"{URL}/{EMAID_TEXT}", headers=header)
    assert seen == [(EMAID_TEXT, skips)]


# The default


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("query", ["", "?priority=1"])
def test_an_oem_chooses_the_default(client, method, query):
    """PCID first, then EMAID; from then on the car gets that contract."""
    put(client)
    put(client, emaid=OTHER_EMAID)
    response = client.request(method, f"{URL}/{PCID_TEXT}/{OTHER_EMAID}/default{query}")
    assert (response.status_code, response.json()) == (200, {})
    (item,) = items_of(client.post(URL, json=post_body()))
    assert message_of(item).body.emaid.value == item["emaid"] == OTHER_EMAID


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_there_is_no_second_priority(empty_client, method):
    """What cannot be kept is refused; so is a contract that is not there."""
    response = empty_client.request(method, f"{DEFAULT}?priority=2")
    assert_error(response, 400, "priority : must be one of 1")
    assert_error(empty_client.request(method, DEFAULT), 404, NO_CONTRACT)


# Looking up


def test_an_oem_fetches_the_newest_variant(client):
    """One flat message: of several V2G roots the newest, or the one that is named."""
    old, new = installation_res(session_id=b"\1"), installation_res(session_id=b"\2")
    put(client, old, cpsV2GRootCertificateFingerprint=ROOT_A)
    put(client, new, cpsV2GRootCertificateFingerprint=ROOT_B)
    for query, exi in [
        ({}, new),
        ({"cpsV2GRootCertificateFingerprint": ROOT_A}, old),
        ({"cpsV2GRootCertificateFingerprint": ROOT_B, "sessionID": ""}, new),
    ]:
        answer = client.get(f"{PROVIDE}/{EMAID_TEXT}/{PCID_TEXT}", params=query).json()
        assert answer == {"certificateInstallationRes": b64(exi), "xsdMsgDefNamespace": MSG_DEF_2}


def test_an_oem_gives_the_session_id(client):
    """The message is for the session that the OEM names."""
    put(client)
    path = f"{PROVIDE}/{EMAID_TEXT}/{PCID_TEXT}"
    message = message_of(client.get(path, params={"sessionID": "0A0B"}).json())
    assert message.header.session_id == b"\x0a\x0b"
    assert message.body.emaid.value == EMAID_TEXT


@pytest.mark.parametrize("path", [f"{LOOKUP}/{EMAID_TEXT}", f"{URL}/{PCID_TEXT}"])
def test_contracts_are_looked_up(client, path):
    """By EMAID and by PCID: OPNC's facts, and the root's name under OPCP's names too."""
    put(client)
    (contract,) = client.get(path).json()["XMLContracts"]
    by_opnc = client.get(f"{BASE}/contractData/pcid/{PCID_TEXT}").json()
    (facts,) = by_opnc["contractDataCollection"]
    name = facts["cpsV2GRootDistinguishedName"]
    assert name.replace(", ", ",") == ROOT_NAME
    assert contract == facts | {"cpsRootCertificateDN": name, "cpsRootDistinguishedName": name}
    assert (contract["emaid"], contract["pcid"]) == (EMAID_TEXT, PCID_TEXT)
    other = client.get(path, params={"xsdMsgDefNamespace": MSG_DEF_20})
    assert other.status_code == (404 if "lookup" in path else 200)
    assert "DEICE" not in other.text


def test_a_root_that_is_not_known_has_no_names():
    """What is not known is left out under each of its names."""
    translate = TRANSLATIONS["opcpLookupContract"].body
    assert translate({"contractDataCollection": [{"emaid": "x"}]}) == {
        "XMLContracts": [{"emaid": "x"}]
    }


@pytest.mark.parametrize("namespace", [MSG_DEF_2, MSG_DEF_20, "urn:nobody", ""])
def test_an_unknown_car_has_no_contracts(empty_client, namespace):
    """An unknown PCID is an empty list, an unknown EMAID is not found, in whatever edition."""
    query = {"xsdMsgDefNamespace": namespace}
    response = empty_client.get(f"{URL}/{PCID_TEXT}", params=query)
    assert (response.status_code, response.json()) == (200, {"XMLContracts": []})
    assert_error(empty_client.get(f"{LOOKUP}/{EMAID_TEXT}", params=query), 404, NO_CONTRACT)


def test_a_longer_emaid_of_opnc_is_shown(client):
    """What OPNC allows and OPCP does not can be seen and installed, though not asked for."""
    emaid = "DEICE" + "C" * 20
    exi = installation_res_20(emaid)
    body = put_body(exi, emaid=emaid, pcid=PCID_20_TEXT)
    assert client.put(f"{BASE}/signedcontractdata", json=body).status_code == 201
    query = {"xsdMsgDefNamespace": MSG_DEF_20}
    (contract,) = client.get(f"{URL}/{PCID_20_TEXT}", params=query).json()["XMLContracts"]
    (item,) = items_of(client.post(URL, json=post_body(installation_req_20())))
    assert contract["emaid"] == item["emaid"] == emaid
    assert_error(client.get(f"{LOOKUP}/{emaid}"), 400, EMAID)


# What is as everywhere


@pytest.mark.parametrize(
    ("method", "path", "messages"),
    [
        ("GET", f"{LOOKUP}/DEICE", {EMAID}),
        ("GET", f"{LOOKUP}/{'C' * 19}", {EMAID}),
        ("DELETE", f"{URL}/DEICECOPNCCER%C3%9F", {EMAID}),
        ("DELETE", f"{URL}/{'C' * 37}", {EMAID}),
        ("GET", f"{URL}/WAUZZZ4B0CC01234!", {PCID}),
        ("GET", f"{PROVIDE}/DE!CE/WAUZZZ4B0CC01234!", {EMAID, PCID}),
        ("POST", f"{URL}/WAUZZZ4B0CC01234!/DE!CE/default", {EMAID, PCID}),
        ("PUT", f"{URL}/WAUZZZ4B0CC01234!/DE!CE/default", {EMAID, PCID}),
    ],
)
def test_malformed_ids_are_told_by_name(empty_client, method, path, messages):
    """Whatever the template is called, a message says whether it was EMAID or PCID."""
    assert_error(empty_client.request(method, path), 400, *messages)


@pytest.mark.parametrize("path", [f"{LOOKUP}/{EMAID_TEXT}", f"{PROVIDE}/{EMAID_TEXT}/{PCID_TEXT}"])
def test_unknown_query_parameters_are_refused(empty_client, path):
    """A root's UUID in somebody's root pool means nothing here."""
    response = empty_client.get(path, params={"cpsRootCertificateId": "a0eebc99-9c0b"})
    assert response.status_code == 400
    assert "The query may have no other parameters than" in response.json()["errorMessages"][0]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", URL, "PUT, POST"),
        ("PUT", f"{URL}/{EMAID_TEXT}", "GET, HEAD, DELETE"),
        ("GET", DEFAULT, "PUT, POST"),
        ("DELETE", f"{LOOKUP}/{EMAID_TEXT}", "GET, HEAD"),
    ],
)
def test_methods_that_are_not_there(empty_client, method, path, allowed):
    """405 names all methods of the path."""
    response = empty_client.request(method, path)
    assert_error(response, 405, "This path has no such method.")
    assert response.headers["allow"] == allowed


@pytest.mark.parametrize(
    "path", [f"{URL}//", f"{OPCP_BASE_PATH}/signedcontractdata", "/v1/ccpX/ui/"]
)
def test_paths_that_are_not_there(empty_client, path):
    """No path of OPNC is one here."""
    assert_error(
        empty_client.get(path),
        404,
        f'There is no such path: "{path}". The page "/" links to the documentation.',
    )


def test_head_is_get_without_a_body(client):
    """As for every GET, the car's list among them, whose path has a DELETE too."""
    put(client)
    response = client.head(f"{URL}/{PCID_TEXT}")
    assert response.status_code == 200
    assert (
        response.headers["content-length"]
        == client.get(f"{URL}/{PCID_TEXT}").headers["content-length"]
    )


def test_documents_are_those_of_the_facade(empty_client):
    """Each spec is served under its own path, in Swagger UI too."""
    text = empty_client.get(f"{OPCP_BASE_PATH}/openapi.yaml").text
    assert "operationId: opcpLookupContract" in text
    document = empty_client.get(f"{OPCP_BASE_PATH}/openapi.json").json()
    assert document["servers"] == [{"url": OPCP_BASE_PATH}]
    page = empty_client.get(f"{OPCP_BASE_PATH}/ui/").text
    assert f'url: "{OPCP_BASE_PATH}/openapi.json"' in page
    redirect = empty_client.get(f"{OPCP_BASE_PATH}/ui", follow_redirects=False)
    assert redirect.headers["location"] == f"{OPCP_BASE_PATH}/ui/"
    headers = {"Range": "bytes=zz"}
    for base in (BASE, OPCP_BASE_PATH):
        css = empty_client.get(f"{base}/ui/swagger-ui.css", headers=headers)
        assert css.status_code == 200


def test_the_log_names_the_operation(client):
    """Whoever reads the log sees which protocol was spoken, and whose contract it was."""
    with structlog.testing.capture_logs([merge_owners]) as log:
        put(client)
        client.delete(f"{URL}/{EMAID_TEXT}")
        client.get(f"{URL}/{PCID_TEXT}")
    lines = [line for line in log if line["event"] == "request"]
    assert [line["operation"] for line in lines] == [
        "opcpAddSignedContractData",
        "opcpDeleteSignedContractData",
        "opcpLookupContractsOfCar",
    ]
    assert lines[1]["provider_id"] == EMAID_TEXT[:5]
    assert lines[2]["wmi"] == PCID_TEXT[:3]


# Who may, and whether it is there at all


@pytest.fixture
def tokens_client(tmp_path):
    """A pool that asks for tokens."""
    settings = facade_settings(tmp_path, **jwt_settings(tmp_path, ec_key()))
    with conforming_client(create_app(settings, clock=lambda: NOW)) as client:
        yield client


OPERATIONS = {
    "put": ("PUT", URL, put_body()),
    "post": ("POST", URL, post_body()),
    "lookup": ("GET", f"{LOOKUP}/{EMAID_TEXT}", None),
    "car": ("GET", f"{URL}/{PCID_TEXT}", None),
    "provide": ("GET", f"{PROVIDE}/{EMAID_TEXT}/{PCID_TEXT}", None),
    "post default": ("POST", DEFAULT, None),
    "put default": ("PUT", DEFAULT, None),
    "delete": ("DELETE", f"{URL}/{EMAID_TEXT}", None),
}
MAY = {
    ("emsp", "DEICE"): {"put", "lookup", "delete"},
    ("emsp", "FRXYZ"): set(),
    ("oem", "WAU"): {"car", "provide", "post default", "put default"},
    ("oem", "WBA"): set(),
    ("cpo", "DE8AA"): {"post"},
    ("cps", "4E05B892"): {"put"},
    ("operator", "DE8AA"): set(OPERATIONS),
}


@pytest.mark.parametrize("caller", MAY, ids=str)
def test_rights_are_those_of_opnc(tokens_client, caller):
    """Each role has the same operations as there, with its own contracts and cars."""
    role, own = caller
    operator = bearer(ec_key().token())
    assert tokens_client.put(URL, json=put_body(), headers=operator).status_code == 201
    headers = bearer(ec_key().token(role=role, ids=[own])) | {"x-api-key": "k"}
    statuses = {
        name: tokens_client.request(method, path, json=body, headers=headers).status_code
        for name, (method, path, body) in OPERATIONS.items()
    }
    assert {name for name, status in statuses.items() if status < 300} == MAY[caller]
    assert {status for status in statuses.values() if status >= 300} <= {403}


def test_without_a_token_nobody_gets_further(tokens_client):
    """Every operation asks for one, before anything else of a request is looked at."""
    for method, path, _ in OPERATIONS.values():
        response = tokens_client.request(method, path, json={}, headers={"x-api-key": "k"})
        assert_error(response, 401, "A valid access token is required.")


def test_writes_leave_their_line_in_the_audit_trail(tokens_client, tmp_path):
    """Who put a contract in, and took it out, is on record as for OPNC."""
    headers = bearer(ec_key().token(role="emsp", ids=["DEICE"], sub="an MO"))
    tokens_client.put(URL, json=put_body(), headers=headers)
    tokens_client.delete(f"{URL}/{EMAID_TEXT}", headers=headers)
    trail = [(line.action, line.subject) for line in read_audit_trail(tmp_path / "ccp.db")]
    assert trail == [("put", "an MO"), ("delete", "an MO")]


@pytest.mark.parametrize(
    ("variables", "is_there"),
    [
        ({"opcp": ""}, True),
        ({"opcp": "off"}, False),
        ({"host": "0.0.0.0", "opcp": ""}, False),  # noqa: S104
        ({"host": "0.0.0.0", "opcp": "on"}, True),  # noqa: S104
    ],
    ids=str,
)
def test_it_is_there_where_it_was_asked_for(tmp_path, variables, is_there):
    """By default on loopback alone; where it is off, nothing below its path is known."""
    with create_app(facade_settings(tmp_path, **variables)).test_client() as client:
        for path in (f"{URL}/{PCID_TEXT}", f"{OPCP_BASE_PATH}/openapi.json"):
            response = client.get(path)
            assert (response.status_code == 200) is is_there
            if not is_there:
                assert_error(
                    response,
                    404,
                    f'There is no such path: "{path}". The page "/" links to the documentation.',
                )
        assert client.get(f"{BASE}/openapi.json").status_code == 200
