"""
Clients that are generated from the published contracts run all operations of a pool.

They know nothing of our own spec. Each is generated in a temporary folder, by a locked version of
its generator, and is as strict as its generator makes it; a validator with all published patterns
is the strictest. Without Java or npm's packages the client concerned is skipped, unless
GENERATORS_REQUIRED says that this machine has to have both, as CI's does.
"""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from jsonschema import Draft4Validator, FormatChecker, validators

from ccp.domain.identifiers import ISO_15118_2, ISO_15118_20
from ccp.iso15118 import decode
from tests.builders import (
    PCID_20_TEXT,
    PCID_TEXT,
    VALID_TODAY,
    installation_req,
    installation_req_20,
    installation_res,
    installation_res_20,
    post_body,
    put_body,
)
from tests.contract.conformance import BASE_PATH
from tests.running import ROOT, Server, serving

PUBLISHED = Path(__file__).parent / "published" / "opnc-ccp.yaml"
CLIENTS = Path(__file__).parent / "clients"
NODE_MODULES = ROOT / "build" / "clients" / "node_modules"
BIN = Path(sys.executable).parent
SESSION = "00000000000000ab"

# The subject of the V2G root, and the name that answers may have for it.
ROOTS = {
    "DC=V2G,CN=Root 1,O=Some GmbH,C=DE": "CN=Root 1, DC=V2G, O=Some GmbH, C=DE",
    "CN=Wurzel für Müller,O=Some GmbH,C=DE": None,
}


@cache
def cases() -> tuple[dict[str, Any], ...]:
    """A contract of each edition under each root."""
    found = []
    for number, root in enumerate(ROOTS):
        emaid = f"DEICEC0000000{number}"
        exi = installation_res(emaid, root=root, **VALID_TODAY)
        asks = installation_req(roots=(root,), **VALID_TODAY)
        found.append(case(emaid, PCID_TEXT, ISO_15118_2, exi, asks, root))
        exi = installation_res_20(emaid, root=root, **VALID_TODAY)
        asks = installation_req_20(roots=(root,), **VALID_TODAY)
        found.append(case(emaid, PCID_20_TEXT, ISO_15118_20, exi, asks, root))
    return tuple(found)


def case(
    emaid: str, pcid: str, namespace: str, exi: bytes, asks: bytes, root: str
) -> dict[str, Any]:
    """Return the input of a client for one contract, with the root name that answers have."""
    return {
        "emaid": emaid,
        "pcid": pcid,
        "namespace": namespace,
        "session_id": SESSION,
        "put": put_body(exi, emaid=emaid, pcid=pcid, xsdMsgDefNamespace=namespace),
        "post": post_body(asks, xsdMsgDefNamespace=namespace),
        "root_name": ROOTS[root],
    }


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A strict pool."""
    with serving(tmp_path_factory.mktemp("pool"), workers=1) as server:
        yield server


def require(there: object, what: str) -> None:
    """Skip a test that needs something which this machine does not have, if it may do without."""
    if not there:
        if os.environ.get("GENERATORS_REQUIRED"):
            pytest.fail(f"GENERATORS_REQUIRED is set, and there is no {what}")
        pytest.skip(f"this client is generated with {what}, which is not here")


def command(*words: object, **options: Any) -> str:
    """Run a command that has to succeed, and return its output."""
    done = subprocess.run(
        [str(word) for word in words],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        **options,
    )
    assert done.returncode == 0, f"{words[0]}: {done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def assert_runs(server: Server, *driver: object, **options: Any) -> None:
    """Run a client, and compare the answers that it found with the contracts that it put."""
    url = f"http://127.0.0.1:{server.port}{BASE_PATH}"
    printed = command(*driver, input=json.dumps({"url": url, "cases": cases()}), **options)
    for given, done in zip(cases(), json.loads(printed), strict=True):
        assert_found(given, done)


def assert_found(given: dict[str, Any], done: dict[str, Any]) -> None:
    """Compare the answers for one contract with the contract that was put."""
    assert (done["put"], done["default"], done["delete"]) == (201, 200, 200)
    assert done["gone"] == ["The contract for the given EMAID not found."]
    for kind, root_name in (
        ("by_emaid", "cpsV2GRootDistinguishedName"),
        ("by_pcid", "cpsV2GRootDistinguishedName"),
        ("signed", "cpsRootDistinguishedName"),
        ("post", "cpsRootDistinguishedName"),
    ):
        (item,) = done[kind]
        assert (item["emaid"], item["pcid"]) == (given["emaid"], given["pcid"])
        assert item["xsdMsgDefNamespace"] == given["namespace"]
        assert item.get(root_name) == given["root_name"]
    assert done["by_emaid"][0]["defaultContract"] is True
    stored = decode(base64.b64decode(given["put"]["certificateInstallationRes"]))
    asked = decode(base64.b64decode(given["post"]["certificateInstallationReq"]))
    for kind, session_id in (
        ("signed", bytes.fromhex(SESSION)),
        ("post", asked.header.session_id),
    ):
        message = decode(base64.b64decode(done[kind][0]["certificateInstallationRes"]))
        assert message.header.session_id == session_id
        assert message.body == stored.body


def test_client_of_openapi_generator_runs_all_operations(server: Server, tmp_path: Path) -> None:
    """Its models are of pydantic, and check each pattern, length and enum."""
    require(shutil.which("java"), "Java")
    command(
        BIN / "openapi-generator-cli",
        *("generate", "-i", PUBLISHED, "-g", "python", "-o", tmp_path),
        "--additional-properties=packageName=opnc_client",
    )
    models = "".join(path.read_text() for path in (tmp_path / "opnc_client" / "models").iterdir())
    assert models.count("must validate the regular expression") >= 6
    assert_runs(
        server,
        sys.executable,
        CLIENTS / "openapi_generator.py",
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )


def test_client_of_openapi_python_client_runs_all_operations(
    server: Server, tmp_path: Path
) -> None:
    """Its models are of attrs; enums and dates are read strictly."""
    config = tmp_path / "config.yaml"
    config.write_text("post_hooks: []\n")
    package = tmp_path / "opnc_client"
    printed = command(
        BIN / "openapi-python-client",
        *("generate", "--path", PUBLISHED, "--output-path", package),
        *("--meta", "none", "--config", config, "--fail-on-warning"),
    )
    assert "Warning" not in printed
    assert_runs(
        server,
        sys.executable,
        CLIENTS / "openapi_python_client.py",
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )


def test_client_of_openapi_fetch_runs_all_operations(server: Server, tmp_path: Path) -> None:
    """Its types are checked by TypeScript, in strict mode."""
    require(
        shutil.which("node") and (NODE_MODULES.parent / "installed").exists(),
        "npm's packages (make build/clients/installed)",
    )
    (tmp_path / "node_modules").symlink_to(NODE_MODULES)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    shutil.copy(CLIENTS / "openapi_fetch.ts", tmp_path / "drive.ts")
    binaries = NODE_MODULES / ".bin"
    command(binaries / "openapi-typescript", PUBLISHED, "-o", tmp_path / "api.d.ts")
    options = ("--strict", "--skipLibCheck", "--module", "nodenext", "--target", "es2022")
    command(binaries / "tsc", *options, "drive.ts", cwd=tmp_path)
    assert_runs(server, "node", "drive.js", cwd=tmp_path)


DOCUMENT = yaml.safe_load(PUBLISHED.read_text(encoding="utf-8"))
SCHEMAS = DOCUMENT["components"]["schemas"]


def _matches_ecma(
    validator: Any, pattern: str, instance: object, _schema: object
) -> Iterator[object]:
    python = re.sub(r"(?<!\\)\$$", r"\\Z", pattern)
    if isinstance(instance, str) and not re.search(python, instance, re.ASCII):
        yield from validator.descend(instance, {"not": {}})


# Patterns as OpenAPI has them, in ECMA's dialect.
Validator = validators.extend(Draft4Validator, {"pattern": _matches_ecma})


def plain(server: Server, method: str, path: str, **options: Any) -> httpx2.Response:
    """Send a request, and hold its answer against the published schema for its status."""
    template = re.sub(r"/emaid/[^/]+", "/emaid/{emaid}", path)
    template = re.sub(r"/pcid/[^/]+", "/pcid/{pcid}", template)
    template = re.sub(r"(/signedcontractdata)/[^/]+", r"\1/{emaid}", template)
    template = re.sub(r"(/signedcontractdata/{emaid})/[^/]+", r"\1/{pcid}", template)
    url = f"http://127.0.0.1:{server.port}{BASE_PATH}{path}"
    answer = httpx2.request(method, url, timeout=30, **options)
    published = DOCUMENT["paths"][template][method.lower()]["responses"][str(answer.status_code)]
    if content := published.get("content"):
        schema = {**content["application/json"]["schema"], "components": {"schemas": SCHEMAS}}
        Validator(schema, format_checker=FormatChecker()).validate(answer.json())
    elif answer.is_success:
        assert answer.content == b""
    return answer


def test_answers_fit_the_published_schemas_with_all_patterns(server: Server) -> None:
    """Successes and failures of all operations, in both editions."""
    done = []
    for given in cases():
        emaid, pcid = given["emaid"], given["pcid"]
        query = {"xsdMsgDefNamespace": given["namespace"]}
        pair = f"/signedcontractdata/{emaid}/{pcid}"
        asked = {"json": given["post"]}
        plain(server, "POST", "/signedcontractdata", **asked)  # not found, with an EXI answer
        plain(server, "GET", f"/contractData/emaid/{emaid[:9]}", params=query)  # malformed
        found = {
            "put": plain(server, "PUT", "/signedcontractdata", json=given["put"]).status_code,
            "by_emaid": plain(server, "GET", f"/contractData/emaid/{emaid}", params=query),
            "by_pcid": plain(server, "GET", f"/contractData/pcid/{pcid}", params=query),
            "signed": plain(server, "GET", pair, params={**query, "sessionID": SESSION}),
            "default": plain(server, "POST", f"{pair}/setdefault").status_code,
            "post": plain(server, "POST", "/signedcontractdata", **asked),
            "delete": plain(server, "DELETE", f"/signedcontractdata/{emaid}").status_code,
            "gone": plain(server, "GET", pair, params=query).json()["errorMessages"],
        }
        for kind in ("by_emaid", "by_pcid", "signed", "post"):
            (found[kind],) = found[kind].json().values()
        done.append(found)
    for given, found in zip(cases(), done, strict=True):
        assert_found(given, found)
