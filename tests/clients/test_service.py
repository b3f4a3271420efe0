"""A service of OPNC: its token, a rejected token, and the trace."""

import asyncio
import ssl
import time

import pytest

from ccp.clients.credentials import ClientCredentials, StaticToken
from ccp.clients.service import Service
from ccp.observability.tracing import server_span
from tests.clients.scripted import Says, scripted
from tests.waiting import SECONDS


def post(service, credentials):
    """Send one request; return the status."""

    async def scenario():
        one = Service(service.url, credentials, ssl.create_default_context(), connections=2)
        async with one.connected():
            reply = await one.request(
                "POST", "/x", seconds=SECONDS, headers={"A": "b"}, content=b"{}"
            )
            return reply.status

    return asyncio.run(scenario())


@pytest.mark.parametrize(("accepted", "status"), [("T2", 200), ("T3", 401)])
def test_request_token_rejected_tries_a_new_token_once(accepted, status):
    """An issuer may have changed its keys. A second rejection is final."""
    tokens = iter(["T1", "T2", "T3"])

    def script(asked):
        if asked.path == "/token":
            return Says(200, {"access_token": next(tokens)})
        return Says(200 if asked.headers["authorization"] == f"Bearer {accepted}" else 401)

    with scripted(script) as service:
        section = {
            "token_endpoint": f"{service.root}/token",
            "client_id": "us",
            "client_secret": "secret",
            "token_endpoint_auth_method": "client_secret_basic",
        }
        assert post(service, ClientCredentials(section, time.monotonic)) == status
    assert [asked.path for asked in service.asked] == ["/token", "/opnc/v1/ccp/x"] * 2


def test_request_static_token_rejected_is_not_repeated():
    with scripted(Says(401)) as service:
        assert post(service, StaticToken("abc")) == 401
    (asked,) = service.asked
    assert (asked.headers["authorization"], asked.headers["a"]) == ("Bearer abc", "b")


def test_request_carries_the_traceparent_of_the_current_request():
    """Without a trace there is no such header."""
    with scripted(Says(200)) as service:
        post(service, StaticToken())
        traceparent = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        with server_span("DELETE", [traceparent]):
            post(service, StaticToken())
    without, with_trace = (asked.headers.get("traceparent") for asked in service.asked)
    assert without is None
    assert with_trace.startswith("00-4bf92f3577b34da6a3ce929d0e0e4736-")
    assert with_trace.endswith("-01")
