"""
Protection of a pool on this machine from web pages elsewhere (CSRF and DNS rebinding).

A pool at a loopback address without tokens trusts every client that can connect. A browser on
this machine can: a page of any site sends forms to any address (cross-site request forgery), and a
site whose name leads to 127.0.0.1 makes the browser take the pool for that site (DNS rebinding).
"""

import re

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ccp.config.addresses import is_loopback
from ccp.domain.errors import HostNotLocal, SiteNotSame

_READING = ("GET", "HEAD")
# RFC 9110, 7.2. A browser sends no user, zone or other delimiter here.
_HOST = re.compile(r"([\w.-]+|\[[0-9a-f]*:[0-9a-f:.]+\])(?::\d*)?", re.ASCII)


class SameMachineMiddleware:
    """
    Refuse requests that a browser sends for a page of another site or under another name.

    Other clients are served: they send neither Sec-Fetch-Site nor Origin, and their Host is the
    address that they connect to, or absent. The checks are for connections to a loopback address; a
    Unix socket has a proxy in front.

    Args:
        checks_host: Whether Host has to name this machine, and Origin has to agree with Host. A
            proxy on this machine may pass on the name that its own clients use, or replace it.
    """

    def __init__(self, app: ASGIApp, *, checks_host: bool) -> None:
        self.app = app
        self._checks_host = checks_host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request, unless a page of another site can have caused it."""
        if scope["type"] == "http" and is_at_loopback(scope):
            headers = Headers(scope=scope)
            if self._checks_host and "host" in headers and not names_this_machine(headers):
                raise HostNotLocal
            if scope["method"] not in _READING and (
                is_from_another_site(headers) or (self._checks_host and has_another_origin(headers))
            ):
                raise SiteNotSame
        await self.app(scope, receive, send)


def is_at_loopback(scope: Scope) -> bool:
    """Return whether a request has come in at a loopback address of this machine."""
    server = scope["server"]
    return bool(server) and server[1] is not None and is_loopback(server[0])


def names_this_machine(headers: Headers) -> bool:
    """Return whether Host is `localhost` or a loopback address; an attacker can own neither."""
    matches = [_HOST.fullmatch(host.lower()) for host in headers.getlist("host")]
    return bool(matches) and all(match and is_loopback(match[1]) for match in matches)


def is_from_another_site(headers: Headers) -> bool:
    """Return whether a browser says that a page of another site has made it send a request."""
    return not {"cross-site", "same-site"}.isdisjoint(headers.getlist("sec-fetch-site"))


def has_another_origin(headers: Headers) -> bool:
    """
    Return whether a browser without Sec-Fetch-Site names an origin that is not Host's.

    Browsers from before 2023 (Safari before 16.4) send Origin alone.
    """
    origins = headers.getlist("origin")
    if "sec-fetch-site" in headers or not origins:
        return False
    host = headers.get("host", "").lower()
    return any(origin.partition("://")[2] != host for origin in origins)
