"""The request body: read once, whole, within a limit of size and time."""

import asyncio
from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ccp.domain.errors import PayloadTooLarge, RequestTimeout

# Of 1 MiB in the pieces of a network there are fewer; each costs as much as a small request.
_MOST_CHUNKS = 2048
_ANNOUNCEMENTS = {b"content-length", b"transfer-encoding"}
# What is still to come of a refused body cannot be told from a next request.
_CLOSE = {"Connection": "close"}


class BodyMiddleware:
    """
    Read the body before anything is decided, so that chunked or not makes no difference.

    It is read for unknown paths too: a server has to close a connection with an unread body on it.

    Args:
        max_bytes: A longer body is answered 413, unread where its length is announced; so is one
            in very many pieces.
        timeout_seconds: A body that is not complete by then is answered 408.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int, timeout_seconds: float) -> None:
        self.app = app
        self._max_bytes = max_bytes
        self._timeout_seconds = timeout_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on with the whole body as one message."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if _ANNOUNCEMENTS.isdisjoint(headers):  # there is none (RFC 9112, 6.3)
            await self.app(scope, receive, send)
            return
        if self._announces_too_much(headers):
            raise PayloadTooLarge(headers=_CLOSE)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                body = await self._read(receive)
        except TimeoutError:
            raise RequestTimeout(headers=_CLOSE) from None
        if body is None:  # the client has gone: there is nobody to answer
            return

        replayed = False

        async def replay() -> Message:
            nonlocal replayed
            if replayed:
                return await receive()
            replayed = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, replay, send)

    def _announces_too_much(self, headers: Mapping[bytes, bytes]) -> bool:
        """Look at Content-Length only to be early: what counts is what arrives."""
        announced = headers.get(b"content-length", b"")
        # int() reads more than digits, and shall not see more of them than any limit has.
        return announced.isdigit() and (len(announced) > 18 or int(announced) > self._max_bytes)

    async def _read(self, receive: Receive) -> bytes | None:
        chunks: list[bytes] = []
        size, more = 0, True
        while more:
            if len(chunks) >= _MOST_CHUNKS:
                raise PayloadTooLarge("It comes in too many pieces.", headers=_CLOSE)
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > self._max_bytes:
                raise PayloadTooLarge(headers=_CLOSE)
            chunks.append(chunk)
            more = message.get("more_body", False)
        return b"".join(chunks)
