"""How much one caller may ask: known by its token, or else by its address."""

import ipaddress
import math
import time

from limits import RateLimitItem
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ccp.auth.caller import Caller
from ccp.domain.errors import CcpError, TooManyRequests
from ccp.web.client import parse_address
from ccp.web.context import caller_of

_MOST_COUNTERS = 1000
_IPV6_NETWORK = 56  # bits: what one customer usually has (RFC 6177)


class RateLimit:
    """
    What each caller has asked in the present window, in the memory of one worker.

    With more than `_MOST_COUNTERS` the oldest is forgotten: nobody can fill its memory, nor make
    it forget all the others.
    """

    def __init__(self, rate: RateLimitItem) -> None:
        self._rate = rate
        self._storage = MemoryStorage()
        self._limiter = SlidingWindowCounterRateLimiter(self._storage)

    async def count(self, *caller: str) -> None:
        """Count a request of a caller; raise TooManyRequests if it is too much."""
        if not await self._limiter.hit(self._rate, *caller):
            window = await self._limiter.get_window_stats(self._rate, *caller)
            raise TooManyRequests(math.ceil(max(window.reset_time - time.time(), 1)))
        if len(self._storage.expirations) > _MOST_COUNTERS:
            # All counters live equally long, so the first one is the next to expire.
            await self._storage.clear(next(iter(self._storage.expirations)))


class AddressRateMiddleware:
    """
    Hold callers to the rate by their addresses, unless they have a valid token.

    Where tokens are asked for, who has one is known only in the end: when there is an answer, and
    nothing of it is sent yet. A failure of the pool is nobody's request too many.

    Args:
        limit: None where there is none.
        asks_tokens: Whether callers with a valid token are left to `SubjectRateMiddleware`.
    """

    def __init__(self, app: ASGIApp, *, limit: RateLimit | None, asks_tokens: bool) -> None:
        self.app = app
        self._limit = limit
        self._asks_tokens = asks_tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or back, what is within the rate."""
        if self._limit is None or scope["type"] != "http":
            await self.app(scope, receive, send)
        elif self._asks_tokens:
            await self._answer_within(self._limit, scope, receive, send)
        else:
            await self._limit.count(_network(scope))
            await self.app(scope, receive, send)

    async def _answer_within(
        self, limit: RateLimit, scope: Scope, receive: Receive, send: Send
    ) -> None:
        async def send_within(message: Message) -> None:
            if message["type"] == "http.response.start" and caller_of(scope) is None:
                await limit.count(_network(scope))
            await send(message)

        try:
            await self.app(scope, receive, send_within)
        except TooManyRequests:
            raise
        except (CcpError, HTTPException) as error:
            status = error.status if isinstance(error, CcpError) else error.status_code
            if status < 500 and caller_of(scope) is None:
                await limit.count(_network(scope))
            raise


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
            caller = caller_of(scope)
            if caller is not None:
                await self._limit.count(*_names(caller))
        await self.app(scope, receive, send)


def _names(caller: Caller) -> tuple[str, ...]:
    """Tell callers apart: by their subject, or without one by what they are and own."""
    if caller.subject is not None:
        return "subject", caller.subject
    return "holder", *caller.roles, *caller.ids


def _network(scope: Scope) -> str:
    """Name the client's address, as ClientMiddleware found it; of IPv6 its network."""
    host: str = scope["client"][0] if scope["client"] else ""
    address = parse_address(host.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, _IPV6_NETWORK), strict=False))
    return str(address or host)
