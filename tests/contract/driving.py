"""
The contract at full strength: Schemathesis drives a specification against the real server.

It has all its checks, and all its phases: the examples of the spec, its coverage of every keyword,
random cases, and sequences that follow links, as from what has been put to what is got.
"""

import copy
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from zlib import crc32

import schemathesis
from schemathesis import Case, HookContext
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from ccp.web.spec import OPCP, OPNC, load_spec
from tests.builders import (
    EMAID_TEXT,
    PCID_TEXT,
    VALID_TODAY,
    installation_req,
    installation_res,
    post_body,
    put_body,
)
from tests.contract.conformance import OPCP_SPEC, SPEC, operations_of
from tests.issuer import bearer, ec_key, jwt_settings
from tests.running import serving

SPECS = {"OPNC": SPEC, "OPCP": OPCP_SPEC}
FILES = {"OPNC": OPNC, "OPCP": OPCP}
MODES = ("strict", "lab", "jwt")
OPAQUE = (
    "addSignedContractDataV1",
    "getSignedContractDataByCertificateInstallationReqV1",
    "opcpAddSignedContractData",
    "opcpGetSignedContractData",
)
"""The operations that take a message."""

EMAIDS = (EMAID_TEXT, "DEICELINE00001", "DEICELINE00002")
"""The first is what the specs have as an example, and so is the car."""
PHASES = {"examples", "coverage", "fuzzing", "stateful"}
_TOKEN_SECONDS = 24 * 60 * 60


@dataclass
class Driven:
    """
    What was done to a pool.

    Attributes:
        cases: How many, by phase.
        statuses: How often each was answered.
        failures: What any check found wrong, in Schemathesis' words.
    """

    cases: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def assert_held(self, mode: str) -> None:
        """Nothing was wrong; and there was what could have been, of all phases and outcomes."""
        assert self.failures == [], "\n".join(self.failures)
        assert set(self.cases) == PHASES
        assert min(self.cases.values()) > 10
        assert max(self.statuses) < 500
        assert {200, 201, 400, 404} <= set(self.statuses)
        assert (401 in self.statuses) == (mode == "jwt")


def drive_by_spec(
    folder: Path, spec: str, mode: str, *, most_examples: int, seed: int | None = None
) -> Driven:
    """
    Serve a pool and drive it by one of its specs.

    Args:
        folder: Takes the pool.
        spec: One of SPECS.
        mode: One of MODES; jwt is strict, with tokens.
        most_examples: Of random cases for each operation, and of sequences.
        seed: Of all that is random; the same cases at each run where there is none.
    """
    variables = {"lab": {"checks": "lab"}, "jwt": jwt_settings(folder, ec_key())}.get(mode, {})
    with serving(folder, workers=1, opcp="on", **variables) as pool:
        served = load_spec(FILES[spec], lab=True) if mode == "lab" else SPECS[spec]
        document = with_links(served if mode == "jwt" else without_security(served))
        config = configuration(most_examples, seed)
        if mode == "jwt":
            now = datetime.now(UTC)
            later = int(now.timestamp()) + _TOKEN_SECONDS
            config["headers"] = bearer(ec_key().token(at=now, exp=later))
        schema = schemathesis.openapi.from_dict(
            document, config=SchemathesisConfig.from_dict(config)
        )
        url = f"http://127.0.0.1:{pool.port}{document['servers'][0]['url']}"
        schema.config.update(base_url=url)
        schema.hook("map_case")(right_cases(names_of(document)))
        schema.hook("filter_case")(_fits_its_mode)
        return _driven(schema)


def configuration(most_examples: int, seed: int | None = None) -> dict[str, Any]:
    """How Schemathesis shall drive; see `drive_by_spec`."""
    return {
        **({} if seed is None else {"seed": seed}),
        "continue-on-failure": True,
        "generation": {
            "deterministic": seed is None,
            "max-examples": most_examples,
            "database": "none",
            "mode": "all",
        },
        "operations": [
            # To the spec a message is any text, but no random text is a message: what fits the
            # schema may be refused. And a text that is longer than its schema allows may be longer
            # than a whole body.
            {
                "include-operation-id": operation_id,
                "checks": {
                    "positive_data_acceptance": {"expected-statuses": ["2xx", "400", "404"]},
                    "negative_data_rejection": {"expected-statuses": ["400", "401", "413", "415"]},
                },
            }
            for operation_id in OPAQUE
        ],
    }


def without_security(spec: dict[str, Any]) -> dict[str, Any]:
    """What a pool without tokens serves: the same spec, less its security."""
    spec = copy.deepcopy(spec)
    for item in spec["paths"].values():
        for operation in item.values():
            if "security" in operation:
                del operation["security"]
    return spec


def with_links(spec: dict[str, Any]) -> dict[str, Any]:
    """The spec, with what can be done to a contract once it has been put."""
    spec = copy.deepcopy(spec)
    put = next(
        o for o in operations_of(spec) if o["operationId"] in OPAQUE and "201" in o["responses"]
    )
    put["responses"]["201"]["links"] = {
        operation_id: {
            "operationId": operation_id,
            "parameters": {name: f"$request.body#/{called}" for name, called in names.items()},
        }
        for operation_id, names in names_of(spec).items()
        if names
    }
    return spec


def names_of(spec: dict[str, Any]) -> dict[str, dict[str, str]]:
    """What each operation calls the ids in its path, and what these are: emaid or pcid."""
    described = spec["components"]["parameters"]
    names = {}
    for operation in operations_of(spec):
        references = [parameter["$ref"] for parameter in operation["parameters"]]
        parameters = [described[reference.rsplit("/", 1)[1]] for reference in references]
        names[operation["operationId"]] = {
            parameter["name"]: parameter.get("x-opnc-name", parameter["name"])
            for parameter in parameters
            if parameter["in"] == "path"
        }
    return names


def right_cases(names: dict[str, dict[str, str]]) -> Callable[[HookContext, Case], Case]:
    """Make most right bodies real ones, and half of the ids known: random ones find nothing."""

    def map_case(context: HookContext, case: Case) -> Case:
        if case.meta is None or not case.meta.generation.mode.is_positive:
            return case
        operation_id = case.operation.definition.raw["operationId"]
        chance = crc32(repr((case.body, case.path_parameters)).encode())  # the same at each run
        emaid = EMAIDS[chance % len(EMAIDS)]
        if operation_id in OPAQUE and chance % 4:
            case.body = right_put(emaid) if case.method == "PUT" else right_post()
        elif names[operation_id] and (chance % 2 or not _is_ascii(case)):
            known = {"emaid": emaid, "pcid": PCID_TEXT}
            case.path_parameters = {
                name: known[called] for name, called in names[operation_id].items()
            }
        return case

    return map_case


def _is_ascii(case: Case) -> bool:
    """
    Return whether the names in the path of a case are ASCII.

    Every schema of a path asks for ASCII, but Schemathesis 4 now and then sends U+FFFD there and
    takes it for valid.
    """
    return all(unquote(str(name)).isascii() for name in case.path_parameters.values())


def _fits_its_mode(context: HookContext, case: Case) -> bool:
    """Check that a case that counts as valid is valid; not every phase maps its cases."""
    return case.meta is None or not case.meta.generation.mode.is_positive or _is_ascii(case)


@cache
def right_put(emaid: str) -> dict[str, Any]:
    """A contract that a pool stores today."""
    return put_body(installation_res(emaid, **VALID_TODAY), emaid=emaid)


@cache
def right_post() -> dict[str, Any]:
    """What the car asks."""
    return post_body(installation_req(**VALID_TODAY))


def _asked(recorder: Any, case_id: str) -> str:
    """Return the request of a case, for a message."""
    exchange = recorder.interactions.get(case_id)
    return f"{exchange.request.method} {exchange.request.uri}" if exchange else "not sent"


def _driven(schema: Any) -> Driven:
    driven = Driven()
    for event in from_schema(schema).execute():
        match event:
            case events.ScenarioFinished():
                recorder = event.recorder
                driven.cases[event.phase.value] += len(recorder.cases)
                driven.statuses.update(
                    exchange.response.status_code
                    for exchange in recorder.interactions.values()
                    if exchange.response is not None
                )
                driven.failures += [
                    f"{recorder.label}: {check.failure_info.failure}\n{_asked(recorder, case_id)}"
                    for case_id, checks in recorder.checks.items()
                    for check in checks
                    if check.failure_info is not None
                ]
            case events.NonFatalError() | events.FatalError():
                driven.failures.append(str(event))
    return driven
