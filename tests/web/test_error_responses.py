"""Every error is an ErrorV1, says nothing of what is inside, and is found in the log."""

import uuid

import pytest
import structlog
from connexion.exceptions import Forbidden, InternalServerError, OAuthProblem
from starlette.exceptions import HTTPException

from ccp.app import create_app
from ccp.domain.errors import StoreBusy
from ccp.handlers import get_contract_data_by_emaid
from ccp.store import Store
from tests.builders import BASE, EMAID_TEXT, post_body, put_body
from tests.conftest import make_settings
from tests.contract.conformance import assert_error, conforming_client

URL = f"{BASE}/contractData/emaid/{EMAID_TEXT}"
INTERNAL = "The pool could not process the request; its operator finds more under the traceId."
SECRET = "SELECT secret FROM /home/pool"  # noqa: S105


@pytest.fixture
def failing(monkeypatch, tmp_path):
    """A pool whose contracts cannot be looked up by EMAID: the handler raises the given error."""
    error: list[Exception] = []

    def handle(_services, **_):
        raise error[0]

    monkeypatch.setattr(get_contract_data_by_emaid, "handle", handle)
    with conforming_client(create_app(make_settings(tmp_path))) as client:

        def get(what, method="GET"):
            error[:] = [what]
            with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as log:
                return client.request(method, URL), log

        yield get


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(SECRET),
        KeyError(SECRET),
        OSError(2, SECRET, "/etc/passwd"),
        RecursionError(SECRET),
        MemoryError(SECRET),
        ExceptionGroup(SECRET, [ValueError(SECRET)]),
        HTTPException(500, SECRET),
        HTTPException(502, SECRET),
        InternalServerError(detail=SECRET),
    ],
    ids=lambda error: type(error).__name__,
)
def test_crash_is_told_in_general_words(failing, error):
    """An unexpected exception is 500, and none of it is in the answer."""
    response, _ = failing(error)
    assert_error(response, 500, INTERNAL)
    assert SECRET not in response.text + str(response.headers)


def test_crash_is_in_the_log(failing):
    """The exception is logged under the trace id that the caller is told."""
    error = RuntimeError(SECRET)
    response, log = failing(error)
    (line,) = [line for line in log if line["event"] == "failed"]
    assert line["exc_info"] is error
    assert (line["log_level"], line["traceId"]) == ("error", response.json()["traceId"])


def test_refusal_is_in_the_log_without_a_traceback(failing):
    """What the caller is told is logged too, as no failure of the pool."""
    response, log = failing(StoreBusy())
    (line,) = [line for line in log if line["event"] == "refused"]
    assert line["messages"] == response.json()["errorMessages"]
    assert (line["log_level"], line["traceId"]) == ("info", response.json()["traceId"])
    assert "exc_info" not in line


def test_head_of_a_crash(failing):
    """A crash in answer to HEAD is 500 as well."""
    response, _ = failing(RuntimeError(SECRET), method="HEAD")
    assert response.status_code == 500


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (OAuthProblem(detail=SECRET), 401, "Unauthorized"),
        (Forbidden(detail=SECRET), 403, "Forbidden"),
        (HTTPException(404, SECRET), 404, "Not Found"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_errors_of_the_frameworks_have_the_same_shape(failing, error, status, message):
    """What Connexion or Starlette raise is told as ErrorV1, without their own words."""
    if status == 401:
        error.headers = {"WWW-Authenticate": "Bearer"}
    response, _ = failing(error)
    assert_error(response, status, message)
    assert SECRET not in response.text
    if status == 401:
        assert response.headers["www-authenticate"] == "Bearer"


def test_busy_store_says_when_to_come_back(failing):
    """503 has Retry-After."""
    response, _ = failing(StoreBusy())
    assert_error(response, 503, "The pool is busy; try again.")
    assert response.headers["retry-after"] == "1"


@pytest.mark.parametrize(("wanted", "carries"), [("true", True), ("false", False)])
def test_crash_of_a_post_has_an_answer_for_the_car(client, monkeypatch, wanted, carries):
    """Even a crash carries EXI for the car that waits, if it is wanted."""
    monkeypatch.setattr(Store, "find_default", lambda *_: 1 / 0)
    headers = {"alwaysReturnEXI": wanted}
    response = client.post(f"{BASE}/signedcontractdata", json=post_body(), headers=headers)
    assert_error(response, 500, INTERNAL)
    assert ("signedContractDataCollection" in response.json()) is carries


def test_each_error_has_its_own_trace_id(empty_client):
    """A trace id is a fresh random UUID, never the caller's."""
    given = str(uuid.uuid4())
    headers = {"traceId": given, "X-Request-ID": given, "traceparent": given}
    ids = {empty_client.get(URL, headers=headers).json()["traceId"] for _ in range(20)}
    assert len(ids) == 20
    assert given not in ids
    assert {uuid.UUID(trace_id).version for trace_id in ids} == {4}


def test_one_error_leaves_the_pool_as_it_was(client, monkeypatch):
    """After a crash the next request is served as if nothing had been."""
    with monkeypatch.context() as patch:
        patch.setattr(Store, "begin_put", lambda *_: 1 / 0)
        body = put_body()
        assert client.put(f"{BASE}/signedcontractdata", json=body).status_code == 500
    assert client.put(f"{BASE}/signedcontractdata", json=body).status_code == 201
