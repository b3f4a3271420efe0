"""All clients of other services, made from the settings."""

import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self

from ccp.clients.credentials import read_credentials
from ccp.clients.peer_pools import PeerPool, PeerPools
from ccp.clients.revocation import RevocationClient
from ccp.clients.root_pool import MAX_BYTES as MAX_ROOT_POOL_BYTES
from ccp.clients.root_pool import RootPoolClient
from ccp.clients.service import MAX_BYTES, Service
from ccp.config.settings import Settings

_SHARE = 4  # at most this fraction (1/4) of a worker's requests may wait for one kind of service


@dataclass(frozen=True, slots=True)
class Clients:
    """
    The clients of the services that the settings name.

    Attributes:
        services: All services, each with a connection pool.
        peer_pools: None if CCP_PEERS is empty.
        revocation: None if CCP_REVOCATION_URL is empty.
        root_pool: None if CCP_RCP_URL is empty.
    """

    services: Sequence[Service] = ()
    peer_pools: PeerPools | None = None
    revocation: RevocationClient | None = None
    root_pool: RootPoolClient | None = None

    @classmethod
    def from_settings(cls, settings: Settings, conforms: Callable[[Any], bool]) -> Self:
        """
        Make the clients, without sending a request.

        Args:
            conforms: Returns whether JSON conforms to the schema GetSignedContractDataResV1.
        Raises:
            SettingsInvalid: See `read_credentials`.
        """
        urls = [*settings.peers, *filter(None, [settings.revocation_url, settings.rcp_url])]
        credentials = read_credentials(settings.credentials, urls)
        if not urls:
            return cls()
        tls = ssl.create_default_context()
        share = max(settings.max_requests // _SHARE, 1)
        services = []

        def service(url: str, connections: int = share, max_bytes: int = MAX_BYTES) -> Service:
            made = Service(url, credentials[url], tls, connections=connections, max_bytes=max_bytes)
            services.append(made)
            return made

        peer_pools, revocation, root_pool = None, None, None
        if settings.peers:
            peer_pools = PeerPools(
                [PeerPool(service(url), conforms=conforms) for url in settings.peers],
                seconds=settings.peer_timeout_seconds,
                max_waiting=share,
            )
        if settings.revocation_url:
            revocation = RevocationClient(
                service(settings.revocation_url),
                seconds=settings.revocation_timeout_seconds,
                max_waiting=share,
            )
        if settings.rcp_url:
            root_pool = RootPoolClient(service(settings.rcp_url, 1, MAX_ROOT_POOL_BYTES))
        return cls(services, peer_pools, revocation, root_pool)

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Open the connection pools for the block. Each worker has its own."""
        async with AsyncExitStack() as stack:
            for service in self.services:
                await stack.enter_async_context(service.connected())
            yield
