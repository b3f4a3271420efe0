"""The operators' listener of a real server: however the API is bound, whatever workers do."""

import json
import os
import resource
import signal
import socket
import ssl
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from ccp.operations.pages.recent import heard_in
from tests.builders import BASE, PCID_TEXT, VALID_TODAY, installation_res, post_body, put_body
from tests.operations.reading import samples, value
from tests.running import (
    SECONDS,
    assert_clean,
    count_sockets,
    free_port,
    refused_start,
    refuses,
    serving,
    wait_until,
)
from tests.server.test_tls import Authority
from tests.vectors import genuine_res

BIND = "127.0.0.1:0"
URL = f"{BASE}/contractData/pcid/{PCID_TEXT}"
CONTRACTS = f"{BASE}/signedcontractdata"
GET = "getContractDataByPcidV1"
NO_KEEPALIVE = {"Connection": "close"}
"""A connection for each request, so that any worker may get it."""


def counted(text, status="404"):
    """How many of the requests that `ask` makes the metrics have."""
    return value(text, "ccp_requests_total", operation=GET, status=status)


def ask(server, times):
    """Ask the API many times at once, over all workers."""

    with server.client() as client, ThreadPoolExecutor(8) as callers:
        answers = callers.map(lambda _: client.get(URL, headers=NO_KEEPALIVE), range(times))
        assert {answer.status_code for answer in answers} == {404}


def counts_of(server):
    """The folder that a server's workers count in, as those have it open that have counted."""
    maps = [Path(f"/proc/{pid}/maps").read_text() for pid in server.workers]
    lines = [line for each in maps for line in each.splitlines() if "/counter_" in line]
    (folder,) = {Path(line.split(maxsplit=5)[5]).parent for line in lines}
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A pool with three workers that its operators look at."""
    folder = tmp_path_factory.mktemp("server")
    with serving(folder, workers=3, operations_bind=BIND, log_format="json") as server:
        yield server


def test_metrics_under_several_workers_add_up(server):
    """Whichever worker is asked, it tells what all of them have counted."""
    with server.operators as operators:
        before = counted(operators.get("/metrics").text)
        ask(server, 200)
        texts = [operators.get("/metrics", headers=NO_KEEPALIVE).text for _ in range(12)]
    assert {counted(text) for text in texts} == {before + 200}
    histogram = "ccp_request_duration_seconds_bucket"
    assert value(texts[0], histogram, operation=GET, le="+Inf") == before + 200
    files = [path for path in counts_of(server).glob("counter_*.db") if GET in path.read_text("l1")]
    assert len(files) > 1, "one worker has had all of it, so nothing was added up"


def test_nothing_is_lost_with_the_workers(server):
    """Neither those that SIGHUP replaces nor one that is killed takes its counts along."""
    ask(server, 60)
    with server.operators as operators:
        before = samples(operators.get("/metrics").text)
        counts = counts_of(server)
        for end in ("hang up", "kill"):
            workers = server.workers
            if end == "kill":
                os.kill(min(workers), signal.SIGKILL)
                wait_until(lambda: len(server.workers - workers) == 1)  # noqa: B023
            else:
                server.process.send_signal(signal.SIGHUP)
                wait_until(lambda: not server.workers & workers)  # noqa: B023
            wait_until(lambda: len(server.workers) == 3)
            ask(server, 60)
            after = samples(operators.get("/metrics", headers=NO_KEEPALIVE).text)
            for key, number in before.items():
                assert after[key] >= number, key
        key = ("ccp_requests_total", (("operation", GET), ("status", "404")))
        assert after[key] == before[key] + 120
    assert counts_of(server) == counts
    assert len(list(counts.glob("counter_*.db"))) <= 6  # as many as there have been at once


def test_what_was_answered_lately_is_not_lost_with_the_workers(server):
    """Any worker tells of all cars' requests, whatever has become of those who answered them."""
    body = post_body(b"no EXI")

    def heard():
        lately, *others = heard_in(folder)
        for other in others:
            lately.add(other)
        return sum(lately.posts.values(), Counter())["ExiInvalid"], lately

    def ask(times):
        with server.client() as client, ThreadPoolExecutor(8) as callers:
            answers = list(
                callers.map(
                    lambda _: client.post(CONTRACTS, json=body, headers=NO_KEEPALIVE), range(times)
                )
            )
        assert {answer.status_code for answer in answers} == {400}
        return {answer.json()["traceId"] for answer in answers}

    ask(60)
    folder = counts_of(server)
    wait_until(lambda: heard()[0] == 60)  # within a second
    first = heard()[1].since
    files = [path for path in folder.glob("recent_*.json") if "ExiInvalid" in path.read_text()]
    assert len(files) > 1, "one worker has had all of it, so nothing was put together"
    workers = server.workers
    os.kill(min(workers), signal.SIGKILL)
    wait_until(lambda: len(server.workers - workers) == 1)
    ask(30)
    before = server.workers
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: len(server.workers) == 3 and not server.workers & before)
    assert heard()[0] == 90  # at its end a worker keeps all that it has heard
    latest = ask(10)
    wait_until(lambda: heard()[0] == 100)
    lately = heard()[1]
    assert lately.since == first
    with server.operators as operators:
        pages = [operators.get("/", headers=NO_KEEPALIVE).text for _ in range(6)]
    for page in pages:
        assert "refused: 100</li>" in page
        assert [trace_id for trace_id in latest if trace_id not in page] == []
    assert {refused.trace_id for refused in lately.refusals["ExiInvalid"]} == latest
    assert len(list(folder.glob("recent_*"))) <= 6


def test_neither_leads_to_the_other(server):
    """Whatever stands in the request line or in Host: the socket decides."""
    port = server.operators.base_url.port
    for own, other, path in (
        (server.port, port, "/metrics"),
        (server.port, port, "/health/ready"),
        (port, server.port, f"{BASE}/openapi.json"),
    ):
        for target in (path, f"http://127.0.0.1:{other}{path}"):
            with socket.create_connection(("127.0.0.1", own), timeout=SECONDS) as connection:
                head = f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{other}\r\nConnection: close"
                connection.sendall(f"{head}\r\nX-Forwarded-Host: x\r\n\r\n".encode())
                status = connection.recv(65536).split()[1]
            assert status in (b"404", b"400"), target


def test_looking_leaves_no_lines(server):
    """Only what callers of the API ask is in the log."""
    lines = len(server.log.splitlines())
    with server.operators as operators:
        for path in ("/health/live", "/health/ready", "/metrics", "/nowhere", "/"):
            operators.get(path)
        operators.post("/inspector", files={"file": ("x", genuine_res())})
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        assert operators.post("/inspector", content=b"-", headers=headers).status_code == 400
        with server.client() as client:
            trace_id = client.get("/nowhere").json()["traceId"]
    wait_until(lambda: server.log.count(trace_id) == 2)
    new = [json.loads(line) for line in server.log.splitlines()[lines:]]
    assert {line["traceId"] for line in new} == {trace_id}


def wait_until_ready(client, origin=""):
    """Wait until readiness is 200; a pool on a busy machine may miss its own limit of 3 s."""
    wait_until(lambda: client.get(f"{origin}/health/ready").status_code == 200)


def looks(address):
    """Whether operators find a ready pool at an address, and not the API."""
    unix = address.removeprefix("unix:") if address.startswith("unix:") else None
    transport = httpx2.HTTPTransport(uds=unix) if unix else None
    base = "http://pool" if unix else f"http://{address}"
    with httpx2.Client(transport=transport, base_url=base, timeout=SECONDS) as client:
        wait_until_ready(client)
        *found, of_the_api = [
            client.get(path).status_code
            for path in ("/metrics", "/health/live", f"{BASE}/openapi.json")
        ]
        return found == [200] * 2 and of_the_api in (403, 404)  # 403 where the pages are closed


@pytest.mark.parametrize(
    "arguments",
    [["--bind", BIND], ["--bind", BIND, "--reuse-port"], ["--bind", BIND, "--bind", "[::1]:0"]],
    ids=str,
)
def test_it_is_there_however_the_api_is_bound(tmp_path, arguments):
    """What the command line says is the API's address, also after SIGHUP."""
    address = f"127.0.0.1:{free_port()}"
    with serving(tmp_path, "wsgi:app", *arguments, operations_bind=address) as server:
        assert looks(address)
        before = server.workers
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(server.workers) == 2 and not server.workers & before)
        wait_until(lambda: looks(address))
        assert "Operators look at: http://" + address in server.log
        assert server.log.count("Operators look at") == 1


def test_it_is_there_beside_sockets_that_were_open(tmp_path):
    """As systemd hands them on: those are the API's."""
    address = f"127.0.0.1:{free_port()}"
    with socket.create_server(("127.0.0.1", 0)) as inherited:
        arguments = ["wsgi:app", "--bind", f"fd://{inherited.fileno()}"]
        sockets = [inherited.fileno()]
        with serving(tmp_path, *arguments, sockets=sockets, operations_bind=address) as server:
            assert looks(address)
            with server.client() as client:
                assert client.get(URL).status_code == 404
                assert client.get("/metrics").status_code == 404


def test_unix_sockets_are_told_apart(tmp_path):
    """By their whole paths."""
    api, theirs = f"unix:{tmp_path}/api.sock", f"unix:{tmp_path}/operators.sock"
    variables = {"auth": "none", "checks": "lab", "operations_bind": theirs}
    with serving(tmp_path, "wsgi:app", "--bind", api, workers=1, **variables) as server:
        assert looks(theirs)
        modes = [
            (tmp_path / name).stat().st_mode & 0o777 for name in ("api.sock", "operators.sock")
        ]
        assert modes == [0o660, 0o660]
        transport = httpx2.HTTPTransport(uds=api.removeprefix("unix:"))
        with httpx2.Client(transport=transport, base_url="http://pool", timeout=SECONDS) as client:
            assert client.get(f"{BASE}/openapi.json").status_code == 200
            assert client.get("/metrics").status_code == 404
        assert server.end() == 0
    assert not (tmp_path / "operators.sock").exists()


def test_it_speaks_tls_where_the_api_does(tmp_path):
    """With the same certificate, and in no other way."""
    authority = Authority(tmp_path, "ca")
    certificate, key = authority.issue("pool")
    port = free_port()
    variables = {"tls_certificate": certificate, "tls_key": key}
    with serving(tmp_path, workers=1, operations_bind=f"127.0.0.1:{port}", **variables):
        tls = ssl.create_default_context(cafile=authority.file)
        with httpx2.Client(verify=tls, timeout=SECONDS) as client:
            wait_until_ready(client, f"https://localhost:{port}")
            with pytest.raises(httpx2.TransportError):
                client.get(f"http://localhost:{port}/health/ready")


def test_every_address_is_theirs_where_that_was_said(tmp_path):
    """No token or anchor is needed for that, for there is no contract; the log warns of it."""
    port = free_port()
    bind = f"0.0.0.0:{port}"
    with serving(tmp_path, workers=1, operations_bind=bind) as server:
        assert looks(f"127.0.0.1:{port}")
        (warning,) = [line for line in server.log.splitlines() if "[warning" in line]
        assert f"Whoever reaches http://{bind} sees how it fares, and is not asked." in warning
        assert f"Whoever reaches http://127.0.0.1:{server.port} may use this pool" in warning


def test_the_api_s_own_address_is_refused(tmp_path):
    """Before anybody is served."""
    port = str(free_port())
    status, output = refused_start(tmp_path, port=port, operations_bind=f"127.0.0.1:{port}")
    assert status == 1
    assert_clean(output)
    assert "CCP_OPERATIONS_BIND: has the port of the pool itself" in output
    assert "Booting worker" not in output


def test_the_counts_go_with_the_server(tmp_path):
    """What they were kept in is removed; and a server that begins anew begins to count anew."""
    for _ in range(2):
        with serving(tmp_path, workers=2, operations_bind=BIND) as server:
            ask(server, 5)
            with server.operators as operators:
                assert counted(operators.get("/metrics").text) == 5
            folder = counts_of(server)
            assert folder.stat().st_mode & 0o777 == 0o700
            assert server.end() == 0
        assert not folder.exists()


def test_a_pool_that_cannot_write_says_so(tmp_path):
    """Not ready, with the reason, as long as it is so; and what it refuses is in the metrics."""
    body = put_body(installation_res(**VALID_TODAY))
    with (
        serving(tmp_path, workers=1, operations_bind=BIND) as server,
        server.operators as operators,
        server.client() as client,
    ):
        (worker,) = server.workers
        wait_until_ready(operators)
        assert client.get(URL).status_code == 404
        _, hard = resource.prlimit(worker, resource.RLIMIT_FSIZE)
        resource.prlimit(worker, resource.RLIMIT_FSIZE, (1000, hard))
        answer = operators.get("/health/ready")
        assert (answer.status_code, answer.json()["ready"]) == (503, False)
        assert "File too large" in answer.json()["checks"]["database"]
        assert operators.get("/health/live").status_code == 200
        assert client.put(CONTRACTS, json=body).status_code == 503
        assert (
            value(operators.get("/metrics").text, "ccp_refusals_total", reason="StoreFailed") == 1
        )
        resource.prlimit(worker, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, hard))
        wait_until_ready(operators)
        assert client.put(CONTRACTS, json=body).status_code == 201


def test_a_pool_that_ends_is_not_ready(tmp_path):
    """While it answers what it has been asked, who is still connected is told; nobody else is."""
    variables = {"operations_bind": BIND, "body_timeout_seconds": "600"}
    with serving(tmp_path, workers=1, **variables) as server:
        (worker,) = server.workers
        before = count_sockets(worker)
        slow = socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS)
        slow.sendall(b"PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
        wait_until(lambda: count_sockets(worker) > before)
        with server.operators as operators:
            wait_until_ready(operators)
            server.process.send_signal(signal.SIGTERM)
            wait_until(lambda: refuses(server.port))
            answer = operators.get("/health/ready")
            assert answer.status_code == 503
            assert answer.json()["checks"]["server"] == "it is ending"
        slow.close()
