"""Schemathesis drives the specs against the pool: nothing undocumented, or wrongly accepted."""

import hypothesis
import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.python.asgi import get_client

from ccp.app import create_app
from tests.builders import EMAID_TEXT, NOW, PCID_TEXT, post_body, put_body
from tests.conftest import make_settings
from tests.contract.conformance import BASE_PATH, SPEC
from tests.contract.driving import (
    MODES,
    SPECS,
    configuration,
    drive_by_spec,
    without_security,
)

# The ids that the spec has as examples, under a root that it has as one: so some queries succeed.
PAIR = {"emaid": EMAID_TEXT, "pcid": PCID_TEXT}
ROOT = SPEC["components"]["parameters"]["cpsV2GRootCertificateFingerprintParamV1"]["example"]
CONTRACT = put_body(cpsV2GRootCertificateFingerprint=ROOT)
RIGHT = {
    "addSignedContractDataV1": {"body": CONTRACT},
    "getSignedContractDataByCertificateInstallationReqV1": {"body": post_body()},
    "getContractDataByEmaidV1": {"path_parameters": {"emaid": EMAID_TEXT}},
    "getContractDataByPcidV1": {"path_parameters": {"pcid": PCID_TEXT}},
    "getSignedContractDataByEmaidAndPcidV1": {"path_parameters": PAIR},
    "setSignedContractDataAsDefaultV1": {"path_parameters": PAIR},
    "deleteSignedContractDataByEmaidV1": {"path_parameters": {"emaid": EMAID_TEXT}},
}
RIGHT_FOR_FACADE = {
    "opcpAddSignedContractData": {"body": CONTRACT},
    "opcpGetSignedContractData": {"body": post_body()},
    "opcpLookupContract": {"path_parameters": {"emaid": EMAID_TEXT}},
    "opcpLookupContractsOfCar": {"path_parameters": {"id": PCID_TEXT}},
    "opcpProvideSignedContractData": {"path_parameters": PAIR},
    "opcpPostDefault": {"path_parameters": PAIR},
    "opcpPutDefault": {"path_parameters": PAIR},
    "opcpDeleteSignedContractData": {"path_parameters": {"id": EMAID_TEXT}},
}


SCHEMAS = {
    spec: schemathesis.openapi.from_dict(
        without_security(SPECS[spec]), config=SchemathesisConfig.from_dict(configuration(10))
    )
    for spec in SPECS
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("spec", SPECS)
def test_whatever_is_sent(tmp_path, spec, mode):
    """Whatever is sent, right or wrong, is answered as the spec says: all checks, no failure."""
    drive_by_spec(tmp_path, spec, mode, most_examples=10).assert_held(mode)


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """A strict pool, called without a network."""
    settings = make_settings(tmp_path_factory.mktemp("pool"), opcp="on")
    app = create_app(settings, clock=lambda: NOW)
    for schema in SCHEMAS.values():
        schema.app = app
    with get_client(app) as session:
        yield session


def put(session):
    """Store the contract that the right requests are about."""
    assert session.put(f"{BASE_PATH}/signedcontractdata", json=CONTRACT).status_code == 201


@pytest.mark.parametrize(
    ("spec", "operation_id", "right"),
    [
        *(("OPNC", operation_id, right) for operation_id, right in RIGHT.items()),
        *(("OPCP", operation_id, right) for operation_id, right in RIGHT_FOR_FACADE.items()),
    ],
    ids=[*RIGHT, *RIGHT_FOR_FACADE],
)
def test_what_is_right_succeeds(session, spec, operation_id, right):
    """With real ids and messages, whatever else the spec allows is accepted, not just answered."""
    statuses = set()

    @hypothesis.settings(max_examples=10, derandomize=True, database=None, deadline=None)
    @hypothesis.given(SCHEMAS[spec].find_operation_by_id(operation_id).as_strategy(**right))
    def run(case):
        put(session)
        status = case.call_and_validate(session=session).status_code
        # A query may ask for another edition, or for another root.
        assert status < 300 or (status == 404 and case.query)
        statuses.add(status)

    run()
    assert min(statuses) < 300
