"""The facade's contract as a document: complete, consistent, and beside OPNC's in all it can be."""

import importlib.util
import json
from base64 import b64decode
from pathlib import Path

import jsonschema
import pytest

from ccp.web.opcp import TRANSLATIONS
from ccp.web.parameters import OPNC_NAME, argument_named
from tests.contract.test_spec import (
    DEFINED,
    examples,
    nodes,
    operations_of,
    read_yaml,
    resolved,
    violations,
)

SPEC = Path(__file__).parents[2] / "spec" / "opcp-ccp.yaml"
RAW = read_yaml(SPEC.read_text(encoding="utf-8"))
FACADE = operations_of(resolved(RAW, RAW))
SCHEMAS = resolved(RAW, RAW)["components"]["schemas"]

# What callers of OPCP rely on, and on purpose not read from the document.
OPERATIONS = {
    "opcpGetSignedContractData": ("post", "/signedContractData", "200"),
    "opcpAddSignedContractData": ("put", "/signedContractData", "201"),
    "opcpDeleteSignedContractData": ("delete", "/signedContractData/{id}", "200"),
    "opcpLookupContractsOfCar": ("get", "/signedContractData/{id}", "200"),
    "opcpProvideSignedContractData": ("get", "/provideSignedContractData/{emaid}/{pcid}", "200"),
    "opcpPostDefault": ("post", "/signedContractData/{pcid}/{emaid}/default", "200"),
    "opcpPutDefault": ("put", "/signedContractData/{pcid}/{emaid}/default", "200"),
    "opcpLookupContract": ("get", "/lookupContract/{emaid}", "200"),
}
EMAID = r"^[A-Za-z]{2}[-]?\w{3}[-]?\w{9}[-]?(\w{1})?$"

each_operation = pytest.mark.parametrize("operation_id", OPERATIONS)


def test_document_is_openapi_3_0():
    """The document is valid under the meta-schema of OpenAPI 3.0."""
    (package,) = importlib.util.find_spec("openapi_spec_validator").submodule_search_locations
    meta = json.loads(Path(package, "resources/schemas/v3.0/schema.json").read_text("utf-8"))
    assert RAW["openapi"] == "3.0.3"
    assert [e.message for e in jsonschema.Draft4Validator(meta).iter_errors(RAW)] == []


def test_it_says_whose_protocol_it_is():
    """Base path, licence and credit are those of OPCP."""
    assert RAW["servers"] == [{"url": "/v1/ccp"}]
    assert "CC BY-SA" in RAW["info"]["license"]["name"]
    assert "Hubject GmbH under CC BY-SA 4.0" in RAW["info"]["description"]


def test_operations_are_those_of_opcp():
    """Methods, paths and success statuses are what a client of OPCP uses, and there is no other."""
    defined = {
        name: (
            operation["method"],
            operation["path"],
            *(status for status in operation["responses"] if status < "400"),
        )
        for name, operation in FACADE.items()
    }
    assert defined == OPERATIONS


def test_every_operation_is_translated():
    """Each operation has its row in the table, of an OPNC operation, and no operationId is both."""
    assert set(TRANSLATIONS) == set(FACADE)
    assert {translation.served_by for translation in TRANSLATIONS.values()} == set(DEFINED)
    assert not set(FACADE) & set(DEFINED)


def test_components_are_all_used():
    """Every component is referred to, and every reference has its component."""
    used = {node["$ref"] for _, node in nodes(RAW) if isinstance(node.get("$ref"), str)}
    kinds = {kind: made for kind, made in RAW["components"].items() if kind != "securitySchemes"}
    assert used == {f"#/components/{kind}/{name}" for kind, made in kinds.items() for name in made}


def test_opnc_names_are_known():
    """What is called otherwise here names an argument of a handler."""
    names = [node[OPNC_NAME] for _, node in nodes(RAW) if isinstance(node.get(OPNC_NAME), str)]
    assert sorted(set(names)) == ["certificateInstallationRes", "emaid", "metaData", "pcid"]
    assert all(argument_named(name) for name in names)


@each_operation
def test_statuses_are_those_of_the_operation_that_serves(operation_id):
    """All that OPNC's operation may answer is documented, but for the 404 that no PUT has."""
    serving = set(DEFINED[TRANSLATIONS[operation_id].served_by]["responses"])
    never = {"404"} if operation_id == "opcpAddSignedContractData" else set()
    assert set(FACADE[operation_id]["responses"]) == serving - never


@each_operation
def test_errors_have_the_one_shape(operation_id):
    """Every error is JSON, exemplified, with messages and a trace id; and a token is asked for."""
    assert FACADE[operation_id]["security"] == [{"bearerAuth": []}]
    with_message = operation_id == "opcpGetSignedContractData"
    for status, response in FACADE[operation_id]["responses"].items():
        media = response["content"]["application/json"]
        assert media["examples"], status
        if status >= "400":
            own = with_message and status in ("400", "404", "500", "502", "503")
            assert media["schema"] == SCHEMAS["ErrorWithMessage" if own else "Error"], status
            assert media["schema"]["required"] == ["errorMessages", "traceId"]


def test_answers_are_closed():
    """Every object allows no unknown field, except in the bodies that a caller sends."""
    still_open = {
        where
        for where, node in nodes(RAW["components"]["schemas"])
        if node.get("type") == "object" and node.get("additionalProperties") is not False
    }
    assert still_open == {("GetSignedContractDataReq",), ("AddSignedContractDataReq",)}


def test_emaids_have_the_pattern_of_opcp():
    """What is asked for has 14 to 18 characters, by the pattern alone: one message for it."""
    assert set(SCHEMAS["Emaid"]) == {"type", "description", "pattern", "example"}
    assert SCHEMAS["Emaid"]["pattern"] == EMAID
    for length, fits in [(13, False), (14, True), (15, True), (16, False)]:
        assert (not violations("DEICE" + "C" * (length - 5), SCHEMAS["Emaid"])) is fits


def test_concrete_facts_of_opnc_are_the_same():
    """An item of XMLContracts is OPNC's, with two names more of the root and longer EMAIDs."""
    ours = DEFINED["getContractDataByEmaidV1"]["responses"]["200"]["content"]["application/json"]
    item = ours["schema"]["properties"]["contractDataCollection"]["items"]
    more = {"cpsRootCertificateDN", "cpsRootDistinguishedName"}
    assert set(SCHEMAS["XMLContract"]["properties"]) == set(item["properties"]) | more
    assert SCHEMAS["XMLContract"]["required"] == item["required"]


@each_operation
def test_newcomers_are_told_what_it_does(operation_id):
    """Operations, parameters and answers all have words, and each operation one caller's tag."""
    operation = FACADE[operation_id]
    assert operation["summary"]
    assert operation["description"]
    assert all(parameter["description"] for parameter in operation["parameters"])
    assert all(response["description"] for response in operation["responses"].values())
    assert len(operation["tags"]) == 1
    assert set(operation["tags"]) <= {tag["name"] for tag in RAW["tags"]}


@pytest.mark.parametrize(("example", "schema"), examples(RAW))
def test_example_fits_its_schema(example, schema):
    """Each example in the document is what the schema beside it describes."""
    assert violations(example, schema) == []


def test_base64_in_examples_is_base64():
    """What an example shows as base64 decodes strictly, so that a reader can look inside."""
    names = {"certificateInstallationReq", "certificateInstallationRes", "signedContractDataXML"}
    texts = [node[n] for _, node in nodes(RAW) for n in names if isinstance(node.get(n), str)]
    assert len(texts) > 4
    assert all(b64decode(text, validate=True) for text in texts)
