"""What one caller may ask: by address, or by the subject of its token."""

import asyncio
from types import SimpleNamespace

import pytest

from ccp.app import create_app
from ccp.errors import TooManyRequests
from ccp.web.rate_limit import AddressRateMiddleware, RateLimit, SubjectRateMiddleware
from tests.builders import BASE, EMAID_TEXT
from tests.conftest import make_settings
from tests.contract.conformance import assert_error, conforming_client
from tests.web.asgi import scope

URL = f"{BASE}/contractData/emaid/{EMAID_TEXT}"
REFUSED = "Too many requests; try again later."


def test_a_caller_over_its_rate_is_refused(tmp_path):
    """Up to the rate everything is as ever; then it is 429, with Retry-After, on every path."""
    app = create_app(make_settings(tmp_path, rate_limit="3/hour"))
    with conforming_client(app) as client:
        assert [client.get(URL).status_code for _ in range(3)] == [404] * 3
        for path in (URL, f"{BASE}/openapi.json", "/nowhere"):
            response = client.get(path)
            assert_error(response, 429, REFUSED)
            assert 1 <= int(response.headers["retry-after"]) <= 7200


def test_by_default_there_is_no_rate(empty_client):
    """Nobody is counted unless the operator wants it."""
    assert {empty_client.get(URL).status_code for _ in range(300)} == {404}


class Pool:
    """The two middlewares with a stand-in for Connexion's security between them."""

    def __init__(self, rate, *, asks_tokens=True):
        limit = RateLimit(rate)
        inner = SubjectRateMiddleware(self.serve, limit=limit)

        async def security(scope, receive, send):
            if scope["token"] is not None:
                caller = SimpleNamespace(subject=scope["token"])
                scope["extensions"] = {"connexion_context": {"caller": caller}}
            elif asks_tokens:
                raise PermissionError
            await inner(scope, receive, send)

        self.app = AddressRateMiddleware(security, limit=limit, asks_tokens=asks_tokens)
        self.limit = limit
        self.served = 0

    async def serve(self, *_):
        self.served += 1

    async def ask(self, host, token=None):
        """Ask once; returns the status."""
        client = (host, 1) if host else None
        try:
            await self.app(scope(client=client, token=token), None, None)
        except TooManyRequests:
            return 429
        except PermissionError:
            return 401
        return 200


def asked(pool, *requests):
    """The statuses of requests, one after the other."""

    async def main():
        return [await pool.ask(*request) for request in requests]

    return asyncio.run(main())


def test_who_shows_a_token_is_known_by_it():
    """A subject has one rate, wherever it calls from; two at one address do not share theirs."""
    pool = Pool("2/hour")
    a, b = ("192.0.2.1", "a"), ("192.0.2.1", "b")
    assert asked(pool, a, ("192.0.2.2", "a"), a, b, b, b) == [200, 200, 429, 200, 200, 429]
    assert pool.served == 4


def test_invalid_tokens_are_counted_by_address():
    """Who has no valid token is told 401, up to the rate of its address; subjects are not hit."""
    pool = Pool("2/hour")
    stranger = ("192.0.2.1", None)
    assert asked(pool, stranger, stranger, stranger, ("192.0.2.2", None)) == [401, 401, 429, 401]


def test_without_tokens_the_address_counts():
    """Where nobody is asked for a token, callers are their addresses."""
    pool = Pool("2/hour", asks_tokens=False)
    one, other = ("192.0.2.1",), ("192.0.2.2",)
    assert asked(pool, one, one, one, other) == [200, 200, 429, 200]


def test_an_ipv6_caller_is_its_network():
    """Other addresses of the same /64 do not make another caller."""
    pool = Pool("1/hour", asks_tokens=False)
    assert asked(
        pool, ("2001:db8::1",), ("2001:db8::ffff:1",), ("2001:db8:0:1::1",), ("fe80::1%eth0",)
    ) == [200, 429, 200, 200]


def test_callers_without_an_address_are_one():
    """Behind a Unix socket whose proxy is not trusted all callers share one rate."""
    pool = Pool("1/hour", asks_tokens=False)
    assert asked(pool, (None,), (None,)) == [200, 429]


def test_a_rate_comes_back(monkeypatch):
    """After its window a caller is served again."""
    now = [1_000_000.0]
    monkeypatch.setattr("time.time", lambda: now[0])
    pool = Pool("2/minute", asks_tokens=False)
    caller = ("192.0.2.1",)
    assert asked(pool, caller, caller, caller) == [200, 200, 429]
    now[0] += 121
    assert asked(pool, caller) == [200]


def test_many_callers_do_not_fill_the_memory():
    """However many addresses ask, no more than a thousand are remembered."""
    pool = Pool("1/hour", asks_tokens=False)
    addresses = [(f"10.0.{number // 256}.{number % 256}",) for number in range(3000)]
    assert set(asked(pool, *addresses)) == {200}
    storage = pool.limit._storage
    for kept in (storage.storage, storage.expirations, storage.locks, storage.events):
        assert len(kept) <= 1000


@pytest.mark.parametrize("middleware", [AddressRateMiddleware, SubjectRateMiddleware])
def test_without_a_rate_everything_passes(middleware):
    """No limit: no counting."""

    async def app(*_):
        passed.append(True)

    passed = []
    more = {"asks_tokens": False} if middleware is AddressRateMiddleware else {}
    asyncio.run(middleware(app, limit=None, **more)(scope(), None, None))
    assert passed
