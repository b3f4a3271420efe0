"""One service that this pool asks: its address, its credentials, its connections."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from ssl import SSLContext
from urllib.parse import urlsplit

from ccp.clients.credentials import Credentials
from ccp.clients.http import HttpClient, Reply
from ccp.observability.tracing import client_span, end_span, trace_headers

MAX_BYTES = 256 * 1024
"""Of an answer; a contract in it has some 10 kB."""

_UNAUTHORIZED = 401


class Service:
    """
    A service of OPNC, as one worker asks it.

    Attributes:
        name: Its host, for the log.

    Args:
        url: Base URL, without a slash at its end.
        connections: How many are open at most; others have connections of their own, so that none
            waits for this one.
        max_bytes: Of an answer; see `HttpClient`.
    """

    def __init__(
        self,
        url: str,
        credentials: Credentials,
        tls: SSLContext,
        *,
        connections: int,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self.name = urlsplit(url).netloc
        self._url = url
        self._credentials = credentials
        self._tls = tls
        self._connections = connections
        self._max_bytes = max_bytes
        self._client: HttpClient

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Keep its connections for the block; without it nothing can be asked."""
        client = HttpClient(self._tls, connections=self._connections, max_bytes=self._max_bytes)
        async with client as self._client:
            yield

    async def post(
        self,
        path: str,
        content: bytes,
        *,
        headers: Mapping[str, str],
        seconds: float,
    ) -> Reply:
        """
        Send JSON, in this pool's name; once more, where a new token may be accepted.

        Args:
            path: Below the base URL.
            seconds: See `HttpClient.request`.
        Raises:
            RequestFailed: See `HttpClient.request`; or there is no token to be had.
        """
        headers = {"Content-Type": "application/json", **headers}
        return await self._ask("POST", path, headers, content, seconds=seconds)

    async def get(self, path: str, *, seconds: float) -> Reply:
        """Ask for JSON, in this pool's name; as `post` does."""
        return await self._ask("GET", path, {}, None, seconds=seconds)

    async def _ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        content: bytes | None,
        *,
        seconds: float,
    ) -> Reply:
        own = {"OPNC-from-party-type": "ccp"}
        for _ in range(2):
            token = await self._credentials.headers(self._client)
            with client_span(method, self.name) as span:
                reply = await self._client.request(
                    method,
                    self._url + path,
                    seconds=seconds,
                    headers={**own, **headers, **token, **trace_headers()},
                    content=content,
                )
                end_span(span, reply.status)
            if reply.status != _UNAUTHORIZED or not self._credentials.refused(token):
                break
        return reply
