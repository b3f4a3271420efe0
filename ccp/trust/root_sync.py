"""Synchronise the trust anchors with a root pool, in the background."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime

import structlog

from ccp.clients.http import RequestFailed
from ccp.clients.root_pool import RootPoolClient
from ccp.pki.certificates import read_certificate
from ccp.trust.current import TrustSnapshot, TrustStore
from ccp.trust.folder import KINDS
from ccp.trust.kept_roots import KeptRoots
from ccp.trust.pool_roots import usable_roots

log = structlog.get_logger()

PATIENCE_SECONDS = 4
"""How long a worker without any root waits for the first ones before it serves."""
RETRY_SECONDS = 60
"""Time to the next try if the root pool has not answered, or has given no root yet."""
_JITTER_SECONDS = 30  # so that workers that start together do not ask together


class RootKeeper:
    """
    Fetches the roots of a root pool regularly; used by one event loop.

    The last good roots of each kind stay in use: an answer without a root that is valid now does
    not replace roots of which one is valid.

    Args:
        pool: The client of the root pool, connected while roots are fetched.
        trusted: The anchors. Those in files stay and take precedence; `current` is replaced when
            the roots change.
        kept: The on-disk copy of the roots.
        seconds: The time from one fetch to the next.
        clock: Returns the present moment, aware UTC.
    """

    def __init__(
        self,
        pool: RootPoolClient,
        trusted: TrustStore,
        kept: KeptRoots,
        *,
        seconds: float,
        clock: Callable[[], datetime],
    ) -> None:
        self._pool = pool
        self._files = trusted.files
        self._trusted = trusted
        self._kept = kept
        self._seconds = seconds
        self._clock = clock
        self._roots: Mapping[str, tuple[bytes, ...]] = dict.fromkeys(KINDS, ())

    @asynccontextmanager
    async def kept_fresh(self) -> AsyncIterator[None]:
        """Fetch the roots now and then regularly, until the block ends."""
        kept, known = self._kept.usable(at=self._clock()), self._trusted.roots
        # The copy on disk may have been lost since the server started, or one kind of it.
        self._take({kind: kept[kind] or known.get(kind, ()) for kind in KINDS})
        tried = asyncio.Event()
        keeper = asyncio.create_task(self._keep_fresh(tried))
        try:
            if not self._has_roots:
                with suppress(TimeoutError):
                    await asyncio.wait_for(tried.wait(), PATIENCE_SECONDS)
            yield
        finally:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)

    @property
    def _has_roots(self) -> bool:
        return any(map(self._any_valid, self._roots.values()))

    async def _keep_fresh(self, tried: asyncio.Event) -> None:
        while True:
            try:
                answered = await self._renew()
            except Exception as error:  # any error: log it, as no caller awaits this task
                log.error("renewing the roots failed; the last ones stay", exc_info=error)
                answered = False
            tried.set()
            pause = self._seconds if answered and self._has_roots else RETRY_SECONDS
            await asyncio.sleep(pause + random.uniform(0, _JITTER_SECONDS))  # noqa: S311 - no secret

    async def _renew(self) -> bool:
        """Fetch the roots of all kinds; return whether the root pool answered for each."""
        fetched = {kind: await self._fetch(kind) for kind in KINDS}
        if any(fetched.values()):
            roots = {kind: fetched[kind] or self._roots[kind] for kind in KINDS}
            await asyncio.to_thread(self._take, roots)
            await asyncio.to_thread(self._kept.save, roots)
        return None not in fetched.values()

    async def _fetch(self, kind: str) -> tuple[bytes, ...] | None:
        """Fetch the roots of a kind; return None if the root pool did not answer."""
        last = self._roots[kind]
        try:
            ders = await self._pool.fetch(kind)
        except RequestFailed as error:
            log.warning(
                "the root pool could not be asked; its last roots stay",
                kind=kind,
                reason=str(error),
                roots=len(last),
            )
            return None
        roots = await asyncio.to_thread(self._usable, kind, ders)
        if (last and not roots) or (self._any_valid(last) and not self._any_valid(roots)):
            log.warning("the root pool has no valid root any more; the last ones stay", kind=kind)
            return ()
        return roots

    def _any_valid(self, ders: Iterable[bytes]) -> bool:
        at = self._clock()
        return any(read_certificate(der, "root", cache=True).is_valid_at(at) for der in ders)

    def _usable(self, kind: str, ders: Iterable[bytes]) -> tuple[bytes, ...]:
        return usable_roots(ders, kind=kind, at=self._clock())

    def _take(self, roots: Mapping[str, tuple[bytes, ...]]) -> None:
        """Replace the roots in use."""
        if roots == self._roots:
            return
        self._trusted.current = TrustSnapshot.of(self._files.with_roots(roots))
        self._roots = roots
        numbers = {kind: len(roots[kind]) for kind in KINDS}
        log.info("the roots of the root pool are trust anchors now", **numbers)
