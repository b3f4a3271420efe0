"""Bodies: chunked or not, within a limit of size and of time."""

import asyncio
import json

import pytest

from ccp.app import create_app
from ccp.domain.errors import PayloadTooLarge, RequestTimeout
from ccp.web.body import BodyMiddleware
from tests.builders import BASE, EMAID_TEXT, put_body
from tests.conftest import make_settings
from tests.contract.conformance import assert_error, conforming_client
from tests.web.asgi import call, scope

URL = f"{BASE}/signedcontractdata"
JSON = {"Content-Type": "application/json"}
TOO_LARGE = "The request body is too large."
LIMIT = 65536  # of the settings
CHUNKED = [(b"transfer-encoding", b"chunked")]


def chunk(body: bytes, *, more: bool = False) -> dict:
    """A part of a request body, as the server hands it on."""
    return {"type": "http.request", "body": body, "more_body": more}


class Seen:
    """An application that keeps what it receives, and answers nothing."""

    def __init__(self, receives: int = 1) -> None:
        self.messages: list[dict] = []
        self._receives = receives

    async def __call__(self, _scope, receive, _send):
        for _ in range(self._receives):
            self.messages.append(await receive())


def test_chunked_body_is_read_whole(client):
    """A body without a length is stored as any other."""
    content = json.dumps(put_body()).encode()
    parts = (content[i : i + 100] for i in range(0, len(content), 100))
    assert client.put(URL, content=parts, headers=JSON).status_code == 201


def test_body_over_the_limit_by_its_length(empty_client):
    """A length over the limit is 413, and the connection ends."""
    response = empty_client.put(URL, content=b" " * (LIMIT + 1), headers=JSON)
    assert_error(response, 413, TOO_LARGE)
    assert response.headers["connection"] == "close"


def test_body_over_the_limit_by_its_bytes(empty_client):
    """A body that announced no length is 413 as soon as it is too long."""
    response = empty_client.put(URL, content=(b" " * 8192 for _ in range(9)), headers=JSON)
    assert_error(response, 413, TOO_LARGE)
    assert response.headers["connection"] == "close"


@pytest.mark.parametrize(("pieces", "read"), [(2048, True), (2049, False)])
def test_body_in_very_many_pieces(pieces, read):
    """Each costs as much as a small request, so a body of single bytes is not read to its end."""
    app = Seen()
    middleware = BodyMiddleware(app, max_bytes=LIMIT, timeout_seconds=5)
    received = [*(chunk(b" ", more=True) for _ in range(pieces - 1)), chunk(b" ")]
    if read:
        call(middleware, scope(headers=CHUNKED), received)
        assert app.messages == [chunk(b" " * pieces)]
        return
    with pytest.raises(PayloadTooLarge) as caught:
        call(middleware, scope(headers=CHUNKED), received)
    assert caught.value.messages == [TOO_LARGE, "It comes in too many pieces."]
    assert caught.value.headers == {"Connection": "close"}


def test_body_at_the_limit(empty_client):
    """The limit itself is not too much."""
    response = empty_client.put(URL, content=b" " * LIMIT, headers=JSON)
    assert_error(response, 400, "The request body is not valid JSON.")


def test_announced_body_is_not_waited_for():
    """What is too long by its own account is refused before a byte of it is read."""
    announced = scope(headers=[(b"content-length", b"11")])
    with pytest.raises(PayloadTooLarge):
        call(BodyMiddleware(Seen(), max_bytes=10, timeout_seconds=5), announced, [])


@pytest.mark.parametrize("length", [b"9" * 19, b"9" * 5000, b"0" * 5000])
def test_length_of_many_digits_is_too_much(length):
    """A length is never turned into a number that takes long to make."""
    announced = scope(headers=[(b"content-length", length)])
    with pytest.raises(PayloadTooLarge):
        call(BodyMiddleware(Seen(), max_bytes=10, timeout_seconds=5), announced, [])


@pytest.mark.parametrize(
    "length", [b"", b"+5", b"-5", b"5_0", b" 50", b"0x50", b"\xd9\xa5", b"\xff", b"50,50"]
)
def test_length_that_is_no_number_decides_nothing(length):
    """A length that only looks like one is not believed; the bytes are counted."""
    app = Seen()
    announced = scope(headers=[(b"content-length", length)])
    call(BodyMiddleware(app, max_bytes=10, timeout_seconds=5), announced, [chunk(b"{}")])
    assert app.messages == [chunk(b"{}")]
    with pytest.raises(PayloadTooLarge):
        call(BodyMiddleware(app, max_bytes=10, timeout_seconds=5), announced, [chunk(b"x" * 11)])


def test_body_on_a_get_is_read_and_ignored(empty_client):
    """A body where none belongs changes nothing, whatever it says it is."""
    response = empty_client.request(
        "GET",
        f"{BASE}/contractData/emaid/{EMAID_TEXT}",
        content=b"\xff{",
        headers={"Content-Type": "foo"},
    )
    assert_error(response, 404, "The contract for the given EMAID not found.")


def test_body_on_a_get_has_the_same_limit(empty_client):
    """A body where none belongs is limited too."""
    path = f"{BASE}/contractData/emaid/{EMAID_TEXT}"
    assert_error(empty_client.request("GET", path, content=b" " * (LIMIT + 1)), 413, TOO_LARGE)


def test_limit_is_the_operators(tmp_path):
    """The limit is a setting."""
    app = create_app(make_settings(tmp_path, max_body_bytes="1024"))
    with conforming_client(app) as client:
        assert client.put(URL, content=b" " * 1024, headers=JSON).status_code == 400
        assert client.put(URL, content=b" " * 1025, headers=JSON).status_code == 413


def test_body_that_stops_halfway():
    """A body that is not complete in time is 408, and the connection ends."""
    middleware = BodyMiddleware(Seen(), max_bytes=10, timeout_seconds=0.01)
    with pytest.raises(RequestTimeout) as caught:
        call(middleware, scope(headers=CHUNKED), [chunk(b"{", more=True)])
    assert caught.value.headers == {"Connection": "close"}


def test_time_is_for_the_whole_body():
    """A byte now and then does not buy more time."""

    async def drip():
        await asyncio.sleep(0.02)
        return chunk(b" ", more=True)

    async def main():
        middleware = BodyMiddleware(Seen(), max_bytes=1000, timeout_seconds=0.1)
        await middleware(scope(headers=CHUNKED), drip, None)

    with pytest.raises(RequestTimeout):
        asyncio.run(main())


def test_time_is_not_the_handlers():
    """Once the body is there, a slow handler is not cut off."""

    async def slow(_scope, receive, _send):
        await receive()
        await asyncio.sleep(0.05)
        done.append(True)

    done: list[bool] = []
    middleware = BodyMiddleware(slow, max_bytes=10, timeout_seconds=0.01)
    call(middleware, scope(headers=CHUNKED), [chunk(b"{}")])
    assert done


def test_client_that_leaves_is_not_answered():
    """A client that goes away inside its body starts nothing and is sent nothing."""
    app = Seen()
    middleware = BodyMiddleware(app, max_bytes=10, timeout_seconds=5)
    received = [chunk(b"{", more=True), {"type": "http.disconnect"}]
    sent = call(middleware, scope(headers=CHUNKED), received)
    assert (sent, app.messages) == ([], [])


def test_what_follows_the_body_is_the_servers():
    """After the body, the application hears what the server says: that the client has gone."""
    app = Seen(receives=2)
    middleware = BodyMiddleware(app, max_bytes=10, timeout_seconds=5)
    call(middleware, scope(headers=CHUNKED), [chunk(b"{}"), {"type": "http.disconnect"}])
    assert app.messages == [chunk(b"{}"), {"type": "http.disconnect"}]


def test_request_without_a_body_is_passed_on_as_it_is():
    """What announces no body has none (RFC 9112, 6.3): nothing is waited for."""
    app = Seen()
    call(BodyMiddleware(app, max_bytes=0, timeout_seconds=0), scope(), [chunk(b"")])
    assert app.messages == [chunk(b"")]
