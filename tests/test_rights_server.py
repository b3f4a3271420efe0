"""Who may do what, over real HTTP: every role, operation and id; and keys that come and go."""

import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2
import pytest

from ccp.store import read_audit_trail
from tests.builders import (
    BASE,
    VALID_TODAY,
    installation_req,
    installation_res,
    post_body,
    put_body,
)
from tests.issuer import ISSUER, bearer, ec_key, ed_key, hs256, jwks, jwt_settings, rsa_key
from tests.running import SECONDS, at_one_moment, serving, wait_until

NOW = datetime.now(UTC)
SIGNED = f"{BASE}/signedcontractdata"

# A contract and its car, for each relation to the callers below.
STORED = {
    "own": ("DEICEMATRIX001", "WAUMATRIX00000001"),
    "foreign": ("FRXYZMATRIX001", "WBAMATRIX00000001"),
}
MISSING = {
    "own": ("DEICEMATRIX002", "WAUMATRIX00000002"),
    "foreign": ("FRXYZMATRIX002", "WBAMATRIX00000002"),
    "unknown": ("NLZZZMATRIX002", "ZZZMATRIX00000002"),
}
CALLERS = {
    "emsp": {"role": "emsp", "ids": ["de-ice"]},
    "oem": {"role": "oem", "ids": ["wau"]},
    "cpo": {"role": "cpo", "ids": ["DE8AA"]},
    "cps": {"role": "cps", "ids": ["4E05B892" * 8]},
    "operator": {"role": "operator", "ids": None},
    "emsp and oem": {"role": ["emsp", "oem"], "ids": ["DEICE", "WAU"]},
    "no role": {"role": None, "ids": ["DEICE", "WAU"]},
}
ROLE = "The caller's role does not allow this operation."
EMAID = "The EMAID does not belong to the caller."
PCID = "The PCID does not belong to the caller."

# Operation: what it answers of what is stored and of what is not; then who may, as OPNC has it,
# and what is said to the same role about what others own. Whoever is not listed may not.
TABLE = {
    "get by EMAID": (200, 404, {"emsp": EMAID, "emsp and oem": EMAID}),
    "get by PCID": (200, 404, {"oem": PCID, "emsp and oem": PCID}),
    "post": (200, 404, {"cpo": None}),
    "put": (201, 201, {"emsp": EMAID, "emsp and oem": EMAID, "cps": None}),
    "delete": (200, 404, {"emsp": EMAID, "emsp and oem": EMAID}),
    "get signed": (200, 404, {"oem": PCID, "emsp and oem": PCID}),
    "set default": (200, 404, {"oem": PCID, "emsp and oem": PCID}),
}


def call(client, operation, emaid, pcid, headers):
    """Do an operation about a contract and its car."""
    put = put_body(installation_res(emaid, **VALID_TODAY), emaid=emaid, pcid=pcid)
    post = post_body(installation_req(pcid, **VALID_TODAY))
    method, path, body = {
        "get by EMAID": ("GET", f"{BASE}/contractData/emaid/{emaid}", None),
        "get by PCID": ("GET", f"{BASE}/contractData/pcid/{pcid}", None),
        "post": ("POST", SIGNED, post),
        "put": ("PUT", SIGNED, put),
        "delete": ("DELETE", f"{SIGNED}/{emaid}", None),
        "get signed": ("GET", f"{SIGNED}/{emaid}/{pcid}", None),
        "set default": ("POST", f"{SIGNED}/{emaid}/{pcid}/setdefault", None),
    }[operation]
    return client.request(method, path, json=body, headers=headers)


def token(key=None, **claims):
    """The header with a token that is valid today."""
    return bearer((key or ec_key()).token(at=NOW, **claims))


OPERATOR = token()


def put_stored(client):
    """Store what has to be there; the default of a car comes again with its contract."""
    for emaid, pcid in STORED.values():
        assert call(client, "put", emaid, pcid, OPERATOR).status_code == 201


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A strict pool with two workers that asks for tokens; its log is for machines."""
    folder = tmp_path_factory.mktemp("server")
    with serving(folder, log_format="json", **jwt_settings(folder, ec_key())) as running:
        yield running


@pytest.fixture(scope="module")
def client(server) -> Iterator[httpx2.Client]:
    """A client of that pool; every answer is held against the spec."""
    with server.client() as client:
        yield client


@pytest.mark.parametrize("operation", TABLE)
def test_the_matrix(client, operation):
    """Every role, and none, with own, foreign and unknown ids that are stored and that are not."""
    put_stored(client)
    stored_status, missing_status, row = TABLE[operation]
    cases = [
        (relation, ids, status)
        for known, status in ((STORED, stored_status), (MISSING, missing_status))
        for relation, ids in known.items()
    ]
    answers, expected = {}, {}
    for relation, ids, status in cases:
        for name, claims in CALLERS.items():
            answer = call(client, operation, *ids, token(**claims))
            if answer.status_code < 300:
                if operation == "put" and status == missing_status and ids not in STORED.values():
                    assert call(client, "delete", *ids, OPERATOR).status_code == 200
                put_stored(client)
            case = (name, relation, ids in STORED.values())
            answers[case] = answer.status_code
            if answer.status_code == 403:
                answers[case] = (403, answer.json()["errorMessages"])
            if name == "operator" or (name in row and (relation == "own" or row[name] is None)):
                expected[case] = status
            else:
                expected[case] = (403, [row.get(name, ROLE)])
        case = ("nobody", relation, ids in STORED.values())
        answers[case] = call(client, operation, *ids, {}).status_code
        expected[case] = 401
    assert answers == expected
    assert len(answers) == 40


@pytest.mark.parametrize(
    ("operation", "role"),
    [
        (operation, role)
        for operation, (_, _, row) in TABLE.items()
        for role in ("emsp", "oem", "cpo", "cps")
        if row.get(role, ROLE) is not None
    ],
)
def test_a_refusal_tells_nothing(client, operation, role):
    """403 for a foreign id is the same to the last byte, stored or not, but for its trace id."""
    put_stored(client)
    told = []
    for emaid, pcid in (STORED["foreign"], MISSING["foreign"]):
        answer = call(client, operation, emaid, pcid, token(**CALLERS[role]))
        headers = {name: value for name, value in answer.headers.items() if name != "date"}
        text = answer.text.replace(answer.json()["traceId"], "")
        told.append((answer.status_code, headers, text))
    assert told[0] == told[1]
    assert told[0][0] == 403


BAD = {
    "expired": ec_key().token(at=NOW - timedelta(days=1)),
    "early": ec_key().token(at=NOW + timedelta(days=1)),
    "other audience": ec_key().token(at=NOW, aud="another pool"),
    "other issuer": ec_key().token(at=NOW, iss="https://other.example"),
    "critical extension": ec_key().token({"crit": ["x"], "x": 1}, at=NOW),
    "stranger's key": ec_key("stranger").token({"kid": "ec"}, at=NOW),
    "key in the header": ec_key("stranger").token(
        {"kid": None, "jwk": ec_key("stranger").jwk()}, at=NOW
    ),
    "unknown key": ed_key().token(at=NOW),
    "key of another type": rsa_key().token({"kid": "ec"}, at=NOW),
    "PEM as secret": hs256(ec_key().published("PEM"), "ec", at=NOW),
    "DER as secret": hs256(ec_key().published("DER"), "ec", at=NOW),
    "JWK as secret": hs256(ec_key().published("JWK"), "ec", at=NOW),
    "unsigned": ec_key().token({"alg": "none"}, at=NOW).rpartition(".")[0] + ".",
    "cut": ec_key().token(at=NOW)[:-8],
    "unprintable subject": ec_key().token(at=NOW, sub="me\x1b[2J"),
    "nonsense": "nonsense",
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_bad_token_is_refused(client, bad):
    """Expired, early, for others, not signed, forged, cut: 401 from the real server."""
    answer = call(client, "get by EMAID", *STORED["own"], bearer(bad))
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_a_huge_token_does_not_arrive(server):
    """The server itself refuses a header of 100 kB; the pool goes on."""
    with httpx2.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=SECONDS) as plain:
        answer = call(plain, "get by EMAID", *STORED["own"], bearer("x" * 100_000))
        assert answer.status_code == 431
        assert call(plain, "get by EMAID", *MISSING["own"], OPERATOR).status_code == 404


def test_the_log_keeps_what_is_secret(server, client):
    """No token, subject, EMAID or PCID is in the log of all this; roles and ids are."""
    call(client, "get by EMAID", *STORED["own"], token(role="emsp", ids=["DEICE"], sub="me@x"))
    wait_until(lambda: '"ids": ["DEICE"]' in server.log)  # the line follows the answer
    log = server.log
    assert "Whoever reaches" not in log
    for secret in ("eyJ", "me@x", "MATRIX00"):
        assert secret not in log


def test_the_audit_trail_says_who_wrote_what(server, client):
    """A line for each write, none for what was refused; its trace id is in the log too."""
    database = server.folder / "ccp.db"
    before = len(list(read_audit_trail(database)))
    ids = ("DEICEMATRIX003", "WAUMATRIX00000003")
    emsp = token(role="emsp", ids=["DEICE"], sub="the eMSP")
    oem = token(role=["oem", "cpo"], ids=["WAU"], sub="the OEM")
    for operation, headers, status in (
        ("put", oem, 403),
        ("put", emsp, 201),
        ("put", token(role="cps", sub=None), 201),
        ("set default", oem, 200),
        ("post", oem, 200),
        ("delete", oem, 403),
        ("delete", emsp, 200),
        ("delete", emsp, 404),
    ):
        assert call(client, operation, *ids, headers).status_code == status, operation
    lines = list(read_audit_trail(database))[before:]
    assert [(line.action, line.subject, line.roles, line.ids) for line in lines] == [
        ("put", "the eMSP", "emsp", "DEICE"),
        ("replace", None, "cps", ""),
        ("set-default", "the OEM", "cpo,oem", "WAU"),
        ("delete", "the eMSP", "emsp", "DEICE"),
    ]
    assert {(line.emaid, line.pcid) for line in lines} == {ids}
    wait_until(lambda: all(line.trace_id in server.log for line in lines))
    logged = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
    operations = {line.get("traceId"): line.get("operation") for line in logged}
    assert [operations[line.trace_id] for line in lines] == [
        "addSignedContractDataV1",
        "addSignedContractDataV1",
        "setSignedContractDataAsDefaultV1",
        "deleteSignedContractDataByEmaidV1",
    ]


def test_the_rate_is_each_caller_s_own(tmp_path):
    """Two callers behind one address do not count for one another; one without a token does."""
    variables = jwt_settings(tmp_path, ec_key()) | {"rate_limit": "3/minute"}
    app = at_one_moment(tmp_path)
    with serving(tmp_path, app, workers=1, **variables) as running, running.client() as client:

        def statuses(headers):
            return [
                call(client, "get by EMAID", *MISSING["own"], headers).status_code for _ in range(4)
            ]

        assert statuses(token(sub="one")) == [404, 404, 404, 429]
        assert statuses(token(sub="other")) == [404, 404, 404, 429]
        assert statuses({}) == [401, 401, 401, 429]


def test_a_key_changes_while_the_pool_runs(tmp_path):
    """A token with a new key is good at once, in every worker; SIGHUP takes the old one away."""
    old, new = ec_key("old"), ec_key("new")
    file = tmp_path / "jwks.json"
    with serving(tmp_path, **jwt_settings(tmp_path, old)) as running:

        def statuses(key):
            """What eight connections, which the workers share, get with a token of a key."""
            found = set()
            for _ in range(8):
                with running.client() as client:
                    answer = call(client, "get by EMAID", *MISSING["own"], token(key))
                    found.add(answer.status_code)
            return found

        assert statuses(old) == {404}
        file.write_bytes(jwks(old, new))
        assert statuses(new) == {404}
        assert statuses(old) == {404}
        file.write_bytes(b"broken")
        workers = running.workers
        os.kill(running.process.pid, signal.SIGHUP)
        wait_until(lambda: "The pool goes on as it was." in running.log)
        wait_until(lambda: not workers & running.workers)
        running.wait_until_serving(4)
        assert statuses(old) == {404}
        file.write_bytes(jwks(new))
        workers = running.workers
        os.kill(running.process.pid, signal.SIGHUP)
        wait_until(lambda: not workers & running.workers)
        running.wait_until_serving(6)
        assert statuses(old) == {401}
        assert statuses(new) == {404}


def test_an_issuer_comes_and_goes(tmp_path):
    """Down at the start: 503; then its keys are fetched, and kept when it goes down again."""
    key = ec_key()

    class Issuer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(jwks(key))

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Issuer, bind_and_activate=False) as issuer:
        issuer.server_bind()  # so that the port is ours, and refuses
        variables = jwt_settings(tmp_path, key) | {
            "jwt_issuer": ISSUER,
            "jwt_keys": f"http://127.0.0.1:{issuer.server_port}/jwks",
        }
        with serving(tmp_path, **variables) as running, running.client() as client:

            def status(headers=OPERATOR):
                return call(client, "get by EMAID", *MISSING["own"], headers).status_code

            assert status() == 503
            assert status({}) == 401
            issuer.server_activate()
            thread = threading.Thread(target=issuer.serve_forever)
            thread.start()
            try:
                wait_until(lambda: running.log.count("have been read") == 2)  # by each worker
                assert status() == 404
            finally:
                issuer.shutdown()
                thread.join()
            issuer.server_close()
            assert {status() for _ in range(10)} == {404}
            assert status(token(ec_key("unknown"))) == 401
            assert {status() for _ in range(10)} == {404}
            workers = running.workers
            running.process.send_signal(signal.SIGHUP)  # new workers, who cannot fetch the keys
            wait_until(lambda: running.workers and not workers & running.workers)
            running.wait_until_serving(4)
            assert {status() for _ in range(10)} == {404}
        assert running.process.returncode == 0


def test_a_hanging_issuer_stops_nobody(tmp_path):
    """While strangers name unknown keys and the issuer says nothing, good tokens are served."""
    key, forged, connections = ec_key(), ec_key("unknown"), 60
    asked, hang, sent, statuses = threading.Event(), threading.Event(), [], []

    class Issuer(BaseHTTPRequestHandler):
        def do_GET(self):
            if asked.is_set():
                hang.wait()
            asked.set()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(jwks(key))

        def log_message(self, *_):
            pass

    def stranger(port):
        connection = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
        with closing(connection):
            path = f"{BASE}/contractData/emaid/{MISSING['own'][0]}"
            connection.request("GET", path, headers=token(forged))
            sent.append(port)
            statuses.append(connection.getresponse().status)

    with ThreadingHTTPServer(("127.0.0.1", 0), Issuer) as issuer:
        threads = [threading.Thread(target=issuer.serve_forever)]
        variables = jwt_settings(tmp_path, key) | {
            "jwt_keys": f"http://127.0.0.1:{issuer.server_port}/jwks",
            "max_requests": str(connections // 2),
        }
        threads[0].start()
        try:
            with serving(tmp_path, workers=1, **variables) as running, running.client() as client:
                wait_until(lambda: "have been read" in running.log)
                threads += [
                    threading.Thread(target=stranger, args=[running.port])
                    for _ in range(connections)
                ]
                for thread in threads[1:]:
                    thread.start()
                wait_until(lambda: len(sent) == connections)
                good = [
                    call(client, "get by EMAID", *MISSING["own"], OPERATOR).status_code
                    for _ in range(10)
                ]
                assert len(statuses) < connections  # some wait still
                wait_until(lambda: len(statuses) == connections)
        finally:
            hang.set()
            issuer.shutdown()
            for thread in threads:
                thread.join()
    assert good == [404] * 10
    assert statuses == [401] * connections


def test_a_pool_with_tokens_may_be_reached(tmp_path):
    """With CCP_AUTH=jwt nothing more has to be said of who calls."""
    variables = jwt_settings(tmp_path, ec_key()) | {"checks": "lab"}
    with serving(tmp_path, "wsgi:app", "-b", "0.0.0.0:0", workers=1, **variables) as running:
        assert "Whoever" not in running.log
        assert "CCP_CHECKS=lab" in running.log
