"""Health: a worker that answers lives; ready it is when it can write, and trusts somebody."""

import json
import sqlite3
import threading
from contextlib import closing

from cryptography.hazmat.primitives.serialization import Encoding
from structlog.testing import capture_logs

from ccp.app import create_app
from ccp.operators.listener import listener_of
from ccp.pki.trusted import Trusted
from ccp.store import Readiness, Store
from tests.builders import NOW
from tests.conftest import make_settings
from tests.issuer import ec_key, jwt_settings
from tests.operators.conftest import BIND
from tests.trusted import pki
from tests.waiting import SECONDS, wait_until
from tests.web.asgi import call, scope

READY = {"server": "ok", "database": "ok", "migrations": "ok", "anchors": "ok"}


def ready_of(app, **changes):
    """What a pool says of itself, asked once; its status, and the checks."""
    request = scope(path="/health/ready", server=("127.0.0.1", 9), **changes)
    start, body = call(app, request)
    answer = json.loads(body["body"])
    assert answer["ready"] is (start["status"] == 200)
    return start["status"], answer["checks"]


def looked_at(folder, **variables):
    """A pool that its operators look at; it is not started, which health does not need."""
    settings = make_settings(folder, operations_bind=BIND, **variables)
    app = create_app(settings, clock=lambda: NOW)
    listener_of(settings).listen_at(("127.0.0.1", 9), folder)
    return app


def test_a_pool_that_serves_is_live_and_ready(pool):
    """200, and what was checked."""
    assert pool.operators.get("/health/live").json() == {"live": True}
    answer = pool.operators.get("/health/ready")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "checks": READY})


def test_a_database_that_is_gone_is_not_ready(tmp_path):
    """It is live all the same; the log has the reason once, not with every probe."""
    app = looked_at(tmp_path)
    (tmp_path / "ccp.db").unlink()
    with capture_logs() as lines:
        found = [ready_of(app) for _ in range(3)]
    assert {status for status, _ in found} == {503}
    _, checks = found[0]
    assert "unable to open database file" in checks.pop("database")
    assert checks == {"server": "ok", "migrations": "unknown", "anchors": "ok"}
    assert [line["event"] for line in lines] == ["the pool is not ready"]
    start, _ = call(app, scope(path="/health/live", server=("127.0.0.1", 9)))
    assert start["status"] == 200


def test_a_database_of_a_newer_version_is_not_ready(tmp_path):
    """Somebody has brought it up to date under a pool that still runs."""
    app = looked_at(tmp_path)
    with closing(sqlite3.connect(tmp_path / "ccp.db")) as database, database:
        database.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
            " VALUES ('ccp', '9999_from_the_future', '2099-01-01')"
        )
    status, checks = ready_of(app)
    assert status == 503
    assert checks["database"] == "ok"
    assert "newer version" in checks["migrations"]


def test_anchors_that_are_all_broken_are_not_ready(tmp_path):
    """Whoever was told to trust somebody, and can read none of it, refuses everything."""
    for name in ("v2g", "oem"):
        (tmp_path / "trust" / name).mkdir(parents=True)
        (tmp_path / "trust" / name / "root.pem").write_text("no certificate")
    status, checks = ready_of(looked_at(tmp_path))
    assert (status, checks) == (503, READY | {"anchors": "there is none for CPS, contracts, cars"})


def test_a_root_pool_without_emsp_roots_is_no_hindrance(tmp_path):
    """Contracts of eMSPs under a V2G PKI end in V2G roots; without any root nothing holds."""
    app = looked_at(tmp_path, rcp_url="http://127.0.0.1:1")
    assert ready_of(app)[0] == 503
    roots = {
        kind: [identity.certificate.public_bytes(Encoding.DER)]
        for kind, identity in (("v2g", pki().v2g_root("A")), ("oem", pki().oem.root))
    }
    trusted = app.services.trusted
    trusted.now = Trusted.of(trusted.files.with_roots(roots))
    assert ready_of(app) == (200, READY)


def test_keys_that_could_not_be_read_yet_are_not_ready(tmp_path):
    """Where tokens are asked for: with keys from a file 200, without those of a URL 503."""
    settings = jwt_settings(tmp_path, ec_key())
    assert ready_of(looked_at(tmp_path, **settings)) == (200, READY | {"keys": "ok"})
    settings["jwt_keys"] = "https://issuer.example/jwks"
    status, checks = ready_of(looked_at(tmp_path, **settings))
    assert (status, checks) == (503, READY | {"keys": "none could be read yet"})


def test_a_worker_that_ends_is_not_ready(tmp_path):
    """On connections that are still open; there are no new ones."""
    status, checks = ready_of(looked_at(tmp_path), state={"is_ending": True})
    assert (status, checks) == (503, READY | {"server": "it is ending"})


def test_a_disk_that_hangs_is_not_ready(tmp_path, monkeypatch):
    """The answer does not hang with it, and however often it is asked one thread waits."""
    monkeypatch.setattr("ccp.operators.health._SECONDS", 0.05)
    app = looked_at(tmp_path)
    goes_on, asked = threading.Event(), []

    def hang(_store):
        asked.append(threading.current_thread())
        goes_on.wait(SECONDS)
        return Readiness()

    monkeypatch.setattr(Store, "readiness", hang)
    for _ in range(3):
        status, checks = ready_of(app)
        assert status == 503
        assert checks["database"] == "it has not answered within 0.05 s"
    wait_until(lambda: asked)
    assert len(asked) == 1
    goes_on.set()
