"""A pool that its operators look at, without a server: what came in where is what a scope says."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from starlette.testclient import TestClient

from ccp.app import create_app
from ccp.operators.listener import listener_of
from tests.builders import NOW
from tests.conftest import make_settings
from tests.contract.conformance import conforming_client

BIND = "127.0.0.1:9"


class Looked(NamedTuple):
    """
    A pool and those who look at it.

    Attributes:
        api: A client of the API; every answer is held against the spec.
        operators: One at the operators' address.
    """

    api: TestClient
    operators: TestClient


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
