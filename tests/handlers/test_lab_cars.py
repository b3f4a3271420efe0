"""Cars of simulators: their provisioning certificates have any name, and lab mode serves them."""

import base64
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from ccp.app import create_app
from ccp.domain.errors import CertificateUnreadable
from ccp.domain.identifiers import ISO_15118_2
from ccp.handlers import get_signed_contract_data_by_certificate_installation_req as post
from ccp.iso15118 import decode
from ccp.policy.services import Services
from tests.builders import (
    BASE,
    EMAID_TEXT,
    NOW,
    installation_req,
    installation_res,
    post_body,
    put_body,
)
from tests.conftest import make_settings
from tests.contract.conformance import assert_error, conforming_client
from tests.vectors import everest_req

EVEREST_CAR = "OEMProvCert"
OTHER_EMAID = "DEICEC000000ZZ"
NOT_A_PCID = "The common name of the OEM provisioning certificate is not a PCID: "


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[TestClient]:
    """A pool in lab mode with both APIs, over HTTP."""
    settings = make_settings(tmp_path, checks="lab", opcp="on")
    with conforming_client(create_app(settings, clock=lambda: NOW), lab=True) as client:
        yield client


def post_strict(services: Services, exi: bytes) -> CertificateUnreadable:
    """The error that the POST of a request ends in."""
    with pytest.raises(CertificateUnreadable) as raised:
        post.handle(
            services,
            installation_req_exi=exi,
            namespace=ISO_15118_2,
            always_return_exi=True,
            broadcast=False,
            from_pool=False,
        )
    return raised.value


@pytest.mark.parametrize(
    ("exi", "reason"),
    [
        (everest_req(), "it has 11 characters"),
        (installation_req("WAUZZZ4B0CC01234"), "it has 16 characters"),
        (installation_req("WAUZZZ-4B0CC01234"), "it has other characters"),
        (installation_req("WAUZZZ4B0CC012345\\,CN=x"), "it has 22 characters"),
    ],
    ids=["EVerest", "too short", "a hyphen", "too long"],
)
def test_post_of_a_name_that_is_no_pcid_is_refused_with_the_reason(
    services: Services, exi: bytes, reason: str
) -> None:
    """A strict pool says what is wrong, and repeats the name nowhere."""
    error = post_strict(services, exi)
    assert error.messages[1:] == [
        f"{NOT_A_PCID}{reason}, and a PCID has 17 or 18 letters and digits."
    ]
    (item,) = error.body["signedContractDataCollection"]
    assert "pcid" not in item
    answer = decode(base64.b64decode(item["certificateInstallationRes"]))
    assert answer.body.response_code == "FAILED_CertChainError"


def test_strict_pool_refuses_a_put_for_a_name_that_is_no_pcid(client: TestClient) -> None:
    answer = client.put(f"{BASE}/signedcontractdata", json=put_body(pcid=EVEREST_CAR))
    assert_error(
        answer,
        400,
        "pcid : size must be between 17 and 18",
        'pcid : must match "^[a-zA-Z0-9]{17,18}$"',
    )


def test_lab_pool_serves_the_car_of_a_simulator(lab: TestClient) -> None:
    """EVerest's request gets the contract that was put for its name, and the log warns."""
    put = f"{BASE}/signedcontractdata"
    assert lab.put(put, json=put_body(pcid=EVEREST_CAR)).status_code == 201
    with capture_logs() as lines:
        answer = lab.post(put, json=post_body(everest_req()))
    assert answer.status_code == 200
    (item,) = answer.json()["signedContractDataCollection"]
    assert (item["pcid"], item["emaid"]) == (EVEREST_CAR, EMAID_TEXT)
    message = decode(base64.b64decode(item["certificateInstallationRes"]))
    assert message.header.session_id == decode(everest_req()).header.session_id
    (warning,) = [line for line in lines if "failures" in line]
    assert any(text.startswith(NOT_A_PCID) for text in warning["failures"])


@pytest.mark.parametrize("name", [EVEREST_CAR, "oemPROVcert", "Car 1 (dev)? 100%#e", "x" * 64])
def test_lab_pool_takes_such_a_name_in_every_operation(lab: TestClient, name: str) -> None:
    """PUT, both GETs, setdefault and the facade; names are compared without regard to case."""
    body = put_body(pcid=name)
    other = put_body(installation_res(OTHER_EMAID), emaid=OTHER_EMAID, pcid=name)
    for one in (body, other):
        assert lab.put(f"{BASE}/signedcontractdata", json=one).status_code == 201
    asked = quote(name.upper())
    default = f"{BASE}/signedcontractdata/{OTHER_EMAID}/{asked}/setdefault"
    assert lab.post(default).status_code == 200
    found = lab.get(f"{BASE}/contractData/pcid/{asked}").json()["contractDataCollection"]
    assert {one["emaid"]: one["defaultContract"] for one in found} == {
        EMAID_TEXT: False,
        OTHER_EMAID: True,
    }
    assert {one["pcid"] for one in found} == {name}
    signed = lab.get(f"{BASE}/signedcontractdata/{EMAID_TEXT}/{asked}")
    (item,) = signed.json()["signedContractDataCollection"]
    assert item["certificateInstallationRes"] == body["certificateInstallationRes"]
    facade = lab.get(f"/v1/ccp/provideSignedContractData/{EMAID_TEXT}/{asked}")
    assert facade.json()["certificateInstallationRes"] == item["certificateInstallationRes"]


@pytest.mark.parametrize("name", ["", "x" * 65, "a/b", "a\nb", "a\u202eb", "\u2028"])
def test_lab_pool_refuses_a_name_that_no_path_and_no_page_can_have(
    lab: TestClient, name: str
) -> None:
    answer = lab.put(f"{BASE}/signedcontractdata", json=put_body(pcid=name))
    assert answer.status_code == 400
    assert all(text.startswith("pcid : ") for text in answer.json()["errorMessages"])


def test_lab_pool_refuses_the_request_of_a_car_with_such_a_name(lab_services: Services) -> None:
    error = post_strict(lab_services, installation_req("a/b"))
    assert "it has 3 characters" in error.messages[1]


@pytest.mark.parametrize("base", [BASE, "/v1/ccp"])
def test_lab_pool_documents_the_names_that_it_takes(
    lab: TestClient, client: TestClient, base: str
) -> None:
    """Both forms of the spec agree; those of a strict pool have the published pattern."""
    of_lab = lab.get(f"{base}/openapi.json").json()
    assert yaml.safe_load(lab.get(f"{base}/openapi.yaml").text) == of_lab
    schemas = of_lab["components"]["schemas"]
    pcid = schemas.get("pcidParamV1") or schemas["Pcid"]
    assert (pcid["minLength"], pcid["maxLength"], pcid["pattern"]) == (1, 64, "^[ -.0-~]+$")
    if base == BASE:
        strict = client.get(f"{base}/openapi.json").json()["components"]["schemas"]
        assert strict["pcidParamV1"]["pattern"] == "^[a-zA-Z0-9]{17,18}$"
