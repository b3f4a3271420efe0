"""Schemathesis drives the specs against the pool: nothing undocumented, or wrongly accepted."""

import copy

import hypothesis
import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.python.asgi import get_client

from ccp.app import create_app
from tests.builders import EMAID_TEXT, NOW, PCID_TEXT, post_body, put_body
from tests.conftest import make_settings
from tests.contract.conformance import BASE_PATH, OPCP_SPEC, SPEC
from tests.issuer import bearer, ec_key, jwt_settings

OPAQUE = (
    "addSignedContractDataV1",
    "getSignedContractDataByCertificateInstallationReqV1",
    "opcpAddSignedContractData",
    "opcpGetSignedContractData",
)


def schema_of(spec, *, most_examples=30):
    """The spec, as Schemathesis shall drive it."""
    config = SchemathesisConfig.from_dict(
        {
            # The same cases on every run and every worker.
            "generation": {
                "deterministic": True,
                "max-examples": most_examples,
                "database": "none",
                "mode": "all",
            },
            "operations": [
                # To the spec a message is any text, but no random text is a message: what fits the
                # schema may be refused. test_what_is_right_succeeds has messages that are some.
                # And a text that is longer than its schema allows may be longer than a whole body.
                {
                    "include-operation-id": operation_id,
                    "checks": {
                        "positive_data_acceptance": {"expected-statuses": ["2xx", "400"]},
                        "negative_data_rejection": {
                            "expected-statuses": ["400", "401", "413", "415"]
                        },
                    },
                }
                for operation_id in OPAQUE
            ],
        }
    )
    return schemathesis.openapi.from_dict(spec, config=config)


def without_security(spec):
    """What a pool without tokens serves: the same spec, less its security."""
    spec = copy.deepcopy(spec)
    for item in spec["paths"].values():
        for operation in item.values():
            if "security" in operation:
                del operation["security"]
    return spec


schema = schema_of(without_security(SPEC))
protected_schema = schema_of(SPEC)
# The same checks and handlers stand behind the facade, so that fewer cases do.
facade_schema = schema_of(without_security(OPCP_SPEC), most_examples=10)

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


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """A strict pool, called without a network."""
    app = create_app(make_settings(tmp_path_factory.mktemp("pool")), clock=lambda: NOW)
    schema.app = facade_schema.app = app
    with get_client(app) as session:
        yield session


@pytest.fixture(scope="module")
def protected_session(tmp_path_factory):
    """A strict pool that asks for tokens, called without a network."""
    folder = tmp_path_factory.mktemp("protected")
    app = create_app(make_settings(folder, **jwt_settings(folder, ec_key())), clock=lambda: NOW)
    protected_schema.app = app
    with get_client(app) as session:
        yield session


@pytest.fixture(autouse=True)
def _stored(session):
    put(session)


def put(session):
    """Store the contract that the right requests are about."""
    assert session.put(f"{BASE_PATH}/signedcontractdata", json=CONTRACT).status_code == 201


@schema.parametrize()
def test_whatever_is_sent(case, session):
    """Whatever is sent, right or wrong, is answered as the spec says: all checks, no failure."""
    case.call_and_validate(session=session)


@protected_schema.parametrize()
def test_whatever_is_sent_with_a_token(case, protected_session):
    """With an operator's token the same holds; and without it, or with another, nothing is done."""
    case.call_and_validate(session=protected_session, headers=bearer(ec_key().token()))


@facade_schema.parametrize()
def test_whatever_is_sent_to_the_facade(case, session):
    """The facade for OPCP answers as its own spec says."""
    case.call_and_validate(session=session)


@pytest.mark.parametrize(
    ("spec", "operation_id", "right"),
    [
        *((schema, operation_id, right) for operation_id, right in RIGHT.items()),
        *((facade_schema, operation_id, right) for operation_id, right in RIGHT_FOR_FACADE.items()),
    ],
    ids=[*RIGHT, *RIGHT_FOR_FACADE],
)
def test_what_is_right_succeeds(session, spec, operation_id, right):
    """With real ids and messages, whatever else the spec allows is accepted, not just answered."""
    statuses = set()

    @hypothesis.settings(max_examples=10, derandomize=True, database=None, deadline=None)
    @hypothesis.given(spec.find_operation_by_id(operation_id).as_strategy(**right))
    def run(case):
        put(session)
        status = case.call_and_validate(session=session).status_code
        # A query may ask for another edition, or for another root.
        assert status < 300 or (status == 404 and case.query)
        statuses.add(status)

    run()
    assert min(statuses) < 300
