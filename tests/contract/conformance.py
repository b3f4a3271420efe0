"""An answer against the spec: status, headers, media type, shape; judged apart from the server."""

import re
import uuid
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

SPEC: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parents[2] / "spec" / "opnc-ccp.yaml").read_text(encoding="utf-8")
)
PUBLISHED_NAMESPACES = {"urn:iso:15118:2:2013:MsgDef", "urn:iso:15118:20:2020:MsgDef"}
BASE_PATH: str = SPEC["servers"][0]["url"]

_REGISTRY: Registry = Registry().with_resource("spec", DRAFT4.create_resource(SPEC))
_FORMATS = FormatChecker(formats=())
_PATHS = [
    (re.compile(re.escape(BASE_PATH) + re.sub(r"\{\w+\}", "[^/]+", path) + r"\Z"), operations)
    for path, operations in SPEC["paths"].items()
]


@_FORMATS.checks("uuid", ValueError)
def _is_uuid(value: object) -> bool:
    return str(uuid.UUID(str(value))) == value


@_FORMATS.checks("date-time", ValueError)
def _is_utc(value: object) -> bool:
    return bool(datetime.strptime(f"{value}", "%Y-%m-%dT%H:%M:%SZ"))  # noqa: DTZ007


def conforming_client(app: FlaskApp) -> TestClient:
    """A client whose every answer from the operations is held against the spec."""
    client: TestClient = app.test_client()
    client.event_hooks["response"] = [assert_conforms]
    return client


def assert_conforms(response: Response) -> None:
    """Hold one answer against what the spec says of its operation."""
    response.read()
    path, method = response.request.url.path, response.request.method.lower()
    operations = next((operations for route, operations in _PATHS if route.match(path)), None)
    described = (operations or {}).get({"head": "get"}.get(method, method))
    if described is None:
        # No operation: an error in the common shape, or a page of the documentation.
        if response.status_code >= 400:
            assert response.status_code in (404, 405, 408, 413, 429, 503), response.status_code
            assert response.headers["content-type"] == "application/json"
            if method == "head":
                assert not response.content
            else:
                _assert_valid(response.json(), "#/components/schemas/ErrorV1")
        return
    status = str(response.status_code)
    assert status in described["responses"], f"{method} {path}: {status} is not in the spec"
    answer = _resolve(described["responses"][status])
    for header, description in answer.get("headers", {}).items():
        if _resolve(description).get("required"):
            assert header in response.headers, f"{status} without {header}"
    content = answer.get("content")
    if content is None:
        assert not response.content
        assert "content-type" not in response.headers
    elif method == "head":
        assert not response.content
    else:
        assert response.headers["content-type"] == "application/json"
        _assert_valid(response.json(), content["application/json"]["schema"]["$ref"])
        for item in response.json().get("signedContractDataCollection", []):
            # Requests may spell the namespace in other ways; answers do not.
            assert item["xsdMsgDefNamespace"] in PUBLISHED_NAMESPACES


def _resolve(item: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in item:
        item = _REGISTRY.resolver("spec").lookup(item["$ref"]).contents
    return item


def _assert_valid(value: object, reference: str) -> None:
    Draft4Validator(
        {"$ref": f"spec{reference}"}, registry=_REGISTRY, format_checker=_FORMATS
    ).validate(value)


def assert_error(response: Response, status: int, *messages: str) -> None:
    """Hold an error against its status and exactly these messages, in any order."""
    body = response.json()
    assert response.status_code == status, body
    assert sorted(body["errorMessages"]) == sorted(messages)
