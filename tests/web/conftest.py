"""A pool for requests that store nothing: made once, for all tests of a module."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from ccp.app import create_app
from tests.builders import NOW
from tests.conftest import make_settings
from tests.contract.conformance import conforming_client


@pytest.fixture(scope="module")
def empty_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A strict pool over HTTP in which nothing is stored; every answer is held against the spec."""
    app = create_app(make_settings(tmp_path_factory.mktemp("pool")), clock=lambda: NOW)
    with conforming_client(app) as client:
        yield client
