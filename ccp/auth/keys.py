"""Public keys of the token issuer: read from a file or a URL, cached, and refreshed."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Protocol

import structlog
from joserfc.jwk import Key

from ccp.auth.jwks import MAX_BYTES, KeysUnusable, fits, read_jwks
from ccp.clients.http import HttpClient, RequestFailed
from ccp.clients.last_good import LastGood, NothingKept
from ccp.domain.errors import KeysNotThere

log = structlog.get_logger()

REFRESH_SECONDS = 300
"""Interval between refreshes of the keys."""
RETRY_SECONDS = 5
"""The interval as long as no keys have been read."""
UNKNOWN_KEY_SECONDS = 60
"""Minimum interval between refreshes that are caused by tokens with an unknown key id."""
MAX_WAIT_SECONDS = 3
"""A request waits for a refresh until this time after the start of the refresh."""
MAX_WAITING = 8
"""Maximum number of requests that wait for a refresh. Anybody can send an unknown key id."""
FETCH_SECONDS = 3
"""Time limit for fetching the keys from a URL."""

_MAX_CANDIDATES = 8  # keys that are tried for a token without a key id


class Source(Protocol):
    """Source of a JWKS document."""

    async def read(self) -> bytes:
        """Return the document; raise KeysUnusable if it cannot be read."""


class FileSource:
    """
    A JWKS file.

    Args:
        path: Path of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read_now(self) -> bytes:
        """Read the file, at most one byte beyond MAX_BYTES; see `Source.read`."""
        try:
            with self._path.open("rb") as file:
                return file.read(MAX_BYTES + 1)
        except OSError as error:
            raise KeysUnusable(error.strerror or "it cannot be read") from None

    async def read(self) -> bytes:
        """Read the file in a thread; see `Source.read`."""
        return await asyncio.to_thread(self.read_now)


class UrlSource:
    """
    The URL of a JWKS (`jwks_uri` of the issuer).

    Args:
        url: https, or http to a loopback address.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        # Trusts the certificate authorities of the system, or of SSL_CERT_FILE.
        self._tls = ssl.create_default_context()

    async def read(self) -> bytes:
        """Fetch the document; see `Source.read`."""
        try:
            async with HttpClient(self._tls, connections=1, max_bytes=MAX_BYTES) as client:
                reply = await client.request("GET", self._url, seconds=FETCH_SECONDS)
        except RequestFailed as error:
            raise KeysUnusable(f"the issuer did not answer: {error}") from None
        if reply.status != 200:
            raise KeysUnusable(f"the issuer answered with status {reply.status}")
        return reply.body


class Keys:
    """
    Cache of the issuer's keys in this process; used by one event loop.

    If a refresh fails, the previous keys stay.

    Args:
        source: Source of the keys.
        last_good: Copy of the keys on disk, for the next process; None if the source is a file.
        monotonic: Clock, in seconds.
    """

    def __init__(
        self,
        source: Source,
        *,
        last_good: LastGood | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._last_good = last_good
        self._monotonic = monotonic
        self._document: bytes | None = None
        self._keys: tuple[Key, ...] = ()
        self._renewal: asyncio.Task[None] | None = None
        self._renewal_began = monotonic()
        self._waiting = 0
        self._not_before = monotonic()

    def take(self, document: bytes) -> None:
        """
        Replace the keys by those of a document.

        Raises:
            KeysUnusable: The document has no usable keys. The previous keys stay.
        """
        if document != self._document:
            self._keys = read_jwks(document)
            self._document = document
            log.info("the keys of the token issuer have been read", keys=len(self._keys))

    @property
    def are_there(self) -> bool:
        """Whether any keys have been read."""
        return bool(self._keys)

    async def find(self, algorithm: str, kid: str | None) -> list[Key]:
        """
        Return the keys that may have signed a token: at most 8, or an empty list.

        An unknown key id may be that of a new key, so it causes a refresh if none is recent. A
        limited number of requests wait for the refresh; others get the keys that are known.

        Args:
            algorithm: `alg` of the token's header.
            kid: Key id of the token's header; None if the header has none.
        Raises:
            KeysNotThere: No keys have been read yet.
        """
        if not self._keys or (kid is not None and not self._named(kid)):
            await self._renew_if_due()
        if not self._keys:
            raise KeysNotThere
        named = self._keys if kid is None else self._named(kid)
        return [key for key in named if fits(algorithm, key)][:_MAX_CANDIDATES]

    @asynccontextmanager
    async def kept_fresh(self) -> AsyncIterator[None]:
        """Refresh the keys now and at regular intervals, until the block ends."""
        if self._last_good and not self._keys:
            with suppress(KeysUnusable, NothingKept):
                self.take(self._last_good.load())
        keeper = asyncio.create_task(self._keep_fresh())
        try:
            yield
        finally:
            tasks = [task for task in (keeper, self._renewal) if task and not task.done()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _named(self, kid: str) -> tuple[Key, ...]:
        return tuple(key for key in self._keys if key.kid == kid)

    async def _keep_fresh(self) -> None:
        while True:
            await asyncio.wait({self._renewing()})
            await asyncio.sleep(REFRESH_SECONDS if self._keys else RETRY_SECONDS)

    async def _renew_if_due(self) -> None:
        """
        Wait for a refresh, which concurrent requests share; return at once if one is recent.

        A waiting request counts against CCP_MAX_REQUESTS, and the issuer may hang. Therefore the
        wait and the number of waiting requests are limited.
        """
        now = self._monotonic()
        if self._renewal is None or self._renewal.done():
            if now < self._not_before:
                return
            self._not_before = now + (UNKNOWN_KEY_SECONDS if self._keys else RETRY_SECONDS)
        renewal = self._renewing()
        wait_seconds = self._renewal_began + MAX_WAIT_SECONDS - now
        if wait_seconds <= 0 or self._waiting >= MAX_WAITING:
            return
        self._waiting += 1
        try:
            await asyncio.wait({renewal}, timeout=wait_seconds)
        finally:
            self._waiting -= 1

    def _renewing(self) -> asyncio.Task[None]:
        """Return the task that refreshes the keys: the running one, or a new one."""
        if self._renewal is None or self._renewal.done():
            self._renewal_began = self._monotonic()
            self._renewal = asyncio.create_task(self._renew())
        return self._renewal

    async def _renew(self) -> None:
        try:
            document = await self._source.read()
            self.take(document)
            if self._last_good:
                await asyncio.to_thread(self._last_good.save, document)
        except KeysUnusable as error:
            log.warning(
                "the keys of the token issuer could not be read; the previous keys stay",
                error=str(error),
                keys=len(self._keys),
            )
        except Exception as error:  # no caller awaits this task, so it has to log
            log.error(
                "reading the keys of the token issuer failed; the previous keys stay",
                exc_info=error,
                keys=len(self._keys),
            )
