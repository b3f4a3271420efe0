"""Whose request it is: forwarded headers are believed from trusted proxies alone."""

import pytest
import structlog

from ccp.app import create_app
from ccp.config.addresses import TrustedProxies
from ccp.web.client import ClientMiddleware
from tests.conftest import make_settings
from tests.web.asgi import call, scope

PROXIES = "10.0.0.1, 10.1.0.0/16,2001:db8::/32"


def seen(trusted, peer, *headers):
    """The client's address and scheme, as the pool takes them to be."""

    async def app(scope, _receive, _send):
        found.append((scope["client"] and scope["client"][0], scope["scheme"]))

    found = []
    client = (peer, 4711) if peer else None
    lines = [(name.lower().encode(), value.encode("latin1")) for name, value in headers]
    call(
        ClientMiddleware(app, trusted=TrustedProxies.parse(trusted)),
        scope(client=client, headers=lines),
    )
    return found[0]


FORWARDED = [("X-Forwarded-For", "192.0.2.7"), ("X-Forwarded-Proto", "https")]


@pytest.mark.parametrize("peer", ["10.0.0.1", "10.1.2.3", "::ffff:10.0.0.1", "2001:db8::1"])
def test_a_trusted_proxy_is_believed(peer):
    """The client is the one that the proxy names, in its scheme."""
    assert seen(PROXIES, peer, *FORWARDED) == ("192.0.2.7", "https")


@pytest.mark.parametrize("trusted", ["", PROXIES, "unix"])
@pytest.mark.parametrize("peer", ["127.0.0.1", "10.0.0.2", "::1"])
def test_nobody_else_is(trusted, peer):
    """Whoever is not in the list is the client itself; by default that is everybody."""
    assert seen(trusted, peer, *FORWARDED) == (peer, "http")


def test_a_unix_socket_is_trusted_where_that_was_said():
    """The peer of a Unix socket has no address: it is a proxy by the word `unix` alone."""
    assert seen("unix", None, *FORWARDED) == ("192.0.2.7", "https")
    assert seen(PROXIES, None, *FORWARDED) == (None, "http")


@pytest.mark.parametrize(
    ("values", "client"),
    [
        (["192.0.2.7"], "192.0.2.7"),
        (["203.0.113.5, 192.0.2.7"], "192.0.2.7"),
        (["203.0.113.5", "192.0.2.7"], "192.0.2.7"),
        (["203.0.113.5, 192.0.2.7, 10.1.0.9, 10.0.0.1"], "192.0.2.7"),
        (["10.1.0.9, 10.0.0.1"], "10.1.0.9"),
        (["2001:db9::7"], "2001:db9::7"),
        (["192.0.2.7, nonsense"], "10.0.0.1"),
        (["192.0.2.7, <b>, 10.1.0.9"], "10.1.0.9"),
        (["192.0.2.7, "], "192.0.2.7"),
        ([""], "10.0.0.1"),
        ([], "10.0.0.1"),
        (["\xff"], "10.0.0.1"),
    ],
)
def test_the_client_is_the_last_address_that_is_no_proxy(values, client):
    """What a client has written itself stands further left, and changes nothing."""
    headers = [("X-Forwarded-For", value) for value in values]
    assert seen(PROXIES, "10.0.0.1", *headers)[0] == client


@pytest.mark.parametrize(
    ("value", "scheme"),
    [("https", "https"), ("http", "http"), ("http, https", "https"), ("ftp", "http"), ("", "http")],
)
def test_the_scheme_is_the_last_proxys(value, scheme):
    """Only http and https are schemes."""
    assert seen(PROXIES, "10.0.0.1", ("X-Forwarded-Proto", value))[1] == scheme


def test_the_client_is_in_the_log(tmp_path):
    """The line of a request has the address of its client, as forwarded."""
    app = create_app(make_settings(tmp_path, trusted_proxies="192.0.2.1"))
    forwarded = [(b"x-forwarded-for", b"192.0.2.7")]
    with structlog.testing.capture_logs() as log:
        call(app, scope(client=("192.0.2.1", 1), headers=forwarded))
        call(app, scope(client=("192.0.2.2", 1), headers=forwarded))
    assert [line["client"] for line in log if "client" in line] == ["192.0.2.7", "192.0.2.2"]
