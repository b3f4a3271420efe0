"""An answer against its spec: status, headers, media type, shape; judged apart from the server."""

import copy
import functools
import re
import uuid
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from connexion import FlaskApp
from httpx2 import Response
from jsonschema import Draft4Validator, FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT4
from starlette.testclient import TestClient

SPECS: dict[str, dict[str, Any]] = {
    name: yaml.safe_load((Path(__file__).parents[2] / "spec" / f"{name}.yaml").read_text("utf-8"))
    for name in ("opnc-ccp", "opcp-ccp")
}
SPEC = SPECS["opnc-ccp"]
OPCP_SPEC = SPECS["opcp-ccp"]
PUBLISHED_NAMESPACES = {"urn:iso:15118:2:2013:MsgDef", "urn:iso:15118:20:2020:MsgDef"}
BASE_PATH: str = SPEC["servers"][0]["url"]
OPCP_BASE_PATH: str = OPCP_SPEC["servers"][0]["url"]


def _in_lab(spec: dict[str, Any]) -> dict[str, Any]:
    """The spec of a pool in lab mode: a car may have another name than a PCID."""
    spec = copy.deepcopy(spec)
    schemas = spec["components"]["schemas"]
    pcid = schemas.get("pcidParamV1") or schemas["Pcid"]
    pcid |= {"minLength": 1, "maxLength": 64, "pattern": "^[ -.0-~]+$"}
    return spec


_LAB = "-in-lab"
_REGISTRY: Registry = Registry().with_resources(
    (name + suffix, DRAFT4.create_resource(of_mode(spec)))
    for name, spec in SPECS.items()
    for suffix, of_mode in (("", copy.deepcopy), (_LAB, _in_lab))
)
_FORMATS = FormatChecker(formats=())
_PATHS = [
    (
        re.compile(
            re.escape(spec["servers"][0]["url"]) + re.sub(r"\{\w+\}", "[^/]+", path) + r"\Z"
        ),
        name,
        operations,
    )
    for name, spec in SPECS.items()
    for path, operations in spec["paths"].items()
]
_NO_PATH: tuple[str, dict[str, Any]] = ("opnc-ccp", {})


@_FORMATS.checks("uuid", ValueError)
def _is_uuid(value: object) -> bool:
    return str(uuid.UUID(str(value))) == value


@_FORMATS.checks("date-time", ValueError)
def _is_utc(value: object) -> bool:
    return bool(datetime.strptime(f"{value}", "%Y-%m-%dT%H:%M:%SZ"))  # noqa: DTZ007


def conforming_client(app: FlaskApp, *, lab: bool = False) -> TestClient:
    """A client whose every answer from the operations is held against the spec, of lab mode too."""
    client: TestClient = app.test_client()
    client.event_hooks["response"] = [functools.partial(assert_conforms, lab=lab)]
    return client


def assert_conforms(response: Response, *, lab: bool = False) -> None:
    """Hold one answer against what the spec says of its operation."""
    response.read()
    path = response.request.url.path.removesuffix("/")
    method = response.request.method.lower()
    spec, operations = next(
        ((name, operations) for route, name, operations in _PATHS if route.match(path)), _NO_PATH
    )
    spec += _LAB if lab else ""
    described = operations.get({"head": "get"}.get(method, method))
    if described is None:
        # No operation: an error in the common shape, or a page of the documentation.
        if response.status_code >= 400:
            assert response.status_code in (404, 405, 408, 413, 429, 503), response.status_code
            assert response.headers["content-type"] == "application/json"
            if method == "head":
                assert not response.content
            else:
                _assert_valid(response.json(), "#/components/schemas/ErrorV1", "opnc-ccp")
        return
    status = str(response.status_code)
    assert status in described["responses"], f"{method} {path}: {status} is not in the spec"
    answer = _resolve(described["responses"][status], spec)
    for header, description in answer.get("headers", {}).items():
        if _resolve(description, spec).get("required"):
            assert header in response.headers, f"{status} without {header}"
    content = answer.get("content")
    if content is None:
        assert not response.content
        assert "content-type" not in response.headers
    elif method == "head":
        assert not response.content
    else:
        assert response.headers["content-type"] == "application/json"
        _assert_valid(response.json(), content["application/json"]["schema"]["$ref"], spec)
        for item in response.json().get("signedContractDataCollection", []):
            # Requests may spell the namespace in other ways; answers do not.
            assert item["xsdMsgDefNamespace"] in PUBLISHED_NAMESPACES


def request_fields(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every parameter of a spec and every field of its bodies: what OPNC calls it, its schema."""
    spec = SPECS[name]
    for parameter in spec["components"]["parameters"].values():
        called = parameter.get("x-opnc-name", parameter["name"])
        yield called, _resolve(parameter["schema"], name)
    for operation in operations_of(spec):
        if "requestBody" in operation:
            body = _resolve(operation["requestBody"]["content"]["application/json"]["schema"], name)
            for field, schema in body["properties"].items():
                schema = _resolve(schema, name)
                yield schema.get("x-opnc-name", field), schema


def operations_of(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every operation, with the parameters of its path among its own."""
    for item in spec["paths"].values():
        for method, operation in item.items():
            if method != "parameters":
                parameters = item.get("parameters", []) + operation.get("parameters", [])
                yield {**operation, "parameters": parameters}


def _resolve(item: dict[str, Any], spec: str = "opnc-ccp") -> dict[str, Any]:
    while "$ref" in item:
        item = _REGISTRY.resolver(spec).lookup(item["$ref"]).contents
    return item


def _assert_valid(value: object, reference: str, spec: str) -> None:
    Draft4Validator(
        {"$ref": f"{spec}{reference}"}, registry=_REGISTRY, format_checker=_FORMATS
    ).validate(value)


def assert_error(response: Response, status: int, *messages: str) -> None:
    """Hold an error against its status and exactly these messages, in any order."""
    body = response.json()
    assert response.status_code == status, body
    assert sorted(body["errorMessages"]) == sorted(messages)
