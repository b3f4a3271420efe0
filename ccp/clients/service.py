"""A service of OPNC: its base URL, its credentials, and a connection pool of its own."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from ssl import SSLContext
from urllib.parse import urlsplit

from ccp.clients.credentials import Credentials, Headers
from ccp.clients.http import HttpClient, Reply
from ccp.observability.tracing import client_span, record_result, trace_headers

MAX_BYTES = 256 * 1024
"""Limit on the size of a response. A contract takes some 10 kB."""

_UNAUTHORIZED = 401


class Service:
    """
    A service of OPNC, as one worker calls it.

    Attributes:
        name: Host and port, for log and metrics.

    Args:
        url: Base URL, without a trailing slash.
        connections: Maximum number of open connections.
        max_bytes: Limit on the size of a response; see `HttpClient`.
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
        """Open the connection pool for the block; requests are only possible inside it."""
        client = HttpClient(self._tls, connections=self._connections, max_bytes=self._max_bytes)
        async with client as self._client:
            yield

    async def request(
        self,
        method: str,
        path: str,
        *,
        seconds: float,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> Reply:
        """
        Send a request with the credentials of this pool.

        If the service answers 401 and a new token can be fetched, the request is sent once more.

        Args:
            path: Path below the base URL.
            seconds: Time limit; see `HttpClient.request`.
            headers: Headers in addition to the credentials.
            content: JSON; None for a request without a body.
        Raises:
            RequestFailed: See `HttpClient.request` and `Credentials.headers`.
        """
        own = {"OPNC-from-party-type": "ccp"}
        if content is not None:
            own["Content-Type"] = "application/json"
        send = partial(self._send, method, path, {**own, **(headers or {})}, content, seconds)
        token = await self._credentials.headers(self._client)
        reply = await send(token)
        if reply.status == _UNAUTHORIZED and self._credentials.refused(token):
            reply = await send(await self._credentials.headers(self._client))
        return reply

    async def _send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        content: bytes | None,
        seconds: float,
        token: Headers,
    ) -> Reply:
        with client_span(method, self.name) as span:
            reply = await self._client.request(
                method,
                self._url + path,
                seconds=seconds,
                headers={**headers, **token, **trace_headers()},
                content=content,
            )
            record_result(span, reply.status)
        return reply
