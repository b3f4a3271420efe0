"""The contract as a document: complete, consistent, and what the OPNC CCP API 1.0 publishes."""

import importlib.util
import json
import re
from base64 import b64decode, b64encode
from pathlib import Path

import jsonschema
import pytest
import yaml

SPEC = Path(__file__).parents[2] / "spec" / "opnc-ccp.yaml"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
MSG_DEF_2 = "urn:iso:15118:2:2013:MsgDef"
MSG_DEF_20 = "urn:iso:15118:20:2020:MsgDef"
# Published are the two above; these are in use besides.
OTHER_MSG_DEFS_20 = ["urn:iso:15118:20:2022:MsgDef", "urn:iso:std:iso:15118:-20:CommonMessages"]

# As published, and on purpose not read from the document: it is what the document is held to.
OPERATIONS = {
    "getContractDataByEmaidV1": ("get", "/contractData/emaid/{emaid}", "200"),
    "getContractDataByPcidV1": ("get", "/contractData/pcid/{pcid}", "200"),
    "getSignedContractDataByCertificateInstallationReqV1": ("post", "/signedcontractdata", "200"),
    "addSignedContractDataV1": ("put", "/signedcontractdata", "201"),
    "deleteSignedContractDataByEmaidV1": ("delete", "/signedcontractdata/{emaid}", "200"),
    "getSignedContractDataByEmaidAndPcidV1": ("get", "/signedcontractdata/{emaid}/{pcid}", "200"),
    "setSignedContractDataAsDefaultV1": (
        "post",
        "/signedcontractdata/{emaid}/{pcid}/setdefault",
        "200",
    ),
}
ANSWERS = {
    "getContractDataByEmaidV1": "GetContractDataResV1",
    "getContractDataByPcidV1": "GetContractDataResV1",
    "getSignedContractDataByCertificateInstallationReqV1": "GetSignedContractDataResV1",
    "getSignedContractDataByEmaidAndPcidV1": "GetSignedContractDataResV1",
}
BODIES = {
    "getSignedContractDataByCertificateInstallationReqV1": "GetSignedContractDataReqV1",
    "addSignedContractDataV1": "SignedContractDataV1",
}
EVERYWHERE = {"400", "401", "403", "404", "500"}
PUBLISHED_ERRORS = {name: EVERYWHERE | {"502", "503"} for name in OPERATIONS} | {
    "addSignedContractDataV1": EVERYWHERE,
    "setSignedContractDataAsDefaultV1": EVERYWHERE - {"404"} | {"502", "503"},
}
ADDED_ERRORS = {name: {"405", "408", "413", "429"} for name in OPERATIONS}
ADDED_ERRORS["addSignedContractDataV1"] |= {"415", "503"}
ADDED_ERRORS["getSignedContractDataByCertificateInstallationReqV1"] |= {"415"}
ADDED_ERRORS["setSignedContractDataAsDefaultV1"] |= {"404"}

EMAID = {
    "type": "string",
    "minLength": 14,
    "maxLength": 36,
    "pattern": r"^[A-Za-z]{2}[-]?\w{3}[-]?\w{9,28}[-]?(\w{1})?$",
}
PCID = {"type": "string", "minLength": 17, "maxLength": 18, "pattern": "^[a-zA-Z0-9]{17,18}$"}
EDITION = {
    "type": "string",
    "enum": [MSG_DEF_2, MSG_DEF_20, *OTHER_MSG_DEFS_20],
    "default": MSG_DEF_2,
}
ANY_EDITION = {"type": "string", "maxLength": 255, "default": MSG_DEF_2}
FINGERPRINT = {"type": "string", "pattern": "^[0-9a-fA-F]{64}$"}
SESSION_ID = {"type": "string", "pattern": "^([0-9a-fA-F]{2}){0,8}$"}
PARTY = {"type": "string", "enum": ["emsp", "cpo", "oem", "pki", "cps", "pcp", "ccp"]}
TRUE_BY_DEFAULT = {"type": "boolean", "default": True}
FALSE_BY_DEFAULT = {"type": "boolean", "default": False}
OPNC_HEADERS = {
    ("header", "OPNC-from-party-type"): PARTY,
    ("header", "OPNC-from-party-id"): {"type": "string"},
    ("header", "OPNC-to-party-type"): PARTY,
    ("header", "OPNC-to-party-id"): {"type": "string"},
}
PARAMETERS = {
    "getContractDataByEmaidV1": {
        ("path", "emaid"): EMAID,
        ("query", "xsdMsgDefNamespace"): EDITION,
        ("query", "cpsV2GRootCertificateFingerprint"): FINGERPRINT,
    },
    "getContractDataByPcidV1": {
        ("path", "pcid"): PCID,
        ("query", "xsdMsgDefNamespace"): EDITION,
    },
    "getSignedContractDataByCertificateInstallationReqV1": {
        ("header", "alwaysReturnEXI"): TRUE_BY_DEFAULT,
        ("header", "broadcast"): FALSE_BY_DEFAULT,
    },
    "addSignedContractDataV1": {},
    "deleteSignedContractDataByEmaidV1": {
        ("path", "emaid"): EMAID,
        ("header", "X-Skip-Revocation"): FALSE_BY_DEFAULT,
    },
    "getSignedContractDataByEmaidAndPcidV1": {
        ("path", "emaid"): EMAID,
        ("path", "pcid"): PCID,
        ("query", "sessionID"): SESSION_ID,
        ("query", "xsdMsgDefNamespace"): ANY_EDITION,
        ("query", "cpsV2GRootCertificateFingerprint"): FINGERPRINT,
    },
    "setSignedContractDataAsDefaultV1": {
        ("path", "emaid"): EMAID,
        ("path", "pcid"): PCID,
    },
}


class UniqueKeyLoader(yaml.SafeLoader):
    """YAML as PyYAML reads it, except that it would keep the last of two equal keys silently."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = {key for key in keys if keys.count(key) > 1}
        if twice:
            raise yaml.constructor.ConstructorError(None, None, f"twice: {twice}", node.start_mark)
        return super().construct_mapping(node, deep)


def read_yaml(text):
    """Return the document that *text* holds; a key given twice is an error."""
    return yaml.load(text, UniqueKeyLoader)  # noqa: S506 (it is a SafeLoader)


def matches_ecma(validator, pattern, instance, _schema):
    """Yield an error unless *instance* matches as in ECMA: ASCII classes, `$` the very end."""
    python = re.sub(r"(?<!\\)\$$", r"\\Z", pattern)
    if validator.is_type(instance, "string") and not re.search(python, instance, re.ASCII):
        yield jsonschema.ValidationError(f"{instance!r} does not match {pattern!r}")


Validator = jsonschema.validators.extend(
    jsonschema.Draft4Validator, {"pattern": matches_ecma}
)  # OpenAPI 3.0 schemas are of this draft
FORMATS = jsonschema.FormatChecker(formats=("uuid", "date-time"))


def resolved(node, document):
    """Return *node* with every reference replaced by what it points to."""
    if isinstance(node, list):
        return [resolved(item, document) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        return resolved(target, document)
    return {key: resolved(value, document) for key, value in node.items()}


def violations(instance, schema):
    """Return what *instance* breaks of *schema*, as texts."""
    validator = Validator(schema, format_checker=FORMATS)
    return [error.message for error in validator.iter_errors(instance)]


def operations_of(document):
    """Return the operations by id, each with its method, its path and all of its parameters."""
    return {
        item[method]["operationId"]: {
            **item[method],
            "method": method,
            "path": path,
            "parameters": item.get("parameters", []) + item[method].get("parameters", []),
        }
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item
    }


def nodes(node, *where):
    """Yield every mapping below *node*, with the keys that lead to it."""
    if isinstance(node, dict):
        yield where, node
        for key, value in node.items():
            yield from nodes(value, *where, key)
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from nodes(value, *where, index)


def constraints(schema):
    """Return *schema* without what is only told to people."""
    return {key: schema[key] for key in schema if key not in ("description", "example")}


RAW = read_yaml(SPEC.read_text(encoding="utf-8"))
DOCUMENT = resolved(RAW, RAW)
DEFINED = operations_of(DOCUMENT)
SCHEMAS = DOCUMENT["components"]["schemas"]

each_operation = pytest.mark.parametrize("operation_id", OPERATIONS)


def examples(raw=RAW):
    """Return every example once, with the schema that it belongs to and its place as the id."""
    found = []
    for where, node in nodes(raw):
        place = "/".join(map(str, where))
        node = resolved(node, raw)
        is_schema = where[:2] == ("components", "schemas") and "type" in node
        schema = node if is_schema else node.get("schema")
        if schema is None:
            continue
        if "example" in node:
            found.append(pytest.param(node["example"], schema, id=place))
        if not is_schema:
            for name, example in node.get("examples", {}).items():
                found.append(pytest.param(example["value"], schema, id=f"{place}/{name}"))
    return found


def test_no_key_is_given_twice():
    """A second mapping key of the same name is refused rather than silently preferred."""
    with pytest.raises(yaml.constructor.ConstructorError, match="twice"):
        read_yaml("paths: {/a: 1, /a: 2}")


def test_document_is_openapi_3_0():
    """The document is valid under the meta-schema of OpenAPI 3.0."""
    # Only its meta-schema: to import the package takes pydantic, which is not installed here.
    (package,) = importlib.util.find_spec("openapi_spec_validator").submodule_search_locations
    meta = json.loads(Path(package, "resources/schemas/v3.0/schema.json").read_text("utf-8"))
    assert RAW["openapi"] == "3.0.3"
    assert [e.message for e in jsonschema.Draft4Validator(meta).iter_errors(RAW)] == []


def test_document_stands_alone():
    """The file needs no other, and a template engine would find nothing to replace in it."""
    text = SPEC.read_text(encoding="utf-8")
    references = {node["$ref"] for _, node in nodes(RAW) if isinstance(node.get("$ref"), str)}
    assert all(reference.startswith("#/components/") for reference in references)
    assert "{{" not in text
    assert "{%" not in text


def test_components_are_all_used():
    """Every component is referred to, and every reference has its component."""
    used = {node["$ref"] for _, node in nodes(RAW) if isinstance(node.get("$ref"), str)}
    kinds = {kind: made for kind, made in RAW["components"].items() if kind != "securitySchemes"}
    made = {f"#/components/{kind}/{name}" for kind, c in kinds.items() for name in c}
    assert used == made


def test_pool_is_served_under_the_published_base_path():
    """Title, version and base path are those of the published API."""
    assert DOCUMENT["info"]["version"] == "1.0"
    assert "OPNC CCP" in DOCUMENT["info"]["title"]
    assert "CC BY-SA" in DOCUMENT["info"]["license"]["name"]
    assert DOCUMENT["servers"] == [{"url": "/opnc/v1/ccp"}]


def test_operations_are_the_published_ones():
    """The seven operations have the published ids, methods and paths, and there is no other."""
    defined = {name: (op["method"], op["path"]) for name, op in DEFINED.items()}
    assert defined == {name: row[:2] for name, row in OPERATIONS.items()}


def test_concrete_paths_precede_templated_ones():
    """A router that takes the first path that fits finds the one that fits best."""
    paths = list(DOCUMENT["paths"])
    for index, path in enumerate(paths):
        template = re.compile(re.sub(r"{\w+}", "[^/]+", path))
        assert not [later for later in paths[index + 1 :] if template.fullmatch(later)]


@each_operation
def test_success_is_the_published_one(operation_id):
    """Each operation has its one success status, with the published answer or with no body."""
    responses = DEFINED[operation_id]["responses"]
    status = OPERATIONS[operation_id][2]
    assert [code for code in responses if code < "400"] == [status]
    content = responses[status].get("content", {})
    if operation_id in ANSWERS:
        assert content["application/json"]["schema"] == SCHEMAS[ANSWERS[operation_id]]
        assert set(content) == {"application/json"}
    else:
        assert content == {}


@each_operation
def test_request_body_is_the_published_one(operation_id):
    """The two operations with a body require it, as JSON of the published schema."""
    body = DEFINED[operation_id].get("requestBody")
    if operation_id in BODIES:
        assert body["required"] is True
        assert set(body["content"]) == {"application/json"}
        assert body["content"]["application/json"]["schema"] == SCHEMAS[BODIES[operation_id]]
    else:
        assert body is None


@each_operation
def test_error_statuses_are_published_or_known_additions(operation_id):
    """Each operation documents the published errors and those that we add, and no other."""
    documented = {code for code in DEFINED[operation_id]["responses"] if code >= "400"}
    assert documented == PUBLISHED_ERRORS[operation_id] | ADDED_ERRORS[operation_id]


@each_operation
def test_every_operation_asks_for_a_token(operation_id):
    """Each operation names the one security scheme, and no other way past it."""
    assert DEFINED[operation_id]["security"] == [{"bearerAuth": []}]
    (scheme,) = DOCUMENT["components"]["securitySchemes"].values()
    assert (scheme["type"], scheme["scheme"], scheme["bearerFormat"]) == ("http", "bearer", "JWT")


@each_operation
def test_errors_have_the_one_shape(operation_id):
    """Every documented error is JSON alone, described, exemplified and readable as ErrorV1."""
    for status, response in DEFINED[operation_id]["responses"].items():
        if status < "400":
            continue
        assert set(response["content"]) == {"application/json"}, status
        media = response["content"]["application/json"]
        assert media["examples"], status
        common = {
            name: media["schema"]["properties"][name] for name in ("errorMessages", "traceId")
        }
        assert common == SCHEMAS["ErrorV1"]["properties"], status
        assert media["schema"]["required"] == ["errorMessages", "traceId"], status
        assert media["schema"]["additionalProperties"] is False, status


@each_operation
def test_errors_name_the_headers_that_http_wants(operation_id):
    """401 tells how to authenticate, 405 what is allowed, 429 and 503 when to try again."""
    responses = DEFINED[operation_id]["responses"]
    assert responses["401"]["headers"]["WWW-Authenticate"]["required"] is True
    assert responses["405"]["headers"]["Allow"]["required"] is True
    for status in ("429", "503"):
        assert responses[status]["headers"]["Retry-After"]["schema"]["type"] == "integer"


def test_only_failures_after_decoding_bring_a_message_for_the_car():
    """Only the POST answers errors with EXI, and only those that can follow decoding."""
    with_exi = {
        (operation_id, status)
        for operation_id, operation in DEFINED.items()
        for status, response in operation["responses"].items()
        if status >= "400"
        and response["content"]["application/json"]["schema"] != SCHEMAS["ErrorV1"]
    }
    name = "getSignedContractDataByCertificateInstallationReqV1"
    assert with_exi == {(name, status) for status in ("400", "404", "500", "502", "503")}


@each_operation
def test_parameters_are_the_published_ones(operation_id):
    """Each operation has the published parameters with their constraints, and the OPNC headers."""
    defined = {
        (parameter["in"], parameter["name"]): constraints(parameter["schema"])
        for parameter in DEFINED[operation_id]["parameters"]
    }
    assert defined == PARAMETERS[operation_id] | OPNC_HEADERS


@each_operation
def test_only_path_parameters_are_required(operation_id):
    """A caller may leave out all but what is in the path, and may leave the session id empty."""
    for parameter in DEFINED[operation_id]["parameters"]:
        assert parameter.get("required", False) is (parameter["in"] == "path")
        assert parameter.get("allowEmptyValue", False) is (parameter["name"] == "sessionID")


@each_operation
def test_newcomers_are_told_what_it_does(operation_id):
    """Operations, parameters and answers all have words, and each operation one caller's tag."""
    operation = DEFINED[operation_id]
    assert operation["summary"]
    assert operation["description"]
    assert all(parameter["description"] for parameter in operation["parameters"])
    assert all(response["description"] for response in operation["responses"].values())
    assert set(operation["tags"]) <= {tag["name"] for tag in DOCUMENT["tags"]}
    assert len(operation["tags"]) == 1


def test_emaid_and_pcid_have_one_definition():
    """Path, bodies and answers refer to the same component for the same identifier."""
    text = SPEC.read_text(encoding="utf-8")
    for component in (EMAID, PCID, FINGERPRINT):
        assert text.count(f"pattern: {component['pattern']}\n") == 1


def test_answers_are_closed():
    """Every object allows no unknown field, except in the bodies that a caller sends."""
    objects = {name: schema for name, schema in SCHEMAS.items() if schema["type"] == "object"}
    still_open = {
        name for name in objects if objects[name].get("additionalProperties") is not False
    }
    assert still_open == set(BODIES.values())


def test_stored_data_has_the_published_fields():
    """SignedContractDataV1 requires its four published fields and allows what else is sent."""
    schema = SCHEMAS["SignedContractDataV1"]
    required = {"certificateInstallationRes", "emaid", "pcid", "xsdMsgDefNamespace"}
    optional = {"metaData", "cpsV2GRootCertificateFingerprint", "cpsRootDistinguishedName"}
    assert set(schema["required"]) == required
    assert set(schema["properties"]) == required | optional
    assert "additionalProperties" not in schema
    assert schema["properties"]["xsdMsgDefNamespace"]["enum"] == EDITION["enum"]


def test_request_has_the_published_fields():
    """GetSignedContractDataReqV1 requires message and namespace and allows what else is sent."""
    schema = SCHEMAS["GetSignedContractDataReqV1"]
    required = {"certificateInstallationReq", "xsdMsgDefNamespace"}
    assert set(schema["required"]) == required
    assert set(schema["properties"]) == required | {"metadata"}
    assert "additionalProperties" not in schema


def test_contract_data_has_the_published_fields():
    """ContractDataV1 requires all but the V2G root, and admits an ISO 15118-20 certificate."""
    schema = SCHEMAS["ContractDataV1"]
    root = {"cpsV2GRootDistinguishedName", "cpsV2GRootCertificateFingerprint"}
    always = {"pcid", "emaid", "xsdMsgDefNamespace", "contractCertificate", "defaultContract"}
    always |= {"certValidFrom", "certValidTo"}
    assert set(schema["required"]) == always
    assert set(schema["properties"]) == always | root
    assert schema["additionalProperties"] is False
    editions = schema["properties"]["xsdMsgDefNamespace"]["enum"]
    assert editions == [MSG_DEF_2, MSG_DEF_20]
    assert schema["properties"]["contractCertificate"]["maxLength"] == len(b64encode(bytes(1600)))


@pytest.mark.parametrize(
    "error",
    [
        {"errorMessages": [], "traceId": "729bb1bf-882d-483b-89d3-5855dc5af3aa"},
        {"errorMessages": ["a", "a"], "traceId": "729bb1bf-882d-483b-89d3-5855dc5af3aa"},
        {"errorMessages": ["a"], "traceId": "1"},
        {"errorMessages": ["a"]},
        {"errorMessages": ["a"], "traceId": "729bb1bf-882d-483b-89d3-5855dc5af3aa", "stack": "x"},
    ],
    ids=["no message", "a message twice", "no uuid", "no trace id", "a stray field"],
)
def test_error_shape_is_tight(error):
    """ErrorV1 refuses what must never leave the pool."""
    assert len(violations(error, SCHEMAS["ErrorV1"])) == 1


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (EMAID, "DEICECOPNCCERß"),
        (EMAID, "DEICE\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669"),
        (EMAID, "DEICECOPNCCERT\n"),
        (PCID, "WAUZZZ4B0CC01234\n"),
        (SESSION_ID, "2A3"),
        (SESSION_ID, "00" * 9),
        (FINGERPRINT, "0" * 63 + "\n"),
    ],
)
def test_patterns_are_ecma(schema, value):
    """Read as ECMA, the patterns refuse other alphabets, line breaks, and halves of a byte."""
    assert len(violations(value, schema)) == 1


def test_schemas_are_schemas_of_draft_4():
    """Every schema component uses the keywords of its draft as they are meant."""
    for schema in SCHEMAS.values():
        jsonschema.Draft4Validator.check_schema(schema)


def test_defaults_fit_their_schemas():
    """What is assumed when a value is left out would have been accepted."""
    with_default = [node for _, node in nodes(DOCUMENT) if "default" in node and "type" in node]
    assert with_default
    for schema in with_default:
        assert violations(schema["default"], schema) == []


def test_path_parameters_are_those_in_the_path():
    """What a path leaves open is a parameter, and nothing else is a path parameter."""
    for operation in DEFINED.values():
        declared = [p["name"] for p in operation["parameters"] if p["in"] == "path"]
        assert sorted(declared) == sorted(re.findall(r"{(\w+)}", operation["path"]))


def test_examples_are_found():
    """The search for examples reaches parameters, headers, schemas, requests and answers."""
    places = {parameter.id for parameter in examples()}
    put = "paths//signedcontractdata/put"
    assert "components/parameters/emaidParamV1" in places
    assert "components/headers/Allow" in places
    assert "components/schemas/emaidParamV1" in places
    assert f"{put}/requestBody/content/application/json/signedContractData" in places
    assert f"{put}/responses/400/content/application/json/notExi" in places


@pytest.mark.parametrize(("example", "schema"), examples())
def test_example_fits_its_schema(example, schema):
    """Each example in the document is what the schema beside it describes."""
    assert violations(example, schema) == []


def test_base64_in_examples_is_base64():
    """What an example shows as base64 decodes strictly, so that a reader can look inside."""
    names = ("certificateInstallationReq", "certificateInstallationRes", "contractCertificate")
    texts = [
        node[name] for _, node in nodes(RAW) for name in names if isinstance(node.get(name), str)
    ]
    assert texts
    assert all(b64decode(text, validate=True) for text in texts)
