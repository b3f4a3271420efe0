"""What one caller may ask: by address, or by the subject of its token."""

import asyncio

import pytest
from limits import parse

from ccp.app import create_app
from ccp.auth.caller import Caller
from ccp.domain.errors import TokenMissing, TooManyAtOnce, TooManyRequests
from ccp.web.rate_limit import AddressRateMiddleware, RateLimit, SubjectRateMiddleware
from tests.builders import BASE, EMAID_TEXT, NOW
from tests.conftest import make_settings
from tests.contract.conformance import assert_error, conforming_client
from tests.issuer import bearer, ec_key, jwt_settings
from tests.web.asgi import scope

URL = f"{BASE}/contractData/emaid/{EMAID_TEXT}"
REFUSED = "Too many requests; try again later."


@pytest.fixture(autouse=True)
def now(monkeypatch):
    """The present second, by which windows begin and end; it may be changed."""
    now = [1_000_000.0]
    monkeypatch.setattr("time.time", lambda: now[0])
    return now


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
        self.subjects, self.addresses = RateLimit(parse(rate)), RateLimit(parse(rate))
        inner = SubjectRateMiddleware(self.serve, limit=self.subjects)

        async def security(scope, receive, send):
            token = scope["token"]
            if token == "busy":  # noqa: S105
                raise TooManyAtOnce
            if token is not None:
                caller = token if isinstance(token, Caller) else Caller(token, (), ())
                scope["extensions"] = {"connexion_context": {"caller": caller}}
            elif asks_tokens:
                raise TokenMissing
            await inner(scope, receive, send)

        self.app = AddressRateMiddleware(security, limit=self.addresses, asks_tokens=asks_tokens)
        self.served = 0

    async def serve(self, *_):
        self.served += 1

    async def ask(self, host, token=None):
        """Ask once; returns the status."""
        client = (host, 1) if host else None
        try:
            await self.app(scope(client=client, token=token), None, None)
        except (TooManyRequests, TokenMissing, TooManyAtOnce) as error:
            return error.status
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
    """Who has no valid token is told 401, up to the rate of its address."""
    pool = Pool("2/hour")
    stranger = ("192.0.2.1", None)
    assert asked(pool, stranger, stranger, stranger, ("192.0.2.2", None)) == [401, 401, 429, 401]


@pytest.mark.parametrize("first", ["stranger", "partner"])
def test_strangers_and_partners_at_one_address_do_not_hit_each_other(first):
    """Whoever is first to use its rate up, the other one has all of its own."""
    stranger, partner = [("192.0.2.1", None)] * 3, [("192.0.2.1", "partner")] * 3
    expected = {"stranger": [401, 401, 429], "partner": [200, 200, 429]}
    second = "partner" if first == "stranger" else "stranger"
    requests = {"stranger": stranger, "partner": partner}
    answers = asked(Pool("2/hour"), *requests[first], *requests[second])
    assert answers == expected[first] + expected[second]


def test_failures_of_the_pool_are_nobodys_requests():
    """What is 503 before there was a look at a token is not counted."""
    busy, stranger = ("192.0.2.1", "busy"), ("192.0.2.1", None)
    assert asked(Pool("1/hour"), busy, busy, stranger, stranger) == [503, 503, 401, 429]


def test_tokens_without_a_subject_are_told_apart():
    """Two holders without a name have a rate each, which is not that of the address."""
    one, other = (("192.0.2.1", Caller(None, ("emsp",), (own,))) for own in ("DEICE", "FRXYZ"))
    stranger = ("192.0.2.1", None)
    assert asked(Pool("1/hour"), stranger, stranger, one, one, other) == [401, 429, 200, 429, 200]


def test_what_needs_no_token_counts_by_address(tmp_path):
    """Documents and unknown paths are for everybody, up to the rate; valid tokens stay valid."""
    variables = jwt_settings(tmp_path, ec_key()) | {"rate_limit": "2/hour"}
    app = create_app(make_settings(tmp_path, **variables), clock=lambda: NOW)
    paths = [f"{BASE}/openapi.json", f"{BASE}/ui/swagger-ui.css", f"{BASE}/ui/no.js", "/nowhere"]
    with conforming_client(app) as client:
        assert [client.get(path).status_code for path in paths[:2]] == [200, 200]
        for path in paths:
            assert_error(client.get(path), 429, REFUSED)
        assert_error(client.get(URL), 429, REFUSED)
        headers = bearer(ec_key().token())
        assert [client.get(URL, headers=headers).status_code for _ in range(3)] == [404, 404, 429]
    other = tmp_path / "other"
    other.mkdir()
    app = create_app(make_settings(other, **variables), clock=lambda: NOW)
    with conforming_client(app) as client:
        assert [client.get(path).status_code for path in paths[2:]] == [404, 404]
        assert client.get("/nowhere").status_code == 429


def test_without_tokens_the_address_counts():
    """Where nobody is asked for a token, callers are their addresses."""
    pool = Pool("2/hour", asks_tokens=False)
    one, other = ("192.0.2.1",), ("192.0.2.2",)
    assert asked(pool, one, one, one, other) == [200, 200, 429, 200]


def test_an_ipv6_caller_is_its_network():
    """Other addresses of the same /56 do not make another caller."""
    pool = Pool("1/hour", asks_tokens=False)
    assert asked(
        pool, ("2001:db8::1",), ("2001:db8:0:ff::1",), ("2001:db8:0:100::1",), ("fe80::1%eth0",)
    ) == [200, 429, 200, 200]


def test_an_ipv4_caller_of_an_ipv6_socket_is_its_address():
    """Two of them are not one, and neither is the IPv6 loopback."""
    pool = Pool("1/hour", asks_tokens=False)
    one, other = ("::ffff:192.0.2.1",), ("::ffff:192.0.2.2",)
    assert asked(pool, one, one, other, ("::1",), ("192.0.2.1",)) == [200, 429, 200, 200, 429]


def test_callers_without_an_address_are_one():
    """Behind a Unix socket whose proxy is not trusted all callers share one rate."""
    pool = Pool("1/hour", asks_tokens=False)
    assert asked(pool, (None,), (None,)) == [200, 429]


def test_a_rate_comes_back(now):
    """After its window a caller is served again."""
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
    storage = pool.addresses._storage
    for kept in (storage.storage, storage.expirations, storage.locks, storage.events):
        assert len(kept) <= 1000


def test_many_callers_do_not_reset_the_others():
    """Who has used its rate up stays so while hundreds come; a subject whatever addresses come."""
    pool = Pool("1/hour")
    caller, subject = ("192.0.2.1", None), ("192.0.2.1", "subject")
    others = [(f"10.0.{number // 256}.{number % 256}", None) for number in range(1500)]
    assert asked(pool, *others[:900], caller, subject) == [401] * 901 + [200]
    assert asked(pool, *others[900:], caller, subject) == [401] * 600 + [429, 429]


@pytest.mark.parametrize("middleware", [AddressRateMiddleware, SubjectRateMiddleware])
def test_without_a_rate_everything_passes(middleware):
    """No limit: no counting."""

    async def app(*_):
        passed.append(True)

    passed = []
    more = {"asks_tokens": False} if middleware is AddressRateMiddleware else {}
    asyncio.run(middleware(app, limit=None, **more)(scope(), None, None))
    assert passed
