"""The pool as it is run: real gunicorn, several workers, real HTTP."""

import base64
import http.client
import json
import os
import re
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx2
import pytest
from cryptography import x509

from ccp.iso15118 import decode
from tests.builders import (
    BASE,
    PCID_TEXT,
    ROOT_A,
    ROOT_B,
    VALID_TODAY,
    installation_req,
    installation_res,
    post_body,
    put_body,
)
from tests.contract.conformance import OPCP_BASE_PATH, assert_error
from tests.running import (
    SECONDS,
    assert_clean,
    count_sockets,
    refused_start,
    refuses,
    serving,
    wait_until,
)
from tests.waiting import NEVER

WORKERS = 3
BODY_SECONDS = 5  # long enough for a busy machine that sends one
URL = f"{BASE}/signedcontractdata"
# A pool whose workers hesitate for longer than a busy machine keeps one of them from running.
HESITATING = """
from ccp.web import accepting
accepting._HESITATION_SECONDS = 0.1
from wsgi import app
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A strict pool with three workers, which waits some seconds for a body."""
    folder = tmp_path_factory.mktemp("server")
    with serving(folder, workers=WORKERS, body_timeout_seconds=str(BODY_SECONDS)) as server:
        yield server


@pytest.fixture
def http_client(server):
    """A client of that pool; every answer is held against the spec."""
    with server.client() as client:
        yield client


def contract(emaid, pcid=PCID_TEXT, **changes):
    """The body of a PUT of a contract that is valid today."""
    return put_body(installation_res(emaid, **VALID_TODAY), emaid=emaid, pcid=pcid, **changes)


def talk(server, *parts, wait=None):
    """Send bytes, wait between the parts, and return all that is answered until the end."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS) as connection:
        for number, part in enumerate(parts):
            if number:
                wait()
            connection.sendall(part)
        answer = b""
        while received := connection.recv(65536):
            answer += received
            if is_whole(answer):
                connection.shutdown(socket.SHUT_WR)  # or the server waits for what may still come
    return answer


def is_whole(answer):
    """Whether an answer has come with all of its body."""
    head, _, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: *(\d+)", head.lower())
    return length is not None and len(body) >= int(length[1])


def request(method, path, body=b"", *headers):
    """A request as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin1") + body


# The operations


def test_start_logs_where_swagger_ui_is(server):
    """A person who starts the pool finds it in a browser; so does the page at `/`."""
    urls = re.findall(r"Swagger UI: (http://\S+)", server.log)
    assert urls == [f"http://127.0.0.1:{server.port}{base}/ui/" for base in (BASE, OPCP_BASE_PATH)]
    for url in urls:
        assert httpx2.get(url).status_code == 200
    links = httpx2.get(f"http://127.0.0.1:{server.port}/").text
    assert all(f'href="{base}/ui/"' in links for base in (BASE, OPCP_BASE_PATH))


def test_all_seven_operations(http_client):
    """A contract's whole life: put, seen, fetched, chosen, sent to the car, taken out."""
    emaid, other, pcid = "DEICESERVER001", "DEICESERVER002", "WAUZZZSERVER00001"
    message = contract(emaid, pcid)
    for body in (message, contract(other, pcid, cpsV2GRootCertificateFingerprint=ROOT_B)):
        answer = http_client.put(URL, json=body)
        assert (answer.status_code, answer.content) == (201, b"")

    answer = http_client.get(f"{BASE}/contractData/emaid/de-ice-server001")
    (facts,) = answer.json()["contractDataCollection"]
    certificate = x509.load_der_x509_certificate(base64.b64decode(facts.pop("contractCertificate")))
    assert certificate.subject.rfc4514_string() == f"CN={emaid},O=Test"
    assert facts == {
        "emaid": emaid,
        "pcid": pcid,
        "xsdMsgDefNamespace": "urn:iso:15118:2:2013:MsgDef",
        "defaultContract": True,
        "certValidFrom": f"{VALID_TODAY['not_before']:%Y-%m-%dT%H:%M:%SZ}",
        "certValidTo": f"{VALID_TODAY['not_after']:%Y-%m-%dT%H:%M:%SZ}",
        "cpsV2GRootDistinguishedName": "CN=V2G Root CA, DC=V2G, O=Test, C=DE",
        "cpsV2GRootCertificateFingerprint": ROOT_A,
    }

    answer = http_client.get(f"{BASE}/contractData/pcid/{pcid}")
    defaults = {c["emaid"]: c["defaultContract"] for c in answer.json()["contractDataCollection"]}
    assert defaults == {emaid: True, other: False}

    answer = http_client.get(f"{URL}/{emaid}/{pcid}", params={"sessionID": "0102030405060708"})
    (item,) = answer.json()["signedContractDataCollection"]
    exi = base64.b64decode(item["certificateInstallationRes"])
    assert decode(exi).header.session_id == bytes(range(1, 9))
    assert (item["emaid"], item["pcid"]) == (emaid, pcid)

    assert http_client.post(f"{URL}/{other}/{pcid}/setdefault").status_code == 200

    car = installation_req(pcid, session_id=b"car sess", **VALID_TODAY)
    answer = http_client.post(URL, json=post_body(car))
    (item,) = answer.json()["signedContractDataCollection"]
    assert item["emaid"] == other
    exi = base64.b64decode(item["certificateInstallationRes"])
    assert decode(exi).header.session_id == b"car sess"

    for gone in (emaid, other):
        answer = http_client.delete(f"{URL}/{gone}", headers={"X-Skip-Revocation": "true"})
        assert (answer.status_code, answer.content) == (200, b"")
    assert_error(
        http_client.get(f"{BASE}/contractData/pcid/{pcid}"),
        404,
        "The contract for the given PCID not found.",
    )


def test_workers_share_the_pool(http_client):
    """
    Many callers at once, over all workers: what one has put, the next finds; nothing fails.

    Who is told that the pool is busy, as a machine with much else to do may have it, tries again:
    nothing was changed.
    """

    def ask(method, path, body):
        while True:
            # A connection for each request, so that any worker may get it.
            headers = {"Connection": "close"}
            answer = http_client.request(method, path, json=body, headers=headers)
            if answer.status_code != 503:
                return answer.status_code
            time.sleep(int(answer.headers["Retry-After"]))

    def life(number):
        emaid, pcid = f"DEICEMANY{number:05}", f"WAUZZZMANY{number % 3:07}"
        statuses = []
        for _ in range(2):
            for method, path, body in (
                ("PUT", URL, contract(emaid, pcid)),
                ("GET", f"{URL}/{emaid}/{pcid}", None),
                ("GET", f"{BASE}/contractData/pcid/{pcid}", None),
                ("POST", f"{URL}/{emaid}/{pcid}/setdefault", None),
                ("PUT", URL, contract(emaid, pcid)),
                ("DELETE", f"{URL}/{emaid}", None),
                ("GET", f"{URL}/{emaid}/{pcid}", None),
            ):
                statuses.append(ask(method, path, body))
        return statuses

    with ThreadPoolExecutor(12) as callers:
        lives = list(callers.map(life, range(12)))
    assert lives == [[201, 200, 200, 200, 201, 200, 404] * 2] * 12


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="asks Linux")
def test_who_comes_at_once_is_shared_by_the_workers(tmp_path):
    """A load balancer that opens all its connections in a moment finds every worker."""
    (tmp_path / "hesitating.py").write_text(HESITATING)
    with serving(tmp_path, "hesitating:app", workers=WORKERS) as server, ExitStack() as stack:
        before = {worker: count_sockets(worker) for worker in server.workers}

        def shares():
            return [count_sockets(worker) - number for worker, number in before.items()]

        address = ("127.0.0.1", server.port)
        for _ in range(60):
            stack.enter_context(socket.create_connection(address, timeout=SECONDS))
        wait_until(lambda: sum(shares()) == 60)
        assert len(before) == WORKERS
        assert min(shares()) >= 5


# HTTP as it comes


def test_connection_serves_on_after_an_error(server):
    """A refused request leaves its connection usable, whether or not its body was needed."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=SECONDS)
    for method, path, body, status in (
        ("PUT", URL, b"{", 400),
        ("GET", f"{BASE}/contractData/pcid/WAUZZZNONE0000001", b"ignored", 404),
        ("GET", "/nowhere", b"ignored", 404),
        ("PATCH", URL, b"ignored", 405),
        ("HEAD", f"{BASE}/contractData/pcid/WAUZZZNONE0000001", b"", 404),
        ("GET", f"{BASE}/openapi.json", b"", 200),
    ):
        connection.putrequest(method, path)
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders()
        socket_before = connection.sock
        time.sleep(0.05)  # so that an answer before the body would be seen
        connection.send(body)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == status
        assert connection.sock is socket_before, "the connection was closed"
    connection.close()


def test_chunked_body(server):
    """A body in chunks is stored as any other."""
    content = json.dumps(contract("DEICECHUNKED1A")).encode()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=SECONDS)
    parts = (content[i : i + 500] for i in range(0, len(content), 500))
    headers = {"Content-Type": "application/json"}
    connection.request("PUT", URL, parts, headers, encode_chunked=True)
    assert connection.getresponse().status == 201
    connection.close()


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (["Content-Length: 200000"], b""),
        (["Content-Length: 200000"], b"x" * 200_000),
        (["Content-Length: 200000", "Expect: 100-continue"], b""),
        (["Transfer-Encoding: chunked"], b"20000\r\n" + b"x" * 0x20000 + b"\r\n0\r\n\r\n"),
        (["Content-Length: 99999999999999999999999999"], b""),
    ],
    ids=["unsent", "sent", "expected", "chunked", "astronomic"],
)
def test_body_over_the_limit(server, headers, body):
    """413 comes without waiting for the body, and the connection ends."""
    answer = talk(server, request("PUT", URL, body, "Content-Type: application/json", *headers))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"\r\nconnection: close\r\n" in answer.lower()
    assert answer.count(b"HTTP/1.1") == 1


def test_rest_of_a_refused_body_is_no_request(server):
    """What a refused body has in it is never taken for a request of its own."""
    smuggled = request("DELETE", f"{URL}/DEICEVICTIM001")
    body = b" " * 70_000 + smuggled
    outer = request("PUT", URL, body, f"Content-Length: {len(body)}", "Content-Type: text/plain")
    answer = talk(server, outer)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    "headers",
    [
        ["Content-Length: +2"],
        ["Content-Length: 0x2"],
        ["Content-Length: 2, 2"],
        ["Content-Length: 2", "Content-Length: 3"],
        ["Content-Length: \xd9\xa2"],
        ["Content-Length: 2", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked, identity"],
        ["Transfer-Encoding: gzip, chunked"],
        ["Transfer-Encoding: identity, chunked"],
        ["Transfer-Encoding: gzip", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: x"],
        ["Content-Length : 2"],
        ["Content-Length: 2", " folded: x"],
    ],
)
def test_ambiguous_length_never_reaches_the_pool(server, headers):
    """Where proxy and server could disagree on where a request ends, it is refused and ended."""
    lines = len(server.log.splitlines())
    answer = talk(server, request("PUT", URL, b"{}", "Content-Type: application/json", *headers))
    assert answer.split()[1] in (b"400", b"501")
    assert answer.count(b"HTTP/1.1") == 1
    assert "addSignedContractDataV1" not in "".join(server.log.splitlines(keepends=True)[lines:])


def test_coded_chunks_are_refused_in_words(server):
    """A body in gzip and then in chunks is never read as chunks alone."""
    headers = ("Content-Type: application/json", "Transfer-Encoding: gzip, chunked")
    answer = talk(server, request("PUT", URL, b"2\r\n{}\r\n0\r\n\r\n", *headers))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"\r\nconnection: close\r\n" in answer.lower()
    assert b"The only Transfer-Encoding that is supported is a single chunked." in answer


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{BASE}/contractData/emaid/DEICENOBODY001", b"404"),
        (f"{BASE}/openapi.json", b"200"),
        (f"{BASE}/contractData/emaid/short", b"400"),
    ],
)
def test_absolute_form_of_a_target_is_served(server, path, status):
    """As by clients behind a proxy; the answer is that of the path."""
    target = f"http://localhost:{server.port}{path}"
    absolute, own = (
        talk(server, request("GET", one, b"", "Connection: close")) for one in (target, path)
    )
    assert absolute.split()[1] == own.split()[1] == status
    assert b"There is no such path" not in absolute


@pytest.mark.parametrize(
    ("version", "headers", "status"),
    [
        ("1.1", [], b"400"),
        ("1.1", ["Host: a b"], b"400"),
        ("1.1", ["Host: pool", "Host: pool"], b"400"),
        ("1.1", ["Host:"], b"403"),  # valid, but not a name of this machine
        ("1.0", [], b"200"),
    ],
)
def test_host_is_required_in_http_1_1(server, version, headers, status):
    """And one host, in its own form; HTTP/1.0 has none (RFC 9112, 3.2)."""
    lines = [f"GET {BASE}/openapi.json HTTP/{version}", *headers, "Connection: close"]
    answer = talk(server, "\r\n".join([*lines, "", ""]).encode())
    assert answer.split()[1] == status


def test_header_with_underscores_is_dropped(server):
    """`OPNC_from_party_type` is not taken for the header with hyphens."""
    path = f"{BASE}/contractData/emaid/DEICENOBODY001"
    answer = talk(server, request("GET", path, b"", "OPNC_from_party_type: z", "Connection: close"))
    assert answer.startswith(b"HTTP/1.1 404 ")


@pytest.mark.parametrize("target", ["\xff", "\xc3\x9f", "?x=\xff"])
def test_bytes_that_are_no_url(server, target):
    """A request line with bytes outside ASCII is refused before the pool sees it."""
    path = f"{BASE}/contractData/emaid/DEICENOBODY001{target}"
    assert talk(server, request("GET", path)).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("target", "status"), [("%0A", 400), ("%00", 400), ("%2F", 404), ("%FF", 400), ("/", 404)]
)
def test_escapes_in_a_path(server, target, status):
    """Escapes of what a path cannot have are answered as in every other way of calling the pool."""
    path = f"{BASE}/contractData/emaid/DEICENOBODY001{target}"
    answer = talk(server, request("GET", path, b"", "Connection: close"))
    assert int(answer.split()[1]) == status
    assert b"content-type: application/json" in answer.lower()


def test_websocket_is_not_spoken(server):
    """An upgrade that the pool does not know is answered as any other request."""
    answer = talk(
        server,
        request(
            "GET",
            f"{BASE}/contractData/emaid/DEICENOBODY001",
            b"",
            "Connection: Upgrade, close",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        ),
    )
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert "Traceback" not in server.log


@pytest.mark.parametrize(
    "headers", [["Content-Length: 100"], ["Transfer-Encoding: chunked"]], ids=["length", "chunked"]
)
def test_body_that_stops_halfway(server, headers):
    """A body that does not arrive in time is 408, and the connection ends."""
    part = b"5\r\n{    \r\n" if "chunked" in headers[0] else b"{"
    started = time.monotonic()
    answer = talk(server, request("PUT", URL, part, "Content-Type: application/json", *headers))
    assert time.monotonic() - started > BODY_SECONDS - 0.1
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"\r\nconnection: close\r\n" in answer.lower()
    assert b"The request body did not arrive in time." in answer


def test_slow_bodies_hold_nobody_up(server, http_client):
    """While many bodies drip, others are served before these have timed out one by one."""
    slow = request("PUT", URL, b"{", "Content-Type: application/json", "Content-Length: 100")
    connections = [socket.create_connection(("127.0.0.1", server.port), SECONDS) for _ in range(50)]
    try:
        for connection in connections:
            connection.sendall(slow)
        started = time.monotonic()
        assert http_client.get(f"{BASE}/contractData/emaid/DEICENOBODY001").status_code == 404
        assert time.monotonic() - started < len(connections) // WORKERS * BODY_SECONDS
    finally:
        for connection in connections:
            connection.close()


def test_client_that_leaves_inside_its_body(server, http_client):
    """A client that goes away is no failure of the pool."""
    with socket.create_connection(("127.0.0.1", server.port), SECONDS) as connection:
        connection.sendall(request("PUT", URL, b"{", "Content-Length: 100"))
    assert http_client.get(f"{BASE}/contractData/emaid/DEICENOBODY001").status_code == 404
    assert "Traceback" not in server.log


# Signals


def test_ending_loses_no_request(tmp_path):
    """SIGTERM lets each worker finish what it has begun; idle connections do not hold it up."""
    content = json.dumps(contract("DEICEENDING01A")).encode()
    half = len(content) // 2
    head = ("Content-Type: application/json", f"Content-Length: {len(content)}")
    first = request("PUT", URL, content[:half], *head)
    answers = []
    all_have_begun, goes_on = threading.Barrier(9), threading.Event()
    # If idle connections held it up, it would take longer than the test waits.
    arguments = ("--graceful-timeout", str(NEVER), "--keep-alive", str(NEVER), "wsgi:app")
    with serving(tmp_path, *arguments, workers=2, body_timeout_seconds="600") as server:

        def wait():
            all_have_begun.wait(SECONDS)
            goes_on.wait(SECONDS)

        def put():
            answers.append(talk(server, first, content[half:], wait=wait))

        callers = [threading.Thread(target=put) for _ in range(8)]
        for caller in callers:
            caller.start()
        idle = http.client.HTTPConnection("127.0.0.1", server.port, timeout=SECONDS)
        idle.request("GET", f"{BASE}/openapi.json")
        idle.getresponse().read()
        all_have_begun.wait(SECONDS)
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: refuses(server.port))
        goes_on.set()
        assert server.process.wait(SECONDS) == 0
        idle.close()
        for caller in callers:
            caller.join()
    assert [answer[:12] for answer in answers] == [b"HTTP/1.1 201"] * 8


def test_killed_worker_is_replaced(server):
    """After a worker is killed the others serve on, and a new one takes its place."""
    before = server.workers
    assert len(before) == WORKERS
    os.kill(min(before), signal.SIGKILL)
    wait_until(lambda: len(server.workers - before) == 1 and len(server.workers) == WORKERS)
    for _ in range(20):
        with server.client() as client:
            assert client.get(f"{BASE}/contractData/emaid/DEICENOBODY001").status_code == 404


# Starts that must not be


def test_wrong_settings_are_told_together(tmp_path):
    """Everything that is wrong with the settings is told at once, and the server does not start."""
    status, output = refused_start(
        tmp_path, checks="some", threads="many", max_body_bytes="1", bodytimeout="5"
    )
    assert status == 1
    assert_clean(output)
    for name in ("CCP_CHECKS", "CCP_THREADS", "CCP_MAX_BODY_BYTES", "CCP_BODYTIMEOUT"):
        assert f"\n{name}: " in output


def test_database_that_is_none_is_told(tmp_path):
    """A file that is no database is told, and left as it is."""
    database = tmp_path / "notes.txt"
    database.write_text("not a database, but somebody's notes" * 100)
    status, output = refused_start(tmp_path, database_url=f"sqlite:///{database}")
    assert status == 1
    assert_clean(output)
    assert database.read_text().startswith("not a database")


def test_database_without_a_folder_is_told(tmp_path):
    """A database in a folder that does not exist is told."""
    status, output = refused_start(tmp_path, database_url=f"sqlite:///{tmp_path}/no/ccp.db")
    assert status == 1
    assert_clean(output)


def test_spec_without_its_code_stops_the_start(tmp_path):
    """A spec that the code does not fit ends the server before there is a worker."""
    (tmp_path / "changed.py").write_text(
        "import ccp.app\n"
        "document = ccp.app.load_spec()\n"
        "document['paths']['/signedcontractdata']['put']['operationId'] = 'flyToTheMoonV1'\n"
        "ccp.app.load_spec = lambda _name, **_: document\n"
        "from wsgi import app\n"
    )
    status, output = refused_start(tmp_path, "changed:app")
    assert status == 1
    assert "flyToTheMoonV1" in output
    assert "Booting worker" not in output
