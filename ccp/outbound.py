"""HTTP to other services: there and nowhere else, within limits of size and time."""

import asyncio
import ssl
from collections.abc import Mapping
from typing import NamedTuple

import httpx2

# Each costs as much as a small request; of what anybody asks for here there are a few.
_MOST_CHUNKS = 2048


class Unanswered(Exception):
    """A service has not answered; the text says why, in a word."""


class Reply(NamedTuple):
    """What a service has answered; a body beyond the limit is cut behind it."""

    status: int
    body: bytes


def http_client(tls: ssl.SSLContext, *, connections: int) -> httpx2.AsyncClient:
    """
    Make a client that follows no redirect, asks no proxy, and unpacks nothing.

    Args:
        tls: Whose certificates are believed; `ssl.create_default_context()` has the system's
            authorities, or those of SSL_CERT_FILE.
        connections: How many it has at most; idle ones are kept for the next request.
    """
    return httpx2.AsyncClient(
        verify=tls,
        trust_env=False,
        follow_redirects=False,
        limits=httpx2.Limits(max_connections=connections),
        headers={"Accept": "application/json", "Accept-Encoding": "identity"},
    )


async def exchange(
    client: httpx2.AsyncClient,
    method: str,
    url: str,
    *,
    seconds: float,
    max_bytes: int,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
) -> Reply:
    """
    Ask a service.

    Args:
        seconds: Everything together may take so long, up to the last byte of the answer.
        max_bytes: No more is read of the answer's body, but for what comes in one piece with it.
    Raises:
        Unanswered: It cannot be reached, breaks off, speaks no HTTP, takes too long, or answers in
            very many pieces.
    """
    try:
        async with (
            asyncio.timeout(seconds),
            client.stream(method, url, headers=headers, content=content, timeout=seconds) as answer,
        ):
            chunks: list[bytes] = []
            size = 0
            async for chunk in answer.aiter_raw():
                if len(chunks) == _MOST_CHUNKS:
                    raise Unanswered("too many pieces")
                chunks.append(chunk)
                size += len(chunk)
                if size > max_bytes:
                    break
            return Reply(answer.status_code, b"".join(chunks))
    except (TimeoutError, httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise Unanswered(type(error).__name__) from None
