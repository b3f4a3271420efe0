"""
HTTP to other services: there and nowhere else, within limits of size and time.

No cookie is kept, no redirect followed, no proxy asked, nothing unpacked: httpcore does none of it.
"""

import asyncio
import ssl
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import httpcore2

# Each costs as much as a small request; of what anybody asks for here there are a few.
_MOST_CHUNKS = 2048
_CHUNK_BYTES = 1024  # of a long body; networks bring it in pieces that are larger
# Status and headers, and all that HTTP has before and between them, such as 1xx answers.
_HEAD_BYTES = 16 * 1024
# What is read is parsed at once, while nobody else gets on.
_READ_BYTES = 4 * 1024
_IDLE_SECONDS = 15
_FAILURES = (
    TimeoutError,
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.TimeoutException,
)


class Unanswered(Exception):
    """A service has not answered; the text says why, in a word."""


class Reply(NamedTuple):
    """What a service has answered; a body beyond the limit is cut behind it."""

    status: int
    body: bytes


class Client:
    """
    The connections to one service; used by one event loop, in an `async with`.

    Args:
        tls: Whose certificates are believed; `ssl.create_default_context()` has the system's
            authorities, or those of SSL_CERT_FILE.
        connections: How many there are at most; idle ones are kept for a while.
        max_bytes: No more is read of an answer's body, but for what comes in one piece with it.
    """

    def __init__(self, tls: ssl.SSLContext, *, connections: int, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._most_chunks = max(_MOST_CHUNKS, max_bytes // _CHUNK_BYTES)
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=connections,
            keepalive_expiry=_IDLE_SECONDS,
            network_backend=_Network(),
        )

    async def __aenter__(self) -> "Client":
        await self._pool.__aenter__()
        return self

    async def __aexit__(self, *raised: Any) -> None:
        await self._pool.__aexit__(*raised)

    async def exchange(
        self,
        method: str,
        url: str,
        *,
        seconds: float,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> Reply:
        """
        Ask; again, where a connection that was kept turns out to have been closed.

        Args:
            url: Of the service; http or https.
            seconds: Everything together may take so long, up to the last byte of the answer.
        Raises:
            Unanswered: It cannot be reached, breaks off, speaks no HTTP, takes too long, or says
                too much, or in very many pieces.
        """
        wanted = {"Accept": "application/json", "Accept-Encoding": "identity", **(headers or {})}
        try:
            async with asyncio.timeout(seconds):
                while True:
                    try:
                        return await self._exchange(method, url, wanted, content)
                    except Stale:  # one less of those that were kept; a new one is never stale
                        continue
        except _FAILURES as error:
            raise Unanswered(type(error).__name__) from None

    async def _exchange(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None
    ) -> Reply:
        chunks: list[bytes] = []
        size = 0
        async with self._pool.stream(
            method, url, headers=list(headers.items()), content=content
        ) as answer:
            # What frames a body in chunks may be as long as the body.
            answer.extensions["network_stream"].listen(2 * self._max_bytes)
            async for chunk in answer.aiter_stream():
                if len(chunks) == self._most_chunks:
                    raise Unanswered("too many pieces")
                chunks.append(chunk)
                size += len(chunk)
                if size > self._max_bytes:
                    break
            return Reply(answer.status, b"".join(chunks))


class Stale(httpcore2.ReadError):
    """A service has closed a kept connection just as it was to be used again: nothing was done."""


class TooLong(httpcore2.ReadError):
    """A service says more than it is listened to."""


class _Stream(httpcore2.AsyncNetworkStream):
    """
    A connection that gives way to others, and ends where a service says too much at once.

    The parser of HTTP goes through all that it is given before anybody else gets on.
    """

    def __init__(self, stream: httpcore2.AsyncNetworkStream) -> None:
        self._stream = stream
        self._left = _HEAD_BYTES
        self._was_used = False
        self._is_answered = False

    def listen(self, max_bytes: int) -> None:
        """Let the service say so much more."""
        self._left += max_bytes

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        await asyncio.sleep(0)
        try:
            data = await self._stream.read(min(max_bytes, _READ_BYTES), timeout)
        except httpcore2.ReadError:
            self._require_answer()
            raise
        if not data:
            self._require_answer()
        self._is_answered = True
        self._left -= len(data)
        if self._left < 0:
            raise TooLong
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if self._is_answered:
            self._was_used, self._is_answered = True, False
            self._left = _HEAD_BYTES
        try:
            await self._stream.write(buffer, timeout)
        except httpcore2.WriteError:
            self._require_answer()
            raise

    def _require_answer(self) -> None:
        if self._was_used and not self._is_answered:
            raise Stale from None

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        return _Stream(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Network(httpcore2.AsyncNetworkBackend):
    """Makes such connections."""

    def __init__(self) -> None:
        self._backend = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        stream = await self._backend.connect_tcp(host, port, timeout, local_address, socket_options)
        return _Stream(stream)
