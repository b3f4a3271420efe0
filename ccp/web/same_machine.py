"""
Protection of a pool on this machine from web pages elsewhere (CSRF and DNS rebinding).

A pool at a loopback address without tokens trusts every client that can connect. A browser on
this machine can: a page of any site sends forms to any address (cross-site request forgery), and a
site whose name leads to 127.0.0.1 makes the browser take the pool for that site (DNS rebinding).
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ccp.addresses import is_loopback
from ccp.errors import HostNotLocal, SiteNotSame

_READING = ("GET", "HEAD")


class SameMachineMiddleware:
    """
    Refuse requests that a browser sends for a page of another site or under another name.

    Other clients are served: they send no Sec-Fetch-Site, and their Host is the address that they
    connect to, or absent. The checks are for connections to a loopback address; a Unix socket has a
    proxy in front.

    Args:
        checks_host: Whether Host has to name this machine. A proxy on this machine may pass on the
            name that its own clients use.
    """

    def __init__(self, app: ASGIApp, *, checks_host: bool) -> None:
        self.app = app
        self._checks_host = checks_host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what no other site can have sent."""
        if scope["type"] == "http" and is_at_loopback(scope):
            headers = Headers(scope=scope)
            if self._checks_host and "host" in headers and not names_this_machine(headers):
                raise HostNotLocal
            if scope["method"] not in _READING and is_from_another_site(headers):
                raise SiteNotSame
        await self.app(scope, receive, send)


def is_at_loopback(scope: Scope) -> bool:
    """Return whether a request has come in at a loopback address of this machine."""
    server = scope["server"]
    return bool(server) and server[1] is not None and is_loopback(server[0])


def names_this_machine(headers: Headers) -> bool:
    """Return whether Host is `localhost` or a loopback address; an attacker can own neither."""
    hosts = headers.getlist("host") or [""]
    try:
        return all(is_loopback(urlsplit(f"//{host}").hostname or "") for host in hosts)
    except ValueError:  # not a host
        return False


def is_from_another_site(headers: Headers) -> bool:
    """Return whether a browser says that a page of another site has made it send a request."""
    return headers.get("sec-fetch-site") in ("cross-site", "same-site")
