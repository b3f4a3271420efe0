"""Client of OCSP responders and CRLs: requests, limits, circuit breakers and time budgets."""

import asyncio
import time
from itertools import zip_longest

import pytest

from ccp.clients import ocsp_crl
from ccp.clients.circuit_breaker import MAX_FAILURES
from ccp.clients.http import RequestFailed
from ccp.clients.ocsp_crl import MAX_CRL_BYTES, MAX_OCSP_BYTES, OcspCrlClient
from tests.answering import answering, response
from tests.clients.scripted import GONE, Says, scripted
from tests.waiting import NEVER, SECONDS


def asked(*urls, request=b"request", issuers=(), monotonic=time.monotonic):
    """Query OCSP responders in turn, in one run; return the answers, or the reasons of failure."""

    async def scenario():
        answers = []
        async with OcspCrlClient.connected(monotonic) as them:
            for url, issuer in zip_longest(urls, issuers, fillvalue=b""):
                try:
                    answers.append(await them.query_ocsp(url, request, issuer=issuer))
                except RequestFailed as error:
                    answers.append(str(error))
        return answers

    return asyncio.run(scenario())


def fetched(url):
    """Fetch a CRL."""

    async def scenario():
        async with OcspCrlClient.connected() as them:
            return await them.fetch_crl(url)

    return asyncio.run(scenario())


def test_query_ocsp_sends_the_request_of_rfc_6960():
    """Appendix A.1: media type and bytes. The media type of the answer does not matter."""
    with scripted(Says(200, b"answer")) as service:
        assert asked(f"{service.root}/ocsp") == [b"answer"]
    (question,) = service.asked
    assert (question.path, question.body) == ("/ocsp", b"request")
    assert question.headers["content-type"] == "application/ocsp-request"
    assert question.headers["accept"] == "application/ocsp-response"


def test_fetch_crl_returns_a_large_list():
    crl = b"x" * MAX_CRL_BYTES
    with scripted(Says(200, crl)) as service:
        assert fetched(f"{service.root}/a.crl?b=c") == crl
    (question,) = service.asked
    assert (question.path, question.body) == ("/a.crl?b=c", b"")
    assert question.headers["accept"] == "application/pkix-crl"


@pytest.mark.parametrize(
    ("says", "told"),
    [
        (Says(GONE), "RemoteProtocolError"),
        (Says(404, b"no"), "status 404"),
        (Says(500), "status 500"),
        (Says(204), "status 204"),
        (Says(301, b"", {"Location": "/elsewhere"}), "status 301"),
        (Says(200, b"x" * (MAX_OCSP_BYTES + 1)), "the response is too large"),
        (Says(200, b"x" * 50_000_000), "the response is too large"),
        (Says(200, b"late", after=NEVER), "TimeoutError"),
    ],
)
def test_query_ocsp_no_usable_response_fails(says, told, monkeypatch):
    """No redirect is followed; size and time are limited."""
    monkeypatch.setattr(ocsp_crl, "_OCSP_SECONDS", 1 if says.after else SECONDS)
    with scripted(says) as service:
        assert asked(f"{service.root}/ocsp") == [told]
    assert len(service.asked) == 1


def test_fetch_crl_too_large_fails():
    """It is not read to its end."""
    with (
        scripted(Says(200, b"x" * 100_000_000)) as service,
        pytest.raises(RequestFailed, match="the response is too large"),
    ):
        fetched(f"{service.root}/a.crl")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/", "http://a..b/", f"http://{'a' * 64}.example"]
)
def test_query_ocsp_host_unreachable_fails(url):
    """Neither an invalid host nor a refused connection raises another exception."""
    (told,) = asked(url)
    assert isinstance(told, str)


def test_query_ocsp_repeated_failures_open_the_circuit():
    """Other hosts are still asked, and the next run asks the host again."""
    with scripted(Says(503)) as ill, scripted(Says(200, b"well")) as well:
        *answers, last = asked(*[f"{ill.root}/a"] * (MAX_FAILURES + 5), f"{well.root}/")
        assert answers[:MAX_FAILURES] == ["status 503"] * MAX_FAILURES
        alone = "not asked, after repeated failures"
        assert set(answers[MAX_FAILURES:]) == {alone}
        assert last == b"well"
        assert len(ill.asked) == MAX_FAILURES
        asked(f"{ill.root}/a")
        assert len(ill.asked) == MAX_FAILURES + 1


def test_query_ocsp_concurrent_requests_are_limited():
    most = 0
    as_many_as_may = asyncio.Event()

    async def scenario():
        nonlocal most
        waiting = 0

        async def serve(reader, writer):
            nonlocal most, waiting
            await reader.readuntil(b"\r\n\r\n")
            waiting += 1
            most = max(most, waiting)
            if waiting == ocsp_crl._MAX_CONCURRENT:
                as_many_as_may.set()
            await as_many_as_may.wait()
            await asyncio.sleep(0.05)  # in which one more would come
            waiting -= 1
            writer.write(response(b"answer"))
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server, OcspCrlClient.connected() as them:
            return await asyncio.gather(*(them.query_ocsp(url, b"x") for _ in range(40)))

    assert asyncio.run(scenario()) == [b"answer"] * 40
    assert most == ocsp_crl._MAX_CONCURRENT


def test_fetch_crl_slow_response_exceeds_the_time_limit(monkeypatch):
    """Single bytes now and then do not extend the time limit."""
    monkeypatch.setattr(ocsp_crl, "_CRL_SECONDS", 0.5)

    async def scenario():
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
        slowly = answering(head, *[b"x"] * 50, pause=0.1)
        async with slowly as (url, _), OcspCrlClient.connected() as them:
            with pytest.raises(RequestFailed, match="TimeoutError"):
                await them.fetch_crl(url)

    asyncio.run(scenario())


ALONE = "not asked, after repeated failures"
OF_CA = "the services of this CA have taken too much time in this run"
OF_RUN = "slow services have taken too much time in this run"


def test_query_ocsp_urls_of_a_silent_host_share_a_circuit_breaker(monkeypatch):
    """48 contracts, each with a URL of its own, in several spellings of the host."""
    monkeypatch.setattr(ocsp_crl, "_OCSP_SECONDS", 0.1)
    with scripted(Says(200, b"late", after=20)) as silent, scripted(Says(200, b"well")) as well:
        host = silent.root.removeprefix("http://")
        urls = [
            f"{('http', 'HTTP')[n % 2]}://{('', 'x@')[n % 3 == 1]}{host}/{n}" for n in range(48)
        ]
        *answers, last = asked(*urls, f"{well.root}/ocsp")
    assert answers == ["TimeoutError"] * MAX_FAILURES + [ALONE] * (48 - MAX_FAILURES)
    assert len(silent.asked) == MAX_FAILURES
    assert last == b"well"


def test_fetch_crl_ocsp_of_the_host_fails_is_fetched():
    """A CA may have both on one host, and only one of them may fail."""

    def script(it):
        return Says(200, b"crl") if it.path == "/crl" else Says(503)

    async def scenario(root):
        async with OcspCrlClient.connected() as them:
            for _ in range(MAX_FAILURES + 1):
                with pytest.raises(RequestFailed):
                    await them.query_ocsp(f"{root}/ocsp", b"x")
            return await them.fetch_crl(f"{root}/crl")

    with scripted(script) as service:
        assert asyncio.run(scenario(service.root)) == b"crl"


@pytest.mark.parametrize("status", [200, 503])
def test_query_ocsp_slow_services_of_a_ca_spend_its_time_budget(monotonic, status):
    """Each service has its own host; it answers slowly, or not. Another CA is still asked."""

    def slowly(_):
        monotonic.now += ocsp_crl._ISSUER_SECONDS / 2
        return Says(status, b"answer")

    with scripted(slowly) as one, scripted(slowly) as other, scripted(Says(200, b"well")) as well:
        urls = [f"{root}/ocsp" for root in (one.root, other.root, well.root, well.root)]
        answers = asked(*urls, issuers=[b"slow", b"slow", b"slow", b"another"], monotonic=monotonic)
    assert answers[2:] == [OF_CA, b"well"]
    assert (len(one.asked), len(other.asked), len(well.asked)) == (1, 1, 1)


def test_query_ocsp_quick_answers_spend_no_time_budget(monotonic):

    def quickly(_):
        monotonic.now += ocsp_crl._SLOW_SECONDS / 2
        return Says(200, b"answer")

    many = 2 * int(ocsp_crl._ISSUER_SECONDS / ocsp_crl._SLOW_SECONDS) + 2
    with scripted(quickly) as service:
        assert asked(*[service.root] * many, monotonic=monotonic) == [b"answer"] * many


def test_query_ocsp_many_slow_cas_spend_the_time_budget_of_the_run(monotonic):
    """No service is asked until the next run."""

    def slowly(_):
        monotonic.now += ocsp_crl._ISSUER_SECONDS
        return Says(200, b"answer")

    most = int(ocsp_crl._RUN_SECONDS / ocsp_crl._ISSUER_SECONDS)
    with scripted(slowly) as service:
        issuers = [bytes([n]) for n in range(most + 2)]
        answers = asked(*[service.root] * len(issuers), issuers=issuers, monotonic=monotonic)
        assert answers == [b"answer"] * most + [OF_RUN] * 2
        assert asked(service.root, issuers=[b"\0"], monotonic=monotonic) == [b"answer"]


def test_fetch_crl_missing_files_do_not_open_the_circuit_of_the_host():
    """A host may have the CRLs of many CAs; the URL of a missing one has its own breaker."""

    def script(it):
        return Says(200, b"crl") if it.path == "/there" else Says(404)

    async def scenario(root):
        async with OcspCrlClient.connected() as them:
            told = []
            for name in ["gone"] * (MAX_FAILURES + 1) + ["away", "lost"]:
                with pytest.raises(RequestFailed) as failure:
                    await them.fetch_crl(f"{root}/{name}")
                told.append(str(failure.value))
            return told, await them.fetch_crl(f"{root}/there")

    with scripted(script) as service:
        told, crl = asyncio.run(scenario(service.root))
    missing = "status 404"
    assert told == [missing] * MAX_FAILURES + [ALONE] + [missing] * 2
    assert crl == b"crl"
