"""A server that stands abuse: each of its bounds, measured at the real server."""

import json
import re
import select
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx2
import pytest

from tests.builders import BASE
from tests.contract.conformance import assert_conforms, assert_error
from tests.running import SECONDS, at_one_moment, resident, serving, wait_until
from tests.waiting import NEVER

URL = f"{BASE}/contractData/emaid/DEICENOBODY001"
PUT = f"{BASE}/signedcontractdata"
HEADER_SECONDS = 5  # of ccp.web.worker
UNREAD_SECONDS = 10  # of ccp.web.worker

# A pool in which a look-up by PCID takes until the file `go` is there.
SLOW = """
import pathlib, time
from ccp.domain.errors import ContractsOfPcidNotFound
from ccp.handlers import get_contract_data_by_pcid
def handle(services, *, pcid, namespace):
    while not pathlib.Path("go").exists():
        time.sleep(0.02)
    raise ContractsOfPcidNotFound
get_contract_data_by_pcid.handle = handle
from wsgi import app
"""
SLOW_URL = f"{BASE}/contractData/pcid/WAUZZZNONE0000001"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A pool with one worker that has few connections, and time for bodies and idle clients."""
    folder = tmp_path_factory.mktemp("server")
    arguments = ["wsgi:app", "--worker-connections", "40", "--keep-alive", str(NEVER)]
    # As behind a proxy, which passes on any Host.
    settings = {"trusted_proxies": "unix", "body_timeout_seconds": "600"}
    with serving(folder, *arguments, workers=1, **settings) as server:
        yield server


def connect(server):
    """A connection of a client."""
    return socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS)


def request(*headers, method="GET", target=URL, body=b""):
    """A request as it goes over the wire."""
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", *headers, "", ""]
    return "\r\n".join(lines).encode("latin1") + body


def read_all(connection):
    """All that comes until the server closes the connection."""
    answer = b""
    try:
        while received := connection.recv(65536):
            answer += received
    except ConnectionResetError:
        pass
    return answer


def ask(server, sent):
    """What is answered on a connection of its own."""
    with connect(server) as connection:
        connection.sendall(sent)
        return read_all(connection)


def assert_serves(server):
    """The pool still answers."""
    with server.client() as client:
        assert client.get(URL).status_code == 404
    assert "Traceback" not in server.log


def worker_memory(server):
    """The bytes of memory that the one worker has."""
    (worker,) = server.workers
    return resident(worker)


# What a request may look like


LINES_AND_HEADERS = {
    "long line": (request("Connection: close", target=f"{URL}?{'x' * 3900}"), 400),
    "longer line": (request(target=f"{URL}?{'x' * 4100}"), 414),
    "endless line": (request(target=f"/{'x' * 1_000_000}"), 414),
    "many headers": (request("Connection: close", *(f"X-{n}: y" for n in range(62))), 404),
    "more headers": (request(*(f"X-{n}: y" for n in range(64))), 431),
    "endless headers": (request(*(f"X-{n}: y" for n in range(100_000))), 431),
    "long header": (request("Connection: close", f"X: {'y' * 8000}"), 404),
    "longer header": (request(f"X: {'y' * 8200}"), 431),
    "endless header": (request(f"X: {'y' * 1_000_000}"), 431),
    "endless name": (request(f"{'x' * 1_000_000}: y"), 431),
}


@pytest.mark.parametrize(("sent", "status"), LINES_AND_HEADERS.values(), ids=LINES_AND_HEADERS)
def test_lines_and_headers_are_bounded(server, sent, status):
    """Up to the bound a request is served, beyond it is refused; `make proof` measures the work."""
    # Of a request that is cut off, the answer may be lost with the connection.
    answer = ask(server, sent)
    assert answer[9:12] == str(status).encode() or (not answer and len(sent) > 100_000)
    assert_serves(server)


@pytest.mark.parametrize(
    "sent",
    [
        request("<script>alert(1)</script>: x"),
        request("X: <script>alert(1)</script>\x00"),
        request(target="/<script>alert(1)</script>\xff"),
        request("Content-Length: <script>"),
        request("Transfer-Encoding: <script>", method="PUT"),
        request(method="<SCRIPT>"),
        b"GET / <script>\r\n\r\n",
        b"<script>alert(1)</script>\r\n\r\n",
        request("Transfer-Encoding: chunked", method="PUT", body=b"<script>\r\n"),
    ],
)
def test_what_is_no_http_is_not_echoed(server, sent):
    """The web server refuses it in words of its own."""
    answer = ask(server, sent)
    assert re.match(rb"HTTP/1.1 (400|501) ", answer)
    assert b"script" not in answer.lower()
    head = answer.partition(b"\r\n\r\n")[0].lower()
    for header in (
        b"x-content-type-options: nosniff",
        b"cache-control: no-store",
        b"content-security-policy: default-src 'none'; frame-ancestors 'none'",
    ):
        assert header in head.splitlines()


# Clients that take their time


def test_headers_have_to_come_in_time(server):
    """A connection whose headers drip is closed, be they the first or later ones; others wait."""
    with ExitStack() as stack:
        silent, dripping, pipelined, later, idle = (
            stack.enter_context(connect(server)) for _ in range(5)
        )
        half = b"GET / HTTP/1.1\r\n"
        for connection in (later, idle):
            connection.sendall(request())
            assert connection.recv(65536).startswith(b"HTTP/1.1 404 ")
        started = time.monotonic()
        dripping.sendall(half)
        later.sendall(half)
        pipelined.sendall(request() + half)
        assert pipelined.recv(65536).startswith(b"HTTP/1.1 404 ")
        stop = threading.Event()

        def drip():
            while not stop.wait(0.2):
                for connection in (dripping, later):
                    with suppress(OSError):
                        connection.sendall(b"X: y\r\n")

        dripper = threading.Thread(target=drip)
        dripper.start()
        assert_serves(server)
        answers = [read_all(waiting) for waiting in (silent, dripping, pipelined, later)]
        stop.set()
        dripper.join()
        assert answers == [b""] * 4
        assert time.monotonic() - started > HEADER_SECONDS - 1
        # A proxy that has kept a connection idle for longer than that is still served.
        idle.sendall(request("Connection: close"))
        assert read_all(idle).startswith(b"HTTP/1.1 404 ")


def test_an_upgrade_is_a_request_like_any_other(server):
    """Whoever wants WebSocket gets the usual answer, and its connection serves on."""
    upgrade = request(
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    )
    with connect(server) as connection:
        connection.sendall(upgrade)
        answer = connection.recv(65536)
        assert answer.startswith(b"HTTP/1.1 404 ")
        assert b'"traceId"' in answer
        connection.sendall(request("Connection: close"))
        assert read_all(connection).startswith(b"HTTP/1.1 404 ")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks Linux")
def test_answers_have_to_be_read_in_time(server):
    """Clients that read nothing of what they ask for are left, and hold no memory."""
    target = f"{BASE}/ui/swagger-ui-bundle.js"
    ask(server, request("Connection: close", target=target))
    before = worker_memory(server)
    with ExitStack() as stack:
        connections = [stack.enter_context(socket.socket()) for _ in range(30)]
        started = time.monotonic()
        for connection in connections:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", server.port))
            connection.sendall(request(target=target) * 10)

        def served():
            return sum(established(server, connection) for connection in connections)

        wait_until(lambda: served() == 30)
        time.sleep(2)
        assert worker_memory(server) - before < 20 * 2**20  # of 40 MB, or of 400
        wait_until(lambda: served() == 0)
        assert time.monotonic() - started > UNREAD_SECONDS - 1
    assert_serves(server)


def ready_to_read(connections):
    """Return the connections that have been answered, or closed."""
    return select.select(connections, [], [], 0)[0]


def established(server, connection):
    """How many connections from this client's port the server has."""
    client = f":{connection.getsockname()[1]:04X}"
    with open("/proc/net/tcp") as table:
        lines = [line.split() for line in table]
    return sum(
        local.endswith(f":{server.port:04X}") and remote.endswith(client) and state == "01"
        for _, local, remote, state, *_ in lines[1:]
    )


def test_connections_are_bounded(server):
    """Beyond `worker_connections` a connection is closed at once, and room is made again."""
    json_follows = ("Content-Type: application/json", "Content-Length: 100")
    busy = [connect(server) for _ in range(40)]
    try:
        for connection in busy:  # what is on its way is not ended for others
            connection.sendall(request(*json_follows, method="PUT", target=PUT))
        assert ask(server, request("Connection: close")) == b""
        assert ready_to_read(busy) == []
    finally:
        for connection in busy:
            connection.close()
    wait_until(lambda: ask(server, request("Connection: close")).startswith(b"HTTP/1.1 404 "))


def test_idle_connections_take_no_place(server):
    """Where there are as many connections as there may be, those that are idle make room."""
    with ExitStack() as stack:
        for _ in range(60):
            connection = stack.enter_context(connect(server))
            connection.sendall(request())
            assert connection.recv(65536).startswith(b"HTTP/1.1 404 ")
        assert_serves(server)
        wait_until(lambda: ask(server, request("Connection: close")).startswith(b"HTTP/1.1 404 "))


def test_slow_bodies_take_no_place(tmp_path):
    """With more bodies dripping than a worker takes on, others are served at once."""
    slow = request(
        "Content-Type: application/json", "Content-Length: 100", method="PUT", target=PUT
    )
    with serving(tmp_path, workers=1, max_requests="2", body_timeout_seconds="5") as server:
        connections = [connect(server) for _ in range(20)]
        try:
            for connection in connections:
                connection.sendall(slow)
            for _ in range(5):
                assert_serves(server)
            answers = [connection.recv(100) for connection in connections]
            assert {answer[9:12] for answer in answers} == {b"408"}
        finally:
            for connection in connections:
                connection.close()


# Too much at once


def test_what_is_too_much_at_once_is_refused_at_once(tmp_path):
    """Of 60 requests, 6 wait for a slow handler; the others are 503 before any of these is done."""
    (tmp_path / "slow.py").write_text(SLOW)
    with serving(tmp_path, "slow:app", workers=1, threads="2", max_requests="6") as server:

        def look_up(_):
            with server.client() as client:
                answer = client.get(SLOW_URL)
                return answer.status_code, answer.headers.get("retry-after"), time.monotonic()

        with ThreadPoolExecutor(60) as callers:
            asked = [callers.submit(look_up, number) for number in range(60)]
            wait_until(lambda: sum(call.done() for call in asked) == 54)
            went = time.monotonic()
            (tmp_path / "go").touch()
            answers = [call.result(SECONDS) for call in asked]
        refused = [(when, wait) for status, wait, when in answers if status == 503]
        assert len(refused) == 54
        assert all(when < went and wait == "1" for when, wait in refused)
        assert [status for status, *_ in answers if status != 503] == [404] * 6
        assert_serves(server)


def test_one_caller_does_not_use_up_the_pool(tmp_path):
    """Over its rate a caller is 429 at once, and another one, behind the same proxy, is served."""
    variables = {"rate_limit": "20/minute", "trusted_proxies": "127.0.0.1"}
    app = at_one_moment(tmp_path)
    with serving(tmp_path, app, workers=1, **variables) as server, server.client() as client:

        def get(who):
            return client.get(URL, headers={"X-Forwarded-For": who})

        statuses = [get("192.0.2.1").status_code for _ in range(50)]
        assert statuses == [404] * 20 + [429] * 30
        answer = get("192.0.2.1")
        assert_error(answer, 429, "Too many requests; try again later.")
        assert 1 <= int(answer.headers["retry-after"]) <= 120
        assert get("192.0.2.2").status_code == 404


def test_nobody_chooses_its_own_address(tmp_path):
    """Without a trusted proxy X-Forwarded-For makes nobody another caller, nor https of http."""
    app, rate = at_one_moment(tmp_path), "5/minute"
    with serving(tmp_path, app, workers=1, rate_limit=rate) as server, server.client() as client:
        statuses = []
        for number in range(10):
            forwarded = {"X-Forwarded-For": f"192.0.2.{number}", "X-Forwarded-Proto": "https"}
            answer = client.get(URL, headers=forwarded)
            statuses.append(answer.status_code)
            assert "strict-transport-security" not in answer.headers
        assert statuses == [404] * 5 + [429] * 5


# Bodies that mean to hurt

LABORIOUS_JSON = [
    b"[" * 32_000 + b"]" * 32_000,
    b"[" + b",".join([b'{"":{"":{"":{}}}}'] * 3500) + b"]",
    b'{"emaid": 1, "emaid": 2}',
    b"{" + b",".join(b'"%d":0' % number for number in range(7000)) + b"}",
]


def test_laborious_json_holds_nobody_up(server):
    """Bodies as laborious as they can be are 400; others are served between them."""
    with server.client() as client:
        for body in LABORIOUS_JSON:
            answer = client.put(PUT, content=body, headers={"Content-Type": "application/json"})
            assert answer.status_code == 400
            assert_serves(server)


ODD = "<script>alert(1)</script>"


@pytest.mark.parametrize(
    "sent",
    [
        request("Connection: close", target=f"/{ODD}"),
        request("Connection: close", target=f"{BASE}/ui/{ODD}"),
        request("Connection: close", target=f"{BASE}/ui/?{ODD}"),
        request("Connection: close", target=f"{BASE}/ui/%3Cscript%3E"),
        request("Connection: close", target=f"{BASE}/openapi.json?{ODD}"),
        request("Connection: close", target=f"{URL}{ODD}"),
        request("Connection: close", target=f"{URL}?{ODD}={ODD}"),
        request("Connection: close", target=f"{URL}?xsdMsgDefNamespace={ODD}"),
        request("Connection: close", f"OPNC-from-party-type: {ODD}"),
        request("Connection: close", method="SCRIPT"),
        request("Connection: close", "Content-Type: text/script", method="PUT", target=PUT),
        *(
            request(
                "Connection: close",
                "Content-Type: application/json",
                f"Content-Length: {len(body)}",
                method="PUT",
                target=PUT,
                body=body,
            )
            for body in (
                json.dumps({ODD: ODD}).encode(),
                json.dumps({"emaid": ODD, "pcid": ODD, "xsdMsgDefNamespace": ODD}).encode(),
                json.dumps({"metaData": {ODD: {ODD: 1}}}).encode(),
                ODD.encode(),
            )
        ),
    ],
)
def test_nothing_that_was_sent_comes_back(server, sent):
    """No answer has a piece of the request in it, in head or body, that a browser could run."""
    answer = ask(server, sent)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 ")
    assert b"alert(1)" not in answer
    if b"text/html" not in head:
        assert b"<script" not in body.lower()


@pytest.mark.parametrize("path", ["ui", "ui/", "openapi.json", "openapi.yaml", "nowhere"])
def test_the_host_header_says_nothing(server, path):
    """Pages, spec and redirects are the same whatever host the caller claims to have called."""
    answers = {
        re.sub(rb'(?i)date: .*?\r\n|"traceId":"[^"]*"', b"", ask(server, sent))
        for host in ("pool", "evil.example", "x..y")
        for sent in [
            f"GET {BASE}/{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
        ]
    }
    assert len(answers) == 1
    assert b"evil" not in answers.pop()
    for host in (ODD, "x/../y"):
        sent = f"GET {BASE}/{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        answer = ask(server, sent.encode())
        assert answer[9:12] == b"400"
        assert host.encode() not in answer


def test_there_is_nothing_to_learn_from_the_server_header(server):
    """No answer names a version, of gunicorn or of anything else."""
    with httpx2.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=SECONDS) as client:
        answer = client.get(URL)
        assert_conforms(answer)
    assert not re.search(r"\d", answer.headers["server"])
    assert "x-powered-by" not in answer.headers
