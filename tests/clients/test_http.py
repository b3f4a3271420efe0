"""HTTP client: what it sends, and its limits on size and time."""

import asyncio
import gzip
import ssl
import threading

import pytest

from ccp.clients.http import HttpClient, Reply, RequestFailed
from tests.answering import answering
from tests.clients.scripted import GONE, Says, scripted
from tests.waiting import SECONDS, wait_until
from tests.work import counted_lines

TLS = ssl.create_default_context()
CHUNKED = b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n"


def ask(url, *, seconds=SECONDS, max_bytes=1000):
    """Post something there."""

    async def scenario():
        async with HttpClient(TLS, connections=1, max_bytes=max_bytes) as client:
            return await client.request(
                "POST", url, seconds=seconds, headers={"X-A": "b"}, content=b"hello"
            )

    return asyncio.run(scenario())


def test_request_any_status_returns_status_and_body():
    """The request has the given headers, and asks for no compression."""
    with scripted(Says(418, b"no coffee")) as service:
        assert ask(f"{service.root}/pot") == Reply(418, b"no coffee")
    (asked,) = service.asked
    assert (asked.path, asked.body, asked.headers["x-a"]) == ("/pot", b"hello", "b")
    assert asked.headers["accept-encoding"] == "identity"
    assert "cookie" not in asked.headers


def test_request_redirect_or_proxy_is_not_followed(monkeypatch):
    """Neither the Location of a response nor HTTP_PROXY makes the client contact another host."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with scripted(Says(200)) as other:
        elsewhere = Says(307, b"", {"Location": f"{other.root}/"})
        with scripted(elsewhere) as service:
            assert ask(service.root).status == 307
    assert other.asked == []


def test_request_body_beyond_limit_is_not_read():
    """The length of the returned part shows that there is more."""
    with scripted(Says(200, b"x" * 50_000_000)) as service:
        body = ask(service.root, max_bytes=1000).body
        wait_until(lambda: service.cut_off == 1)
    assert 1000 < len(body) < 1_000_000


@pytest.mark.parametrize(
    ("pieces", "told"),
    [
        ([b"HTTP/1.1 200 OK\r\nX: "] + [b"y"] * 100, "TimeoutError"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"] + [b"y"] * 100, "TimeoutError"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"], "RemoteProtocolError"),
        ([b"no HTTP\r\n\r\n"], "RemoteProtocolError"),
        ([CHUNKED] + [b"1\r\nx\r\n" * 300] * 500, "TimeoutError"),
        ([b"HTTP/1.1 100 Continue\r\n\r\n"] * 100, "TimeoutError"),
        ([b"HTTP/1.1 100 Continue\r\n\r\n" * 2_000] * 500, "TimeoutError"),
        ([b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200_000], "RemoteProtocolError"),
        ([CHUNKED + b"1;" + b"x" * 200_000], "RemoteProtocolError"),
    ],
    ids=[
        "slow headers",
        "slow body",
        "half a body",
        "no HTTP",
        "tiny chunks",
        "slow informational responses",
        "many informational responses",
        "huge headers",
        "huge chunk extension",
    ],
)
def test_request_late_or_malformed_response_fails(pieces, told):
    """The time limit is for the whole response: single bytes now and then do not extend it."""

    async def scenario():
        async with (
            answering(*pieces, pause=0.05) as (url, _),
            HttpClient(TLS, connections=1, max_bytes=200_000) as client,
        ):
            # Each of these responses also ends by itself, later, with another error.
            await client.request("GET", url, seconds=0.5 if told == "TimeoutError" else SECONDS)

    with pytest.raises(RequestFailed, match=told):
        asyncio.run(scenario())


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "http://[::1]:9/"])
def test_request_connection_refused_fails(url):
    with pytest.raises(RequestFailed, match="ConnectError"):
        ask(url)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("ldap://localhost/crl", "UnsupportedProtocol"),
        ("http://[::1", "InvalidURL"),
        (f"http://{'a' * 64}.example/", "UnicodeError|ConnectError"),
        ("http://127.0.0.1:99999/", "ExceptionGroup"),
    ],
)
def test_request_invalid_url_fails(url, told):
    with pytest.raises(RequestFailed, match=told):
        ask(url)


def test_request_compressed_body_fails():
    """A small compressed body could be huge; the client asks for none, so it accepts none."""
    bomb = gzip.compress(b"0" * 10_000_000)
    with (
        scripted(Says(200, bomb, {"Content-Encoding": "gzip"})) as service,
        pytest.raises(RequestFailed, match="the body is compressed"),
    ):
        ask(service.root, max_bytes=20_000)


def test_request_connection_closed_fails_at_once():
    """A new connection is not stale, so the request is not repeated."""
    with scripted(Says(GONE)) as service, pytest.raises(RequestFailed, match="RemoteProtocolError"):
        ask(service.root)
    assert len(service.asked) == 1


ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def ask_often(times, *answers):
    """Send requests in turn; each connection gives these answers. Return how many arrived."""
    had = []
    served = []

    async def serve(reader, writer):
        served.append(asyncio.current_task())
        for answer in answers:
            try:
                await reader.readuntil(b"hello")
            except asyncio.IncompleteReadError:
                break
            had.append(answer)
            if answer is None:
                break
            writer.write(answer)
        writer.close()
        await writer.wait_closed()

    async def scenario():
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        async with server:
            async with HttpClient(TLS, connections=1, max_bytes=100) as client:
                for _ in range(times):
                    reply = await client.request("POST", url, seconds=SECONDS, content=b"hello")
                    assert reply == Reply(200, b"ok")
            await asyncio.gather(*served)

    asyncio.run(scenario())
    return len(had)


def test_request_kept_connection_closed_is_repeated_on_a_new_one():
    """The service closes the connection while the next request is on its way."""
    assert ask_often(4, ANSWER, None) == 4 + 3
    assert ask_often(4, ANSWER, ANSWER, ANSWER, ANSWER) == 4
    with pytest.raises(RequestFailed, match="RemoteProtocolError"):
        ask_often(1, None)


def test_request_all_kept_connections_closed_are_replaced():
    """A service that was restarted answers the first request after the restart."""
    answers = iter([Says()] * 8 + [Says(GONE)] * 8 + [Says()] * 8)
    all_are_there = threading.Barrier(8)

    def script(_):
        all_are_there.wait(SECONDS)
        return next(answers)

    async def scenario(url):
        async with HttpClient(TLS, connections=8, max_bytes=100) as client:
            for _ in range(2):
                asking = (client.request("POST", url, seconds=SECONDS) for _ in range(8))
                replies = await asyncio.gather(*asking)
                assert [reply.status for reply in replies] == [200] * 8

    with scripted(script) as service:
        asyncio.run(scenario(service.root))
    assert len(service.asked) == 24


def test_request_cookie_is_not_kept():
    with scripted(Says(200, b"", {"Set-Cookie": "a=b; Path=/"})) as service:

        async def scenario():
            async with HttpClient(TLS, connections=1, max_bytes=100) as client:
                for _ in range(2):
                    await client.request("POST", service.root, seconds=SECONDS)

        asyncio.run(scenario())
    assert ["cookie" in asked.headers for asked in service.asked] == [False, False]


def test_request_flood_of_chunks_leaves_time_for_other_tasks():
    """A service that sends many tiny chunks at once does not block the event loop."""
    flood = CHUNKED + b"1\r\nx\r\n" * 3_000 + b"0\r\n\r\n"
    most = 0

    async def watch(lines):
        nonlocal most
        while True:
            before = lines.number
            await asyncio.sleep(0)
            most = max(most, lines.number - before)

    async def scenario():
        async with (
            answering(flood) as (url, _),
            HttpClient(TLS, connections=1, max_bytes=300_000) as client,
        ):
            with counted_lines() as lines:
                watcher = asyncio.create_task(watch(lines))
                reply = await client.request("GET", url, seconds=SECONDS)
            watcher.cancel()
            assert reply == Reply(404, b"x" * 3_000)

    asyncio.run(scenario())
    assert 0 < most < 10_000  # lines of Python between two turns of another task
