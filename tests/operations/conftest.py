"""A pool that its operators look at, without a server: what came in where is what a scope says."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from starlette.testclient import TestClient

from ccp.app import create_app
from ccp.observability.measures import Refusal
from ccp.operations.listener import listener_of
from tests.builders import NOW
from tests.conftest import make_settings
from tests.contract.conformance import conforming_client
from tests.waiting import SECONDS

BIND = "127.0.0.1:9"


def refusal(reason: str, **changes: Any) -> Refusal:
    """A refusal, as `error_response` tells it; *changes* replace what it says."""
    told = {
        "operation": "getContractDataByPcidV1",
        "status": 404,
        "messages": ["The contract for the given PCID not found."],
        "caller": {"party_type": "cpo", "party_id": "DE*ICE"},
        "trace_id": "5f0c5a3e-6f0a-4f35-8d38-0c9a8e5d6f3b",
    }
    return Refusal(reason=reason, **(told | changes))


class Looked(NamedTuple):
    """
    A pool and those who look at it.

    Attributes:
        api: A client of the API; every answer is held against the spec.
        operators: One at the operators' address.
    """

    api: TestClient
    operators: TestClient


@pytest.fixture(autouse=True)
def patient_readiness(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let readiness wait for the database as long as a busy machine takes."""
    monkeypatch.setattr("ccp.operations.health._SECONDS", SECONDS)


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[Looked]:
    """A strict pool; nothing is stored in it."""
    settings = make_settings(tmp_path, operations_bind=BIND)
    app = create_app(settings, clock=lambda: NOW)
    counts = tmp_path / "counts"
    counts.mkdir()
    listener_of(settings).listen_at(("127.0.0.1", 9), counts)
    with conforming_client(app) as api:
        yield Looked(api, TestClient(app, base_url=f"http://{BIND}"))
