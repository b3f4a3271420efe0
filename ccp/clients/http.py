"""HTTP requests to other services, limited in size and time."""

import asyncio
import ssl
from collections.abc import Mapping
from contextlib import aclosing
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, NamedTuple, Self

import httpx2
import tenacity

_KEEPALIVE_SECONDS = 15
_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "opnc-ccp",
}
_FAILURES = (
    TimeoutError,
    httpx2.TransportError,
    httpx2.InvalidURL,
    ValueError,  # a host that cannot be encoded
    ExceptionGroup,  # a port beyond 65535
)


class RequestFailed(Exception):
    """A service has not given a usable response. The text is the reason."""


class _ConnectionStale(Exception):
    """The service has closed a kept-alive connection, so the request was not answered."""


class Reply(NamedTuple):
    """
    The response of a service.

    Attributes:
        body: If it is longer than the client's `max_bytes`, the rest has not been read.
    """

    status: int
    body: bytes


class HttpClient:
    """
    An HTTP client with a connection pool; use it in an `async with`, in one event loop.

    The client follows no redirects, keeps no cookies, uses no proxy, and decompresses nothing.

    Args:
        tls: The trusted certificate authorities. `ssl.create_default_context()` trusts those of the
            system, or of SSL_CERT_FILE.
        connections: Maximum number of open connections. Idle ones are closed after 15 seconds.
        max_bytes: Stop reading a body that is longer.
    """

    def __init__(self, tls: ssl.SSLContext, *, connections: int, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._client = httpx2.AsyncClient(
            verify=tls,
            trust_env=False,
            follow_redirects=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            headers=_HEADERS,
            timeout=None,  # `request` limits the total time
            limits=httpx2.Limits(
                max_connections=connections,
                max_keepalive_connections=connections,
                keepalive_expiry=_KEEPALIVE_SECONDS,
            ),
        )

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *raised: Any) -> None:
        await self._client.__aexit__(*raised)

    async def request(
        self,
        method: str,
        url: str,
        *,
        seconds: float,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> Reply:
        """
        Send a request and read the response.

        The request is sent again if the service closes a kept-alive connection instead of
        answering on it. The request must therefore be safe to repeat.

        Args:
            url: http or https.
            seconds: Time limit for everything, from connecting to the last byte of the body.
        Raises:
            RequestFailed: The URL is invalid, the service cannot be reached, closes the connection,
                violates HTTP, compresses the body, or exceeds the time limit.
        """
        try:
            async with asyncio.timeout(seconds):
                return await self._send(method, url, headers, content)
        except _FAILURES as error:
            raise RequestFailed(type(error).__name__) from None

    @tenacity.retry(retry=tenacity.retry_if_exception_type(_ConnectionStale))
    async def _send(
        self, method: str, url: str, headers: Mapping[str, str] | None, content: bytes | None
    ) -> Reply:
        is_new_connection = False

        async def trace(event: str, _info: object) -> None:
            nonlocal is_new_connection
            is_new_connection |= event == "connection.connect_tcp.started"

        request = self._client.build_request(
            method, url, headers=headers, content=content, extensions={"trace": trace}
        )
        try:
            response = await self._client.send(request, stream=True)
        except (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError):
            if is_new_connection:
                raise
            raise _ConnectionStale from None
        async with aclosing(response):
            return Reply(response.status_code, await self._read(response))

    async def _read(self, response: httpx2.Response) -> bytes:
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise RequestFailed("the body is compressed")
        body = bytearray()
        async with aclosing(response.aiter_raw()) as chunks:
            async for chunk in chunks:
                body += chunk
                if len(body) > self._max_bytes:
                    break
                await asyncio.sleep(0)  # many chunks may be buffered; other tasks get their turn
        return bytes(body)
