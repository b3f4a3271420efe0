"""OCSP responders and CRL distribution points: asked at the URLs that certificates name."""

import asyncio
import ssl
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Self

import structlog

from ccp.outbound import Client, Reply, Unanswered
from ccp.peers.breaker import Breaker

log = structlog.get_logger()

MAX_OCSP_BYTES = 32 * 1024
"""Of an answer; with its signer's certificate it has some 2 kB."""
MAX_CRL_BYTES = 4 * 1024 * 1024
"""Of a list; it has some 100,000 certificates then."""

_OCSP_SECONDS = 5.0
_CRL_SECONDS = 30.0
_AT_ONCE = 8
_MOST_URLS = 1024  # whose failures are remembered; a CA has one or two


class LeftAlone(Unanswered):
    """Somebody has not been asked, for having failed when asked for others."""


class Responders:
    """
    All of them, as one event loop asks them: a few at once, and none that keeps failing.

    No redirect is followed and no proxy asked; nothing but 200 is an answer.

    Args:
        tls: Whose certificates are believed, where a URL is https.
    """

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._ocsp = Client(tls, connections=_AT_ONCE, max_bytes=MAX_OCSP_BYTES)
        self._crl = Client(tls, connections=_AT_ONCE, max_bytes=MAX_CRL_BYTES)
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._breakers: OrderedDict[str, Breaker] = OrderedDict()

    @classmethod
    @asynccontextmanager
    async def connected(cls) -> AsyncIterator[Self]:
        """Give them for the block; the system's authorities, or SSL_CERT_FILE's, are believed."""
        responders = cls(ssl.create_default_context())
        async with responders._ocsp, responders._crl:
            yield responders

    async def ask(self, url: str, request: bytes) -> bytes:
        """
        Ask an OCSP responder.

        Args:
            url: http or https.
            request: An OCSPRequest, DER.
        Returns: What it answers.
        Raises:
            Unanswered: There is no answer in time, or it is too long; the text says why.
        Source: RFC 6960, A.1.
        """
        headers = {
            "Content-Type": "application/ocsp-request",
            "Accept": "application/ocsp-response",
        }
        ask = partial(self._ocsp.exchange, "POST", seconds=_OCSP_SECONDS, content=request)
        return await self._answer(url, partial(ask, headers=headers), MAX_OCSP_BYTES)

    async def fetch(self, url: str) -> bytes:
        """
        Fetch a CRL; see `ask`.

        Source: RFC 5280, 4.2.1.13.
        """
        fetch = partial(self._crl.exchange, "GET", seconds=_CRL_SECONDS)
        headers = {"Accept": "application/pkix-crl"}
        return await self._answer(url, partial(fetch, headers=headers), MAX_CRL_BYTES)

    async def _answer(
        self, url: str, exchange: Callable[[str], Awaitable[Reply]], max_bytes: int
    ) -> bytes:
        async with self._places:
            breaker = self._breaker(url)
            if not breaker.admits():
                raise LeftAlone("it is left alone for a while, as it has failed too often")
            try:
                reply = await exchange(url)
                if reply.status != 200:
                    raise Unanswered(f"it answered {reply.status}")
            except (Unanswered, ValueError) as error:  # a host that cannot be one is a ValueError
                if breaker.failed():
                    log.warning("a responder is left alone", url=url, reason=str(error))
                raise Unanswered(str(error)) from None
        breaker.succeeded()
        if len(reply.body) > max_bytes:
            raise Unanswered("it says too much")
        return reply.body

    def _breaker(self, url: str) -> Breaker:
        """That of a URL: where OCSP fails, the CRLs of the same host may be had."""
        breaker = self._breakers.pop(url, None) or Breaker()
        self._breakers[url] = breaker
        if len(self._breakers) > _MOST_URLS:
            self._breakers.popitem(last=False)
        return breaker
