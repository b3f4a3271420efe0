"""Who is at the other end: the client itself, also where a proxy stands between."""

import ipaddress

from starlette.types import ASGIApp, Receive, Scope, Send

from ccp.config.addresses import TrustedProxies

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class ClientMiddleware:
    """
    Put the client's address and scheme in place of its proxy's, where that one is trusted.

    The client is the last address in X-Forwarded-For that is no trusted proxy's: what stands
    before it was not written by a proxy of ours. Nobody else's forwarded headers are believed,
    and a Unix socket tells no address at all: its peer is trusted where that was said.

    Args:
        trusted: CCP_TRUSTED_PROXIES.
    """

    def __init__(self, app: ASGIApp, *, trusted: TrustedProxies) -> None:
        self.app = app
        self._trusted = trusted
        self._trusts_any = bool(trusted.networks) or trusted.unix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with the client in the scope."""
        if self._trusts_any and scope["type"] == "http" and self._is_from_proxy(scope):
            self._look_behind(scope)
        await self.app(scope, receive, send)

    def _is_from_proxy(self, scope: Scope) -> bool:
        peer = parse_address(scope["client"][0]) if scope["client"] else None
        return self._trusts(peer) if peer else self._trusted.unix

    def _look_behind(self, scope: Scope) -> None:
        schemes = _values(scope, b"x-forwarded-proto")
        if schemes and schemes[-1] in ("http", "https"):
            scope["scheme"] = schemes[-1]
        for text in reversed(_values(scope, b"x-forwarded-for")):
            address = parse_address(text)
            if address is None:  # not written by a proxy
                return
            scope["client"] = (str(address), 0)
            if not self._trusts(address):
                return

    def _trusts(self, address: _Address) -> bool:
        return any(address in network for network in self._trusted.networks)


def _values(scope: Scope, name: bytes) -> list[str]:
    lines = [value.decode("latin1") for header, value in scope["headers"] if header == name]
    return [value.strip() for value in ",".join(lines).split(",") if value.strip()]


def parse_address(text: str) -> _Address | None:
    """Read an address; one of IPv4 in the form of IPv6 is of IPv4. None if it is none."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    # As a socket for both IPv6 and IPv4 tells it.
    return getattr(address, "ipv4_mapped", None) or address
