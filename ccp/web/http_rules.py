"""Rules of HTTP/1.1 that the server leaves to the application."""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

from ccp.domain.errors import BadRequest

# RFC 9110, 7.2, and RFC 3986, 3.2: a name, an IPv4 or an IPv6 address, and a port. A client that
# has no authority sends an empty Host.
_HOST = r"(?:[\w.~!$&'()*+,;=%-]*|\[[0-9A-Fa-f:.]+\])(?::\d*)?"
_VALID_HOST = re.compile(_HOST.encode(), re.ASCII)
_ABSOLUTE = re.compile(rf"https?://(?P<host>{_HOST})(?=/|\Z)", re.ASCII | re.IGNORECASE)

CLOSE = {"Connection": "close"}
"""Headers of the answer to a request that breaks these rules: where it ends is not known."""


class AbsoluteFormMiddleware:
    """
    Serve a request whose target is a whole URL as one for its path.

    The host of that URL takes the place of the Host header.

    Source: RFC 9112, 3.2.2: a server must accept the absolute-form.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with the path in the scope."""
        if scope["type"] == "http" and not scope["path"].startswith("/"):
            found = _ABSOLUTE.match(scope["path"])
            if found:
                scope["path"] = scope["path"][found.end() :] or "/"
                if scope.get("raw_path"):
                    scope["raw_path"] = scope["raw_path"][found.end() :] or b"/"
                host = found["host"].encode()
                headers = [(n, host if n == b"host" else v) for n, v in scope["headers"]]
                if scope["http_version"] == "1.0" and (b"host", host) not in headers:
                    headers.append((b"host", host))  # HTTP/1.0 has requests without Host
                scope["headers"] = headers
        await self.app(scope, receive, send)


class HttpRulesMiddleware:
    """Answer 400 to a request that `find_violation` finds fault with, and end its connection."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request that keeps the rules."""
        if scope["type"] == "http":
            violation = find_violation(scope)
            if violation is not None:
                raise BadRequest(violation, headers=CLOSE)
        await self.app(scope, receive, send)


def find_violation(scope: Scope) -> str | None:
    """
    Find what is wrong with the Host and the Transfer-Encoding of a request.

    Returns: The rule that is broken; None where none is.
    Source: RFC 9112, 3.2 (exactly one valid Host in HTTP/1.1) and 6.1 (transfer codings that are
    not understood are refused).
    """
    hosts, codings = [], []
    for name, value in scope["headers"]:
        if name == b"host":
            hosts.append(value)
        elif name == b"transfer-encoding":
            codings.append(value)
    if scope["http_version"] == "1.1" and len(hosts) != 1:
        return "HTTP/1.1 requires exactly one Host header."
    if not all(map(_VALID_HOST.fullmatch, hosts)):
        return "The Host header must be a host name or address, with or without a port."
    if codings and [coding.strip().lower() for coding in codings] != [b"chunked"]:
        return "The only Transfer-Encoding that is supported is a single chunked."
    return None
