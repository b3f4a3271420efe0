"""The keys of the token issuer: read from a file or a URL, kept, and renewed as it changes them."""

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

FRESH_SECONDS = 300
"""After so long the keys are read again."""
RETRY_SECONDS = 5
"""The same as long as there are none."""
UNKNOWN_KEY_SECONDS = 60
"""A token that names an unknown key makes them be read again at most so often."""
PATIENCE_SECONDS = 3
"""From when that began, a request waits no longer for it."""
MOST_WAITING = 8
"""So many requests wait at a time; anybody can make one that names an unknown key."""
FETCH_SECONDS = 3
"""An issuer that has not answered by then does not."""

_MOST_TRIED = 8  # keys for one token that names none


class Source(Protocol):
    """Where the keys are."""

    async def read(self) -> bytes:
        """Return the document; KeysUnusable says why there is none."""


class FileSource:
    """
    A JWKS file.

    Args:
        path: Of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read_now(self) -> bytes:
        """Read the file, or as much of it as shows that it is too large; see `Source.read`."""
        try:
            with self._path.open("rb") as file:
                return file.read(MAX_BYTES + 1)
        except OSError as error:
            raise KeysUnusable(error.strerror or "it cannot be read") from None

    async def read(self) -> bytes:
        """Read it in a thread of its own; see `Source.read`."""
        return await asyncio.to_thread(self.read_now)


class UrlSource:
    """
    A JWKS that an issuer publishes.

    Args:
        url: https, or http to this machine.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        # The system's authorities, or those of SSL_CERT_FILE.
        self._tls = ssl.create_default_context()

    async def read(self) -> bytes:
        """Fetch it, from this URL and nowhere else; see `Source.read`."""
        try:
            async with HttpClient(self._tls, connections=1, max_bytes=MAX_BYTES) as client:
                reply = await client.request("GET", self._url, seconds=FETCH_SECONDS)
        except RequestFailed as error:
            raise KeysUnusable(f"the issuer did not answer: {error}") from None
        if reply.status != 200:
            raise KeysUnusable(f"the issuer answered {reply.status}")
        return reply.body


class Keys:
    """
    The issuer's keys, as this process knows them; used by one event loop.

    The last good ones are kept for as long as there are no better ones.

    Args:
        source: Where they are.
        last_good: Keeps them beyond this process; None where the source itself is that near.
        monotonic: Gives seconds that only ever go forward.
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
        Use the keys of a document from now on.

        Raises:
            KeysUnusable: It has none; the last ones stay.
        """
        if document != self._document:
            self._keys = read_jwks(document)
            self._document = document
            log.info("the keys of the token issuer have been read", keys=len(self._keys))

    @property
    def are_there(self) -> bool:
        """Whether any have been read."""
        return bool(self._keys)

    async def find(self, algorithm: str, kid: str | None) -> list[Key]:
        """
        Give the keys that may have signed a token, few; none where there is no such key.

        A key that is not known may be new, so that the keys are read again, now and then. A few
        requests wait for them; others get what is known already.

        Args:
            algorithm, kid: As the token's header has them.
        Raises:
            KeysNotThere: No keys could be read yet.
        """
        if not self._keys or (kid is not None and not self._named(kid)):
            await self._renew_if_due()
        if not self._keys:
            raise KeysNotThere
        named = self._keys if kid is None else self._named(kid)
        return [key for key in named if fits(algorithm, key)][:_MOST_TRIED]

    @asynccontextmanager
    async def kept_fresh(self) -> AsyncIterator[None]:
        """Read the keys now and again every few minutes, until the block ends."""
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
            await asyncio.sleep(FRESH_SECONDS if self._keys else RETRY_SECONDS)

    async def _renew_if_due(self) -> None:
        """
        Wait for the keys to be read, by whoever asked first; not for long, and not often.

        Whoever waits keeps a place of a request in work, and the issuer may hang: so few do.
        """
        now = self._monotonic()
        if self._renewal is None or self._renewal.done():
            if now < self._not_before:
                return
            self._not_before = now + (UNKNOWN_KEY_SECONDS if self._keys else RETRY_SECONDS)
        renewal = self._renewing()
        patience = self._renewal_began + PATIENCE_SECONDS - now
        if patience <= 0 or self._waiting >= MOST_WAITING:
            return
        self._waiting += 1
        try:
            await asyncio.wait({renewal}, timeout=patience)
        finally:
            self._waiting -= 1

    def _renewing(self) -> asyncio.Task[None]:
        """Return the task that reads the keys: the one that is at it, or a new one."""
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
                "the keys of the token issuer could not be read; the last ones stay",
                reason=str(error),
                keys=len(self._keys),
            )
        except Exception as error:  # whatever it is, nobody waits for this task to tell it
            log.error(
                "reading the keys of the token issuer failed; the last ones stay",
                exc_info=error,
                keys=len(self._keys),
            )
