"""HTTP to other services: what is asked, and how much of what comes back is taken."""

import asyncio
import ssl
import time

import pytest

from ccp.outbound import Reply, Unanswered, exchange, http_client
from tests.answering import answering
from tests.peers.scripted import GONE, Says, scripted

TLS = ssl.create_default_context()
CHUNKED = b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n"


def ask(url, *, seconds=2.0, max_bytes=1000):
    """Post something there."""

    async def scenario():
        async with http_client(TLS, connections=1) as client:
            return await exchange(
                client,
                "POST",
                url,
                seconds=seconds,
                max_bytes=max_bytes,
                headers={"X-A": "b"},
                content=b"hello",
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
        started = time.process_time()
        body = ask(service.root, max_bytes=1000).body
        assert time.process_time() - started < 1
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
    ],
    ids=["slow headers", "slow body", "half a body", "no HTTP", "crumbs", "patience"],
)
def test_what_does_not_come_in_time_or_form_is_no_answer(pieces, told):
    """One limit holds for all of it: a byte now and then gains nothing."""

    async def scenario():
        async with (
            answering(*pieces, pause=0.05) as (url, _),
            http_client(TLS, connections=1) as client,
        ):
            await exchange(client, "GET", url, seconds=0.5, max_bytes=10_000)

    started = time.monotonic()
    with pytest.raises(Unanswered, match=told):
        asyncio.run(scenario())
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "http://[::1]:9/"])
def test_who_is_not_there_does_not_answer(url):
    """A refused connection is told in a word."""
    with pytest.raises(Unanswered, match="ConnectError"):
        ask(url)


def test_who_goes_does_not_answer():
    """Nor does a connection that is closed."""
    with scripted(Says(GONE)) as service, pytest.raises(Unanswered, match="RemoteProtocolError"):
        ask(service.root)
