"""Client of OCSP responders and CRL distribution points, at the URLs that certificates name."""

import asyncio
import ssl
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import lru_cache, partial
from typing import Self
from urllib.parse import urlsplit

from ccp.clients.circuit_breaker import Breaker, RequestNotSent
from ccp.clients.http import HttpClient, Reply, RequestFailed

MAX_OCSP_BYTES = 32 * 1024
"""Limit on the size of an OCSP response. With the certificate of its signer it takes some 2 kB."""
MAX_CRL_BYTES = 4 * 1024 * 1024
"""Limit on the size of a CRL: some 100,000 certificates."""

_OCSP_SECONDS = 5.0
_CRL_SECONDS = 30.0
_MAX_CONCURRENT = 8
_MAX_BREAKERS = 2048  # least recently used ones are dropped; a CA needs a few
_TOO_MANY_REQUESTS = 429
# Time budgets: limits on the sum of the durations of slow and failed requests. A request that is
# answered within _SLOW_SECONDS is not counted.
_SLOW_SECONDS = 1.0
_ISSUER_SECONDS = 60.0
_RUN_SECONDS = 600.0


class _UrlFailed(RequestFailed):
    """The host works, but there is nothing at this URL."""


class OcspCrlClient:
    """
    Client for one run of data cleansing; used by one event loop.

    The number of concurrent requests is limited. Each URL and each host has a circuit breaker. Each
    CA and the whole run have a time budget, so that one slow CA does not delay the others. OCSP and
    CRLs of one host have separate circuit breakers, because one of the two services may work while
    the other fails.

    Args:
        tls: The trusted certificate authorities, for https URLs.
        monotonic: Clock for the time budgets, in seconds.
    """

    def __init__(
        self, tls: ssl.SSLContext, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._ocsp = HttpClient(tls, connections=_MAX_CONCURRENT, max_bytes=MAX_OCSP_BYTES)
        self._crl = HttpClient(tls, connections=_MAX_CONCURRENT, max_bytes=MAX_CRL_BYTES)
        self._slots = asyncio.Semaphore(_MAX_CONCURRENT)
        self._breaker = lru_cache(_MAX_BREAKERS)(Breaker)
        self._monotonic = monotonic
        self._spent_by_issuer: defaultdict[bytes, float] = defaultdict(float)
        self._spent = 0.0

    @classmethod
    @asynccontextmanager
    async def connected(
        cls, monotonic: Callable[[], float] = time.monotonic
    ) -> AsyncIterator[Self]:
        """Open a client for the block; it trusts the system's authorities, or SSL_CERT_FILE's."""
        client = cls(ssl.create_default_context(), monotonic)
        async with client._ocsp, client._crl:
            yield client

    async def query_ocsp(self, url: str, request: bytes, *, issuer: bytes = b"") -> bytes:
        """
        Send an OCSP request; return the body of the response.

        Args:
            url: http or https.
            request: OCSPRequest, DER.
            issuer: Certificate of the CA whose time budget is used, DER.
        Raises:
            RequestNotSent: A circuit breaker is open, or a time budget is spent.
            RequestFailed: There is no response with status 200 in time, or it is too large.
        Source: RFC 6960, A.1.
        """
        headers = {
            "Content-Type": "application/ocsp-request",
            "Accept": "application/ocsp-response",
        }
        send = partial(
            self._ocsp.request, "POST", url, seconds=_OCSP_SECONDS, headers=headers, content=request
        )
        reply = await self._send("OCSP", url, issuer, send)
        return _require_size(reply.body, MAX_OCSP_BYTES)

    async def fetch_crl(self, url: str, *, issuer: bytes = b"") -> bytes:
        """
        Fetch a CRL; see `query_ocsp`.

        Source: RFC 5280, 4.2.1.13.
        """
        headers = {"Accept": "application/pkix-crl"}
        send = partial(self._crl.request, "GET", url, seconds=_CRL_SECONDS, headers=headers)
        reply = await self._send("CRL", url, issuer, send)
        return _require_size(reply.body, MAX_CRL_BYTES)

    async def _send(
        self, protocol: str, url: str, issuer: bytes, send: Callable[[], Awaitable[Reply]]
    ) -> Reply:
        """Send a request if circuit breakers and time budgets permit; require status 200."""
        async with self._slots:
            self._require_budget(issuer)
            url_breaker = self._breaker(f"{protocol} {url}")
            host_breaker = self._breaker(f"{protocol} {_host_of(url)}")
            started, is_answered = self._monotonic(), False
            try:
                with url_breaker.guard(_UrlFailed):
                    with host_breaker.guard():
                        reply = await send()
                        if reply.status >= 500 or reply.status == _TOO_MANY_REQUESTS:
                            raise RequestFailed(f"status {reply.status}")
                    if reply.status != 200:
                        raise _UrlFailed(f"status {reply.status}")
                is_answered = True
                return reply
            finally:
                duration = self._monotonic() - started
                if not is_answered or duration >= _SLOW_SECONDS:
                    self._spent_by_issuer[issuer] += duration
                    self._spent += duration

    def _require_budget(self, issuer: bytes) -> None:
        if self._spent_by_issuer[issuer] >= _ISSUER_SECONDS:
            raise RequestNotSent("the services of this CA have taken too much time in this run")
        if self._spent >= _RUN_SECONDS:
            raise RequestNotSent("slow services have taken too much time in this run")


def _require_size(body: bytes, max_bytes: int) -> bytes:
    if len(body) > max_bytes:
        raise RequestFailed("the response is too large")
    return body


def _host_of(url: str) -> str:
    """Return host and port of a URL in lower case; the whole URL if it has no valid host."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443}.get(parts.scheme, 80)
    except ValueError:
        return url
    return f"{parts.hostname}:{port}" if parts.hostname else url
