"""Health: a worker that answers lives; ready it is when it can write, and trusts somebody."""

import json
import shutil
import sqlite3
import threading
from contextlib import closing
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from structlog.testing import capture_logs

from ccp.app import create_app
from ccp.operations.health import Health
from ccp.operations.listener import listener_of
from ccp.store import Readiness, Store
from ccp.trust.current import TrustSnapshot
from ccp.workshop.bad_certificates import future, past
from ccp.workshop.certificates import Validity, reissue
from ccp.workshop.folder import save_trust
from tests.builders import NOW
from tests.conftest import make_settings
from tests.issuer import ec_key, jwt_settings
from tests.operations.conftest import BIND
from tests.trusted import pki
from tests.waiting import SECONDS, wait_until
from tests.web.asgi import call, scope

READY = {"server": "ok", "database": "ok", "migrations": "ok", "handlers": "ok", "anchors": "ok"}


def ready_of(app, **changes):
    """What a pool says of itself, asked once; its status, and the checks."""
    request = scope(path="/health/ready", server=("127.0.0.1", 9), **changes)
    start, body = call(app, request)
    answer = json.loads(body["body"])
    assert answer["ready"] is (start["status"] == 200)
    return start["status"], answer["checks"]


@pytest.fixture
def looked_at():
    """Makes pools that their operators look at; none is started, which health does not need."""
    stores = []

    def make(folder, clock=lambda: NOW, **variables):
        settings = make_settings(folder, operations_bind=BIND, **variables)
        app = create_app(settings, clock=clock)
        stores.append(app.services.store)
        listener_of(settings).listen_at(("127.0.0.1", 9), folder)
        return app

    yield make
    for store in stores:
        store.close()


def test_a_pool_that_serves_is_live_and_ready(pool):
    """200, and what was checked."""
    assert pool.operators.get("/health/live").json() == {"live": True}
    answer = pool.operators.get("/health/ready")
    none = {"verifies": False, "anchors": 0, "valid_now": 0, "valid_root": False}
    kinds = dict.fromkeys(("v2g", "emsp", "oem"), none)
    expected = {"ready": True, "checks": READY, "anchors": kinds}
    assert (answer.status_code, answer.json()) == (200, expected)


def test_a_database_that_is_gone_is_not_ready(tmp_path, looked_at):
    """It is live all the same; the log has the reason once, not with every probe."""
    app = looked_at(tmp_path)
    (tmp_path / "ccp.db").unlink()
    with capture_logs() as lines:
        found = [ready_of(app) for _ in range(3)]
    assert {status for status, _ in found} == {503}
    _, checks = found[0]
    assert "unable to open database file" in checks.pop("database")
    unread = "no record can be read: The pool cannot reach its database."
    assert checks.pop("handlers").startswith(unread)
    assert checks == {"server": "ok", "migrations": "unknown", "anchors": "ok"}
    events = [line["event"] for line in lines]
    assert events == ["the database cannot be used", "the pool is not ready"]
    start, _ = call(app, scope(path="/health/live", server=("127.0.0.1", 9)))
    assert start["status"] == 200


def test_a_database_of_a_newer_version_is_not_ready(tmp_path, looked_at):
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


def test_anchors_that_are_all_broken_are_not_ready(tmp_path, looked_at):
    """Whoever was told to trust somebody, and can read none of it, refuses everything."""
    for name in ("v2g", "oem"):
        (tmp_path / "trust" / name).mkdir(parents=True)
        (tmp_path / "trust" / name / "root.pem").write_text("no certificate")
    status, checks = ready_of(looked_at(tmp_path))
    assert (status, checks) == (503, READY | {"anchors": "no valid root for v2g, oem"})


@pytest.mark.parametrize("kind", ["v2g", "emsp", "oem"])
def test_ready_root_begins_and_expires_is_told_without_a_reload(tmp_path, kind, looked_at):
    """Each kind by itself; sub-CAs that are still valid do not count."""
    authority = {"v2g": pki().cps["A"].authority, "emsp": pki().emsp, "oem": pki().oem}[kind]
    second, hour = timedelta(seconds=1), timedelta(hours=1)
    validity = Validity(NOW + hour, NOW + 2 * hour)
    save_trust(tmp_path / "trust", pki())
    shutil.rmtree(tmp_path / "trust" / kind)
    (tmp_path / "trust" / kind).mkdir()
    for number, one in enumerate(
        (reissue(authority.root, None, validity=validity), authority.sub_1)
    ):
        path = tmp_path / "trust" / kind / f"{number}.pem"
        path.write_bytes(one.certificate.public_bytes(Encoding.PEM))
    moment = [NOW]
    app = looked_at(tmp_path, clock=lambda: moment[0])
    found = []
    for moment[0] in (NOW, NOW + hour, NOW + 2 * hour, NOW + 2 * hour + second):
        status, checks = ready_of(app)
        found.append((status, checks["anchors"]))
    bad, good = (503, f"no valid root for {kind}"), (200, "ok")
    assert found == [bad, good, good, bad]


def test_ready_lists_each_kind(tmp_path, looked_at):
    """How many anchors there are, how many are valid now, and whether chains are verified."""
    save_trust(tmp_path / "trust", pki())
    root = pki().v2g_root("A")
    for name, validity in (("old", past(NOW)), ("new", future(NOW))):
        path = tmp_path / "trust" / "v2g" / f"{name}.pem"
        one = reissue(root, root, validity=validity)
        path.write_bytes(one.certificate.public_bytes(Encoding.PEM))
    shutil.rmtree(tmp_path / "trust" / "emsp")
    request = scope(path="/health/ready", server=("127.0.0.1", 9))
    _, body = call(looked_at(tmp_path), request)
    assert json.loads(body["body"])["anchors"] == {
        "v2g": {"verifies": True, "anchors": 4, "valid_now": 2, "valid_root": True},
        "emsp": {"verifies": False, "anchors": 0, "valid_now": 0, "valid_root": False},
        "oem": {"verifies": True, "anchors": 3, "valid_now": 3, "valid_root": True},
    }


def test_ready_after_a_refused_reload_says_why(tmp_path, looked_at):
    """Until a reload is taken."""
    app = looked_at(tmp_path)
    app.services.trusted.refused_reload = "there are no oem anchors any more"
    status, checks = ready_of(app)
    assert status == 503
    assert checks["anchors"] == "the reload was refused: there are no oem anchors any more"
    app.services.trusted.refused_reload = ""
    assert ready_of(app) == (200, READY)


def test_a_root_pool_without_emsp_roots_is_no_hindrance(tmp_path, looked_at):
    """Contracts of eMSPs under a V2G PKI end in V2G roots; without any root nothing holds."""
    app = looked_at(tmp_path, rcp_url="http://127.0.0.1:1")
    assert ready_of(app)[0] == 503
    roots = {
        kind: [identity.certificate.public_bytes(Encoding.DER)]
        for kind, identity in (("v2g", pki().v2g_root("A")), ("oem", pki().oem.root))
    }
    trusted = app.services.trusted
    trusted.current = TrustSnapshot.of(trusted.files.with_roots(roots))
    assert ready_of(app) == (200, READY)


def test_keys_that_could_not_be_read_yet_are_not_ready(tmp_path, looked_at):
    """Where tokens are asked for: with keys from a file 200, without those of a URL 503."""
    settings = jwt_settings(tmp_path, ec_key())
    assert ready_of(looked_at(tmp_path, **settings)) == (200, READY | {"keys": "ok"})
    settings["jwt_keys"] = "https://issuer.example/jwks"
    status, checks = ready_of(looked_at(tmp_path, **settings))
    assert (status, checks) == (503, READY | {"keys": "none could be read yet"})


def test_a_worker_that_ends_is_not_ready(tmp_path, looked_at):
    """On connections that are still open; there are no new ones."""
    status, checks = ready_of(looked_at(tmp_path), state={"is_ending": True})
    assert (status, checks) == (503, READY | {"server": "it is ending"})


def test_a_disk_that_hangs_is_not_ready(tmp_path, monkeypatch, looked_at):
    """The answer does not hang with it, and however often it is asked one thread waits."""
    monkeypatch.setattr("ccp.operations.health._SECONDS", 0.05)
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


def test_ready_with_handlers_that_cannot_run_answers_503(tmp_path, monkeypatch, looked_at):
    """The database is well, and no handler can read it; as where no thread can be started."""
    app = looked_at(tmp_path)

    def start(_thread):
        raise RuntimeError("thread already started")

    with monkeypatch.context() as patch:
        patch.setattr("ccp.domain.threads.threading.Thread.start", start)
        patch.setattr(Health, "_database", ok_database)
        status, checks = ready_of(app)
    assert (status, checks) == (
        503,
        READY | {"handlers": "no record can be read: thread already started"},
    )
    assert ready_of(app) == (200, READY)


async def ok_database(_health):
    """What a database says that needs no thread to be looked at."""
    return {"database": "ok", "migrations": "ok"}


def test_ready_with_handlers_that_hang_answers_503(tmp_path, monkeypatch, looked_at):
    """The probe is answered all the same, and the pool is ready again when they go on."""
    monkeypatch.setattr("ccp.operations.health._SECONDS", 0.05)
    app = looked_at(tmp_path)
    goes_on = threading.Event()
    monkeypatch.setattr(Store, "try_to_read", lambda _: goes_on.wait(SECONDS))
    status, checks = ready_of(app)
    assert status == 503
    assert checks["handlers"] == "no record could be read within 0.05 s"
    goes_on.set()
    monkeypatch.setattr("ccp.operations.health._SECONDS", SECONDS)
    assert ready_of(app)[0] == 200
