"""OCSP responders and CRL distribution points: asked at the URLs that certificates name."""

import asyncio
import ssl
import time
from collections import OrderedDict, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Self
from urllib.parse import urlsplit

import structlog

from ccp.clients.circuit_breaker import Breaker
from ccp.clients.http import HttpClient, Reply, RequestFailed

log = structlog.get_logger()

MAX_OCSP_BYTES = 32 * 1024
"""Of an answer; with its signer's certificate it has some 2 kB."""
MAX_CRL_BYTES = 4 * 1024 * 1024
"""Of a list; it has some 100,000 certificates then."""

_OCSP_SECONDS = 5.0
_CRL_SECONDS = 30.0
_AT_ONCE = 8
_MOST_PLACES = 2048  # hosts and URLs whose failures are remembered; a CA has a few
_TOO_MANY_REQUESTS = 429
# Time budgets, in seconds that requests have taken together. A request that is answered within
# _SLOW_SECONDS costs nothing, so only slow and failing services use a budget up.
_SLOW_SECONDS = 1.0
_ISSUER_SECONDS = 60.0
_RUN_SECONDS = 600.0


class LeftAlone(RequestFailed):
    """A service has not been asked, since it has failed or been slow when asked for others."""


class Responders:
    """
    All of them, as one event loop asks them in one run: a few at once.

    A host that keeps failing is left alone for a while, whatever its URLs are. So are the services
    of a CA that has used up its time budget, and all services once the run has used up its own: one
    slow CA does not delay the others. No redirect is followed and no proxy asked; nothing but 200
    is an answer.

    Args:
        tls: Whose certificates are believed, where a URL is https.
        monotonic: Gives seconds that only ever go forward.
    """

    def __init__(
        self, tls: ssl.SSLContext, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._ocsp = HttpClient(tls, connections=_AT_ONCE, max_bytes=MAX_OCSP_BYTES)
        self._crl = HttpClient(tls, connections=_AT_ONCE, max_bytes=MAX_CRL_BYTES)
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._breakers: OrderedDict[tuple[str, str], Breaker] = OrderedDict()
        self._monotonic = monotonic
        self._spent_by_issuer: defaultdict[bytes, float] = defaultdict(float)
        self._spent = 0.0

    @classmethod
    @asynccontextmanager
    async def connected(
        cls, monotonic: Callable[[], float] = time.monotonic
    ) -> AsyncIterator[Self]:
        """Give them for the block; the system's authorities, or SSL_CERT_FILE's, are believed."""
        responders = cls(ssl.create_default_context(), monotonic)
        async with responders._ocsp, responders._crl:
            yield responders

    async def ask(self, url: str, request: bytes, *, issuer: bytes = b"") -> bytes:
        """
        Ask an OCSP responder.

        Args:
            url: http or https.
            request: An OCSPRequest, DER.
            issuer: The certificate of the CA, DER, whose time budget it uses.
        Returns: The body of its answer.
        Raises:
            LeftAlone: It is not asked: it has failed too often, or a time budget is used up.
            RequestFailed: There is no answer in time, or it is too long; the text says why.
        Source: RFC 6960, A.1.
        """
        headers = {
            "Content-Type": "application/ocsp-request",
            "Accept": "application/ocsp-response",
        }
        ask = partial(self._ocsp.request, "POST", seconds=_OCSP_SECONDS, content=request)
        exchange = partial(ask, headers=headers)
        return await self._answer(("OCSP", url), exchange, MAX_OCSP_BYTES, issuer)

    async def fetch(self, url: str, *, issuer: bytes = b"") -> bytes:
        """
        Fetch a CRL; see `ask`.

        Source: RFC 5280, 4.2.1.13.
        """
        fetch = partial(self._crl.request, "GET", seconds=_CRL_SECONDS)
        headers = {"Accept": "application/pkix-crl"}
        exchange = partial(fetch, headers=headers)
        return await self._answer(("CRL", url), exchange, MAX_CRL_BYTES, issuer)

    async def _answer(
        self,
        service: tuple[str, str],
        exchange: Callable[[str], Awaitable[Reply]],
        max_bytes: int,
        issuer: bytes,
    ) -> bytes:
        protocol, url = service
        async with self._places:
            self._require_time(issuer)
            resource = self._breaker(f"{protocol} at", url)
            host = self._breaker(f"{protocol} by", _host_of(url))
            if not (resource.admits() and host.admits()):
                raise LeftAlone("it is left alone for a while, as it has failed too often")
            begun, status = self._monotonic(), None
            try:
                reply = await exchange(url)
                status = reply.status
                if status != 200:
                    raise RequestFailed(f"it answered {status}")
            except (
                RequestFailed,
                ValueError,
            ) as error:  # a host that cannot be one is a ValueError
                # 404 tells nothing of other URLs; silence, 503 and 429 do.
                is_host = status is None or status >= 500 or status == _TOO_MANY_REQUESTS
                if (host if is_host else resource).failed():
                    log.warning("a responder is left alone", url=url, reason=str(error))
                raise RequestFailed(str(error)) from None
            finally:
                self._spend(issuer, self._monotonic() - begun, is_answered=status == 200)
        resource.succeeded()
        host.succeeded()
        if len(reply.body) > max_bytes:
            raise RequestFailed("it says too much")
        return reply.body

    def _require_time(self, issuer: bytes) -> None:
        """
        Check the time budgets.

        Raises:
            LeftAlone: That of the CA is used up, or that of the run.
        """
        if self._spent_by_issuer[issuer] >= _ISSUER_SECONDS:
            raise LeftAlone("the services of this CA have taken too much time in this run")
        if self._spent >= _RUN_SECONDS:
            raise LeftAlone("slow services have taken too much time in this run")

    def _spend(self, issuer: bytes, seconds: float, *, is_answered: bool) -> None:
        if is_answered and seconds < _SLOW_SECONDS:
            return
        self._spent_by_issuer[issuer] += seconds
        self._spent += seconds

    def _breaker(self, protocol: str, place: str) -> Breaker:
        """Return that of a host or URL; where OCSP fails, CRLs of the same host may be had."""
        key = protocol, place
        breaker = self._breakers.pop(key, None) or Breaker(self._monotonic)
        self._breakers[key] = breaker
        if len(self._breakers) > _MOST_PLACES:
            self._breakers.popitem(last=False)
        return breaker


def _host_of(url: str) -> str:
    """Return host and port of a URL, in lower case; all of the URL where it has none."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443}.get(parts.scheme, 80)
    except ValueError:
        return url
    return f"{parts.hostname}:{port}" if parts.hostname else url
