"""The parts joined: a pool that starts, answers, and ends."""

import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import structlog
from starlette.testclient import TestClient

import ccp.app as app_module
from ccp.app import create_app, utc_now
from ccp.handlers import get_contract_data_by_emaid
from ccp.store import Store, StoreUnusable
from ccp.web.calls import Calls
from tests.authority import Authority
from tests.builders import BASE, EMAID_TEXT, NOW, PCID_TEXT, post_body, put_body
from tests.conftest import make_settings
from tests.contract.conformance import conforming_client
from tests.issuer import ec_key, jwt_settings
from tests.running import ROOT
from tests.waiting import NEVER, SECONDS, wait_until

URL = f"{BASE}/signedcontractdata"
PAIR = f"{URL}/{EMAID_TEXT}/{PCID_TEXT}"


WALK = [
    ("addSignedContractDataV1", "PUT", URL, put_body(), 201),
    ("getContractDataByEmaidV1", "GET", f"{BASE}/contractData/emaid/{EMAID_TEXT}", None, 200),
    ("getContractDataByPcidV1", "GET", f"{BASE}/contractData/pcid/{PCID_TEXT}", None, 200),
    ("getSignedContractDataByEmaidAndPcidV1", "GET", PAIR, None, 200),
    ("setSignedContractDataAsDefaultV1", "POST", f"{PAIR}/setdefault", None, 200),
    ("getSignedContractDataByCertificateInstallationReqV1", "POST", URL, post_body(), 200),
    ("deleteSignedContractDataByEmaidV1", "DELETE", f"{URL}/{EMAID_TEXT}", None, 200),
]


def test_every_operation_answers(client):
    """All seven operations are joined to the store: each one succeeds on what another has put."""
    statuses = [
        client.request(method, path, json=body).status_code for _, method, path, body, _ in WALK
    ]
    assert statuses == [status for *_, status in WALK]


def test_routers_agree(client):
    """The operation whose checks a request passes is the one whose handler runs."""
    views = client.app.app.url_map.bind("localhost")
    for operation_id, method, path, body, _ in WALK:
        with structlog.testing.capture_logs() as log:
            client.request(method, path, json=body)
        assert log[-1]["operation"] == operation_id
        assert views.match(path, method)[0].endswith(operation_id)


def test_pools_do_not_share(tmp_path):
    """Two pools of one process have nothing in common."""
    statuses = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        with conforming_client(create_app(make_settings(tmp_path / name), clock=lambda: NOW)) as c:
            statuses.append(c.get(f"{BASE}/contractData/emaid/{EMAID_TEXT}").status_code)
            c.put(URL, json=put_body())
            statuses.append(c.get(f"{BASE}/contractData/emaid/{EMAID_TEXT}").status_code)
    assert statuses == [404, 200, 404, 200]


def test_what_was_put_outlives_the_pool(tmp_path):
    """A pool that starts again finds what it had."""
    for status in (201, 201):
        with conforming_client(create_app(make_settings(tmp_path), clock=lambda: NOW)) as client:
            assert client.put(URL, json=put_body()).status_code == status
            assert client.get(f"{URL}/{EMAID_TEXT}/{PCID_TEXT}").status_code == 200


def test_a_write_waits_for_nobody_where_nothing_else_is_asked(tmp_path, monkeypatch):
    """However long it would wait for others, to be committed with them."""
    monkeypatch.setattr(app_module, "_GATHERING_SECONDS", NEVER)
    with conforming_client(create_app(make_settings(tmp_path), clock=lambda: NOW)) as client:
        begun = time.monotonic()
        assert client.put(URL, json=put_body()).status_code == 201
        assert time.monotonic() - begun < SECONDS


def test_a_write_waits_for_requests_that_wait_for_a_thread(tmp_path, monkeypatch):
    """They may be writes too, to be committed with it; when none is left, it is done."""
    monkeypatch.setattr(app_module, "_GATHERING_SECONDS", NEVER)
    begun, goes_on, ends = threading.Event(), threading.Event(), threading.Event()
    stops = iter((goes_on, ends))

    def handle(_services, **_):
        begun.set()
        next(stops).wait(SECONDS)
        return {}, 200

    make, made = Calls.make, []

    def counted(calls, function):
        made.append(function)
        return make(calls, function)

    monkeypatch.setattr(Calls, "make", counted)
    monkeypatch.setattr(get_contract_data_by_emaid, "handle", handle)
    app = create_app(make_settings(tmp_path), clock=lambda: NOW)
    with app.test_client() as client, ThreadPoolExecutor() as others:
        path = f"{BASE}/contractData/emaid/{EMAID_TEXT}"
        first = others.submit(client.get, path)
        assert begun.wait(SECONDS)
        put = others.submit(client.put, URL, json=put_body())
        wait_until(lambda: len(made) == 2)  # the contract waits for the thread, and behind it this:
        last = others.submit(client.get, path)
        wait_until(lambda: len(made) == 3)
        assert (
            client.get("/nowhere").status_code == 404
        )  # the loop has given all that to the thread
        goes_on.set()
        with pytest.raises(TimeoutError):
            put.result(0.3)
        ends.set()
        assert [one.result(SECONDS).status_code for one in (first, put, last)] == [200, 201, 200]


def test_clock_is_the_one_given(tmp_path):
    """What is valid is decided by the pool's clock."""
    later = NOW + timedelta(days=366)
    with conforming_client(create_app(make_settings(tmp_path), clock=lambda: later)) as client:
        response = client.put(URL, json=put_body())
    assert response.json()["errorMessages"] == [
        "The validUntil date of contract certificate is in the past."
    ]


def test_clock_tells_the_present():
    """Unless another is given, the clock is the system's, in UTC."""
    assert abs(utc_now() - datetime.now(UTC)) < timedelta(minutes=1)


def test_store_is_closed_in_the_end(tmp_path, monkeypatch):
    """When the server ends, the connections to the database are closed."""
    app = create_app(make_settings(tmp_path))
    closed: list[bool] = []
    monkeypatch.setattr(Store, "close", lambda _: closed.append(True))
    with TestClient(app):
        assert not closed
    assert closed == [True]


# Makes a pool as the server's master does before it forks, and prints what is left beside data.
BEFORE_A_FORK = """
import asyncio, gc, json, os, sqlite3, sys, threading
from pathlib import Path
from ccp.app import create_app
from ccp.config.settings import Settings

def descriptors():
    return {file.name: os.path.realpath(file) for file in Path("/proc/self/fd").iterdir()}

here = descriptors()
app = create_app(Settings.from_environment(json.loads(sys.argv[1])))
gc.collect()
left = [
    f"descriptor {name} of {path}"
    for name, path in descriptors().items()
    if here.get(name) != path and not path.startswith(f"/proc/{os.getpid()}/fd")
]
kinds = (threading.Thread, asyncio.AbstractEventLoop, sqlite3.Connection)
left += [
    repr(one)
    for one in gc.get_objects()
    if issubclass(type(one), kinds) and one is not threading.main_thread()
]
left += [f"thread {one}" for one in threading.enumerate() if one is not threading.main_thread()]
print(*left, sep="\\n")
"""


def test_create_app_before_a_fork_makes_nothing_but_data(tmp_path):
    """No thread, event loop, database connection or open file: a fork breaks each of them."""
    (tmp_path / "cas").mkdir()
    Authority(tmp_path / "cas", "ca")
    variables = {
        **jwt_settings(tmp_path, ec_key()),
        "jwt_keys": "https://issuer.example/jwks",
        "operations_bind": "127.0.0.1:9",
        "opcp": "on",
        "peers": "http://127.0.0.1:1",
        "revocation_url": "http://127.0.0.1:1",
        "operator_cas": str(tmp_path / "cas"),
        "rcp_url": "http://127.0.0.1:1",
        "cleanse_hours": "1",
        "rate_limit": "9/second",
        "threads": "3",
        "database_url": f"sqlite:///{tmp_path}/ccp.db",
    }
    environment = json.dumps({f"CCP_{name.upper()}": value for name, value in variables.items()})
    made = subprocess.run(
        [sys.executable, "-c", BEFORE_A_FORK, environment],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert made.stdout.split("\n") == ["", ""]


def test_database_that_cannot_serve_is_told(tmp_path):
    """A database in a folder that is not there is an error of its own kind."""
    settings = make_settings(tmp_path, database_url=f"sqlite:///{tmp_path}/no/ccp.db")
    with pytest.raises(StoreUnusable):
        create_app(settings)
