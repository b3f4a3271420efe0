"""
Web pages elsewhere that use a browser on this machine to reach a pool on this machine.

Such a pool, at a loopback address and without tokens, trusts whoever can connect. A browser can:
a page sends forms to any address (cross-site request forgery), and calls itself by a name that
leads to 127.0.0.1 (DNS rebinding), so that the browser takes the pool for the page's own site.
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

    Clients that are not browsers are served: they send no Sec-Fetch-Site, and as Host what they
    connect to, or none. The checks are for connections to a loopback address; behind a Unix socket
    there is a proxy.

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
