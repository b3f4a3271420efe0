"""Peers: everything outside that this pool asks, as its settings name it."""

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self

from ccp.clients.circuit_breaker import Breaker
from ccp.clients.credentials import read_credentials
from ccp.clients.peer_pools import Pool, Pools
from ccp.clients.revocation import Revocation
from ccp.clients.root_pool import MAX_BYTES, RootPool
from ccp.clients.service import Service
from ccp.config.settings import Settings

_SHARE = 4  # of the requests that a worker has at once, so many parts may wait for one kind of peer


@dataclass(frozen=True, slots=True)
class Peers:
    """
    The services that this pool asks.

    Attributes:
        pools: None where there are no peer pools.
        revocation: None where nothing is revoked.
        root_pool: None where all trust anchors are in files.
    """

    pools: Pools | None = None
    revocation: Revocation | None = None
    root_pool: RootPool | None = None

    @classmethod
    def of(cls, settings: Settings, conforms: Callable[[Any], bool]) -> Self:
        """
        Make them; nothing is asked yet.

        Args:
            conforms: Tells whether JSON is what GetSignedContractDataResV1 describes.
        Raises:
            SettingsInvalid: See `read_credentials`.
        """
        urls = [*settings.peers, *filter(None, [settings.revocation_url, settings.rcp_url])]
        credentials = read_credentials(settings.credentials, urls)
        if not urls:
            return cls()
        tls = ssl.create_default_context()
        most = max(settings.max_requests // _SHARE, 1)
        services = {url: Service(url, credentials[url], tls, connections=most) for url in urls}
        pools, revocation, root_pool = None, None, None
        if settings.peers:
            pools = Pools(
                [Pool(services[url], Breaker(), conforms=conforms) for url in settings.peers],
                seconds=settings.peer_timeout_seconds,
                most=most,
            )
        if settings.revocation_url:
            revocation = Revocation(
                services[settings.revocation_url],
                seconds=settings.revocation_timeout_seconds,
                most=most,
            )
        if url := settings.rcp_url:
            service = Service(url, credentials[url], tls, connections=1, max_bytes=MAX_BYTES)
            root_pool = RootPool(service)
        return cls(pools, revocation, root_pool)

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Keep connections for the block, in each worker its own."""
        async with AsyncExitStack() as stack:
            for peer in (self.pools, self.revocation, self.root_pool):
                if peer is not None:
                    await stack.enter_async_context(peer.connected())
            yield
