"""How much a worker takes on at once: what is more is refused at once, not made to wait."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ccp.domain.errors import TooManyAtOnce


class InFlightMiddleware:
    """
    Answer 503 where a worker has its hands full, so that no queue grows in front of its handlers.

    A request counts from the end of its body, which the middleware above has read, to the beginning
    of its answer. So a client that sends or reads slowly takes no place from anybody; how long it
    may is bounded elsewhere.

    Args:
        most: How many requests may be in work at the same time.
    """

    def __init__(self, app: ASGIApp, *, most: int) -> None:
        self.app = app
        self._most = most
        self._running: set[object] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on as many as there are places for."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if len(self._running) >= self._most:
            raise TooManyAtOnce
        request = object()
        self._running.add(request)

        async def send_leaving(message: Message) -> None:
            self._running.discard(request)
            await send(message)

        try:
            await self.app(scope, receive, send_leaving)
        finally:
            self._running.discard(request)
