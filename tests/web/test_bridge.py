"""The hop from ASGI to Flask: threads, context, and what Flask is told."""

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from types import SimpleNamespace

import flask
import pytest
import structlog
from connexion.apps.flask import FlaskASGIApp
from connexion.middleware.abstract import ROUTING_CONTEXT
from starlette.websockets import WebSocketDisconnect

from ccp.app import create_app
from ccp.domain.errors import ContractNotFound
from ccp.domain.identifiers import Emaid
from ccp.handlers import get_contract_data_by_emaid
from ccp.store import Store
from ccp.web.bridge import FlaskBridge
from ccp.web.calls import Calls
from ccp.web.trace import current_trace_id
from tests.builders import BASE, EMAID_TEXT, PCID_TEXT
from tests.conftest import make_settings
from tests.contract.conformance import conforming_client
from tests.waiting import SECONDS, until, wait_until
from tests.web.asgi import call, scope

URL = f"{BASE}/contractData/emaid/{EMAID_TEXT}"
HOSTILE = {
    "Host": "evil",
    "X-Forwarded-Host": "evil",
    "X-HTTP-Method-Override": "DELETE",
    "Cookie": "session=x",
    "Transfer-Encoding": "chunked",
}


@pytest.fixture
def handler(monkeypatch):
    """Replaces the handler that asks for contracts by EMAID."""

    def replace(handle):
        # The view has its own reference: the module is what the resolver looks into.
        monkeypatch.setattr(get_contract_data_by_emaid, "handle", handle)

    return replace


def pool(tmp_path, **settings):
    """A pool over HTTP, made after its handlers were replaced."""
    return conforming_client(create_app(make_settings(tmp_path, **settings)))


def test_handler_runs_in_a_thread_of_its_own(handler, tmp_path):
    """A handler never holds up the event loop."""

    def handle(_services, **_):
        names.append(threading.current_thread().name)
        raise ContractNotFound

    names: list[str] = []
    handler(handle)
    with pool(tmp_path) as client:
        client.get(URL)
    assert names[0].startswith("handler")


def test_as_many_handlers_run_as_there_are_threads(handler, tmp_path):
    """CCP_THREADS bounds how many handlers run at once; the others wait, and are served."""

    def handle(_services, **_):
        running.append(1)
        most.append(len(running))
        both_run.wait(SECONDS)
        time.sleep(0.01)  # in which a third one would begin
        running.pop()
        raise ContractNotFound

    running: list[int] = []
    most: list[int] = []
    both_run = threading.Barrier(2)
    handler(handle)
    with pool(tmp_path, threads="2") as client, ThreadPoolExecutor(6) as callers:
        answers = list(callers.map(client.get, [URL] * 6))
    assert [answer.status_code for answer in answers] == [404] * 6
    assert max(most) == 2


def test_who_writes_holds_up_nobody_who_reads(monkeypatch, tmp_path):
    """Whoever waits for the write lock, or for the disk, does not wait in a handler's thread."""

    def begin(*_):
        waiting.append(Future())
        return waiting[-1]

    waiting: list[Future[bool]] = []
    monkeypatch.setattr(Store, "begin_set_default", begin)
    url = f"{BASE}/signedcontractdata/{EMAID_TEXT}/{PCID_TEXT}/setdefault"
    with pool(tmp_path, threads="1") as client, ThreadPoolExecutor(2) as callers:
        writes = [callers.submit(client.post, url) for _ in range(2)]
        wait_until(lambda: len(waiting) == 2)
        assert client.get(URL).status_code == 404
        for written in waiting:
            written.set_result(True)
    assert [write.result().status_code for write in writes] == [200, 200]


def test_a_handler_that_waits_for_others_keeps_no_thread(handler, tmp_path):
    """One thread is enough for many that wait at once; each is answered as any other."""

    async def answer(emaid):
        waiting.append(emaid)
        await until(lambda: len(waiting) == 4)
        if emaid.text.endswith("1"):
            raise ContractNotFound
        return {"contractDataCollection": []}, 200

    waiting: list[Emaid] = []
    handler(lambda _services, *, emaid, **_: answer(emaid))
    app = create_app(make_settings(tmp_path, threads="1"))
    with app.test_client() as client, ThreadPoolExecutor(4) as callers:
        answers = list(callers.map(client.get, [f"{URL[:-1]}{n}" for n in range(4)]))
    assert [answer.status_code for answer in answers] == [200, 404, 200, 200]
    assert answers[0].json() == {"contractDataCollection": []}
    assert answers[1].json()["errorMessages"] == [ContractNotFound.message]


def test_context_goes_with_the_request(handler, tmp_path):
    """The trace id of the request is the one that its handler logs with."""

    def handle(_services, **_):
        seen.append(current_trace_id())
        raise ContractNotFound

    seen: list[str] = []
    handler(handle)
    with pool(tmp_path) as client:
        assert client.get(URL).json()["traceId"] == seen[0]
    assert not structlog.contextvars.get_contextvars()


def test_flask_is_told_nothing_of_the_request(handler, tmp_path):
    """No header, query or body of a caller's can mean something to Flask, whose app is there."""

    def handle(_services, **_):
        seen.append((flask.has_app_context(), flask.has_request_context()))
        raise ContractNotFound

    seen: list[tuple] = []
    handler(handle)
    with pool(tmp_path) as client:
        client.request("GET", f"{URL}?", headers=HOSTILE, content=b"{}")
    assert seen == [(True, False)]


def test_the_view_is_that_of_the_operation_found(tmp_path):
    """Whatever Flask's own routing would choose: it is decided once, for checks and handler."""
    asgi_app = FlaskASGIApp("test", {})
    asgi_app.app.add_url_rule("/base/<name>", "a.one", lambda: flask.Response("one"))
    asgi_app.app.add_url_rule("/base/fixed", "a.two", lambda: flask.Response("two"))
    bridge = FlaskBridge(asgi_app, handlers=Calls(name="bridged"))
    bridge.add_api(SimpleNamespace(base_path="/base"))
    routed = {ROUTING_CONTEXT: {"api_base_path": "/base", "operation_id": "one"}}
    _, body = call(bridge, scope(path="/base/fixed", extensions=routed))
    assert body["body"] == b"one"


def test_what_is_no_request_goes_on(tmp_path):
    """A WebSocket is turned away, and disturbs nobody."""
    with (
        pool(tmp_path) as client,
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(URL),
    ):
        pass
