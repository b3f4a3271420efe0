"""Two listeners, one pool: what is whose, and that neither leads to the other."""

import os
import subprocess
import sys

import pytest

from tests.builders import BASE, EMAID_TEXT, put_body
from tests.contract.conformance import assert_error
from tests.operations.conftest import BIND

THEIRS = ["/health/live", "/health/ready", "/metrics"]


@pytest.mark.parametrize("path", THEIRS)
@pytest.mark.parametrize("host", [BIND, "operators.example", ""])
def test_what_is_the_operators_is_not_in_the_api(pool, path, host):
    """Whatever a request says of its host: 404, as of any path that is none."""
    answer = pool.api.get(path, headers={"Host": host})
    assert_error(
        answer, 404, f'There is no such path: "{path}". The page "/" links to the documentation.'
    )
    assert pool.operators.get(path, headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "target", [f"{BASE}/openapi.json", "/v1/ccp/ui/", "/opnc", "/health/live/"]
)
def test_the_api_is_not_the_operators(pool, target):
    """No path of it, nor a way to it."""
    assert pool.operators.get(target, follow_redirects=False).status_code == 404


def test_nothing_is_written_from_there(pool):
    """A PUT that the API stores is 404."""
    body = put_body()
    url = f"{BASE}/signedcontractdata"
    assert pool.operators.put(url, json=body).status_code == 404
    assert pool.api.get(f"{BASE}/contractData/emaid/{EMAID_TEXT}").status_code == 404
    assert pool.api.put(url, json=body).status_code == 201


@pytest.mark.parametrize("path", THEIRS)
def test_they_are_read_alone(pool, path):
    """405 for what would change something; HEAD has no body."""
    assert pool.operators.post(path).status_code == 405
    answer = pool.operators.head(path)
    assert (answer.status_code, answer.content) == (200, b"")


def test_browsers_are_told_what_it_is_not(pool):
    """The same headers as everywhere."""
    headers = pool.operators.get("/metrics").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


UNSET = """
import sys
from pathlib import Path
from ccp.app import create_app
from tests.conftest import make_settings
with create_app(make_settings(Path(sys.argv[1]))).test_client():
    unwanted = ("ccp.operations", "prometheus", "opentelemetry.sdk", "opentelemetry.exporter")
    print(sorted(name for name in sys.modules if name.startswith(unwanted)))
"""


def test_where_nobody_looks_nothing_of_it_is_loaded(tmp_path):
    """A pool without CCP_OPERATIONS_BIND and OTEL_ variables pays nothing."""
    command = [sys.executable, "-c", UNSET, str(tmp_path)]
    environment = {name: value for name, value in os.environ.items() if name[:5] != "OTEL_"}
    told = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    assert told.stdout == "[]\n"


@pytest.mark.parametrize(
    "accept", ["text/plain;version=x", "application/openmetrics-text;version=a.b.c"]
)
def test_whatever_is_accepted_gets_an_answer(pool, accept):
    """A version that is no number is none."""
    answer = pool.operators.get("/metrics", headers={"Accept": accept})
    assert answer.status_code == 200
    assert "ccp_records" in answer.text


@pytest.mark.parametrize("path", THEIRS)
def test_head_is_a_get_without_a_body(pool, path):
    """Which the server would otherwise warn of each time."""
    answer = pool.operators.head(path)
    assert (answer.status_code, answer.content) == (200, b"")
