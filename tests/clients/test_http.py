"""HTTP to other services: what is asked, and how much of what comes back is taken."""

import asyncio
import ssl
import threading

import pytest

from ccp.clients.http import Client, Reply, Unanswered
from tests.answering import answering
from tests.clients.scripted import GONE, Says, scripted
from tests.waiting import SECONDS, wait_until
from tests.work import counted_lines

TLS = ssl.create_default_context()
CHUNKED = b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n"


def ask(url, *, seconds=SECONDS, max_bytes=1000):
    """Post something there."""

    async def scenario():
        async with Client(TLS, connections=1, max_bytes=max_bytes) as client:
            return await client.exchange(
                "POST", url, seconds=seconds, headers={"X-A": "b"}, content=b"hello"
            )

    return asyncio.run(scenario())


def test_status_and_body_are_told():
    """Of any status; the request is what was given, without cookies, and wants no compression."""
    with scripted(Says(418, b"no coffee")) as service:
        assert ask(f"{service.root}/pot") == Reply(418, b"no coffee")
    (asked,) = service.asked
    assert (asked.path, asked.body, asked.headers["x-a"]) == ("/pot", b"hello", "b")
    assert asked.headers["accept-encoding"] == "identity"
    assert "cookie" not in asked.headers


def test_no_redirect_is_followed(monkeypatch):
    """Nor is a proxy of the environment asked: there and nowhere else."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with scripted(Says(200)) as other:
        elsewhere = Says(307, b"", {"Location": f"{other.root}/"})
        with scripted(elsewhere) as service:
            assert ask(service.root).status == 307
    assert other.asked == []


def test_a_long_body_is_cut():
    """Whoever asks sees by its length that there is more; the rest stays unread."""
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
        ([CHUNKED + b"1\r\nx\r\n" * 3000 + b"0\r\n\r\n"], "too many pieces"),
        ([b"HTTP/1.1 100 Continue\r\n\r\n"] * 100, "TimeoutError"),
        ([b"HTTP/1.1 100 Continue\r\n\r\n" * 20_000], "TooLong"),
        ([b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200_000], "RemoteProtocolError|TooLong"),
        ([CHUNKED + b"1;" + b"x" * 200_000], "RemoteProtocolError|TooLong"),
    ],
    ids=[
        "slow headers",
        "slow body",
        "half a body",
        "no HTTP",
        "crumbs",
        "patience",
        "more patience",
        "headers",
        "framing",
    ],
)
def test_what_does_not_come_in_time_or_form_is_no_answer(pieces, told):
    """One limit holds for all of it: a byte now and then gains nothing."""

    async def scenario():
        async with (
            answering(*pieces, pause=0.05) as (url, _),
            Client(TLS, connections=1, max_bytes=10_000) as client,
        ):
            # What drips has an end too, which is told otherwise.
            await client.exchange("GET", url, seconds=0.5 if told == "TimeoutError" else SECONDS)

    with pytest.raises(Unanswered, match=told):
        asyncio.run(scenario())


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "http://[::1]:9/"])
def test_who_is_not_there_does_not_answer(url):
    """A refused connection is told in a word."""
    with pytest.raises(Unanswered, match="ConnectError"):
        ask(url)


def test_who_goes_does_not_answer():
    """Nor does a connection that is closed."""
    with scripted(Says(GONE)) as service, pytest.raises(Unanswered, match="RemoteProtocolError"):
        ask(service.root)


ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def ask_often(times, *answers):
    """Ask one after the other on connections that have so many answers each; how often that was."""
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
            async with Client(TLS, connections=1, max_bytes=100) as client:
                for _ in range(times):
                    reply = await client.exchange("POST", url, seconds=SECONDS, content=b"hello")
                    assert reply == Reply(200, b"ok")
            await asyncio.gather(*served)

    asyncio.run(scenario())
    return len(had)


def test_a_connection_that_was_kept_too_long_is_replaced():
    """A service that closes it as the next request comes is well, and is asked on a new one."""
    assert ask_often(4, ANSWER, None) == 4 + 3
    assert ask_often(4, ANSWER, ANSWER, ANSWER, ANSWER) == 4
    with pytest.raises(Unanswered, match="RemoteProtocolError"):
        ask_often(1, None)


def test_many_connections_may_have_been_kept_too_long():
    """As many as there are: a service that has been started anew is found again at once."""
    answers = iter([Says()] * 8 + [Says(GONE)] * 8 + [Says()] * 8)
    all_are_there = threading.Barrier(8)

    def script(_):
        all_are_there.wait(SECONDS)
        return next(answers)

    async def scenario(url):
        async with Client(TLS, connections=8, max_bytes=100) as client:
            for _ in range(2):
                asking = (client.exchange("POST", url, seconds=SECONDS) for _ in range(8))
                replies = await asyncio.gather(*asking)
                assert [reply.status for reply in replies] == [200] * 8

    with scripted(script) as service:
        asyncio.run(scenario(service.root))
    assert len(service.asked) == 24


def test_no_cookie_is_kept():
    """What a service wants remembered is nothing to the next request, nor to another service."""
    with scripted(Says(200, b"", {"Set-Cookie": "a=b; Path=/"})) as service:

        async def scenario():
            async with Client(TLS, connections=1, max_bytes=100) as client:
                for _ in range(2):
                    await client.exchange("POST", service.root, seconds=SECONDS)

        asyncio.run(scenario())
    assert ["cookie" in asked.headers for asked in service.asked] == [False, False]


def test_whatever_comes_the_loop_goes_on():
    """A service that says a lot in no time keeps nobody else waiting for long."""
    flood = CHUNKED + b"1\r\nx\r\n" * 30_000
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
            Client(TLS, connections=1, max_bytes=300_000) as client,
        ):
            with counted_lines() as lines:
                watcher = asyncio.create_task(watch(lines))
                with pytest.raises(Unanswered, match="pieces"):
                    await client.exchange("GET", url, seconds=SECONDS)
            watcher.cancel()

    asyncio.run(scenario())
    assert 0 < most < 150_000  # lines at once: some 4 KiB of it are parsed
