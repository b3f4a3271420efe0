"""How much one caller may ask: known by its token, or else by its address."""

import ipaddress
import math
import time

from limits import parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from starlette.types import ASGIApp, Receive, Scope, Send

from ccp.errors import TooManyRequests
from ccp.web.context import caller_of

_MOST_CALLERS = 1000
_IPV6_NETWORK = 64  # bits: a caller has at least so many addresses (RFC 6177)


class RateLimit:
    """
    What each caller has asked in the present window, in the memory of one worker.

    With more than `_MOST_CALLERS` it begins to count anew: nobody can fill its memory.

    Args:
        rate: Such as 100/minute.
    """

    def __init__(self, rate: str) -> None:
        self._rate = parse(rate)
        self._storage = MemoryStorage()
        self._limiter = SlidingWindowCounterRateLimiter(self._storage)

    async def require_below(self, *caller: str) -> None:
        """Raise TooManyRequests for a caller whose next request would be too much."""
        if not await self._limiter.test(self._rate, *caller):
            await self._refuse(*caller)

    async def note(self, *caller: str) -> bool:
        """Count a request of a caller; tell whether it is within the rate."""
        if len(self._storage.storage) >= _MOST_CALLERS:
            await self._storage.reset()
        return await self._limiter.hit(self._rate, *caller)

    async def count(self, *caller: str) -> None:
        """Count a request of a caller; raise TooManyRequests if it is too much."""
        if not await self.note(*caller):
            await self._refuse(*caller)

    async def _refuse(self, *caller: str) -> None:
        window = await self._limiter.get_window_stats(self._rate, *caller)
        raise TooManyRequests(math.ceil(max(window.reset_time - time.time(), 1)))


class AddressRateMiddleware:
    """
    Hold callers to the rate by their addresses, before a request is looked at.

    Args:
        limit: None where there is none.
        asks_tokens: Whether callers with a valid token are left to `SubjectRateMiddleware`. Who
            has one is known only in the end, so the others are counted then.
    """

    def __init__(self, app: ASGIApp, *, limit: RateLimit | None, asks_tokens: bool) -> None:
        self.app = app
        self._limit = limit
        self._asks_tokens = asks_tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is within the rate."""
        if self._limit is None or scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        caller = "address", _network(scope)
        if not self._asks_tokens:
            await self._limit.count(*caller)
            await self.app(scope, receive, send)
            return
        await self._limit.require_below(*caller)
        try:
            await self.app(scope, receive, send)
        finally:
            if _subject(scope) is None:
                await self._limit.note(*caller)


class SubjectRateMiddleware:
    """
    Hold callers to the rate by the subject of their token, from wherever they call.

    Args:
        limit: None where there is none.
    """

    def __init__(self, app: ASGIApp, *, limit: RateLimit | None) -> None:
        self.app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is within the rate."""
        if self._limit is not None and scope["type"] == "http":
            subject = _subject(scope)
            if subject is not None:
                await self._limit.count("subject", subject)
        await self.app(scope, receive, send)


def _network(scope: Scope) -> str:
    """Name the client's address, as ClientMiddleware found it; of IPv6 its network."""
    host: str = scope["client"][0] if scope["client"] else ""
    if ":" not in host:
        return host
    return str(ipaddress.ip_network((host.partition("%")[0], _IPV6_NETWORK), strict=False))


def _subject(scope: Scope) -> str | None:
    """Name the caller, where its token was asked for and is valid."""
    caller = caller_of(scope)
    return caller.subject if caller else None
