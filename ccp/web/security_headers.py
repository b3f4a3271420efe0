"""Headers that tell browsers what an answer is not: a page, a frame, something to keep."""

from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

# An API answer is shown nowhere and loads nothing.
_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)
_NOTHING = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_NO_STORE = (b"cache-control", b"no-store")
OF_REFUSALS = tuple(
    (name.decode(), value.decode()) for name, value in (*_ALWAYS, _NOTHING, _NO_STORE)
)
"""What an answer of the web server itself says, which passes no middleware."""
_HTTPS_ONLY = (b"strict-transport-security", b"max-age=31536000")  # a year


class SecurityHeadersMiddleware:
    """
    Add to every answer, errors too, what it does not say itself.

    An answer with an ETag is a file, which may be kept; every other may hold a contract.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and add the headers on the way back."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_lacking(scope, message["headers"])]
            await send(message)

        await self.app(scope, receive, send_with_headers)


def _lacking(scope: Scope, headers: Iterable[tuple[bytes, bytes]]) -> Iterable[tuple[bytes, bytes]]:
    names = {name for name, _ in headers}
    yield from _ALWAYS
    if _NOTHING[0] not in names:
        yield _NOTHING
    if b"etag" not in names:
        yield _NO_STORE
    if scope["scheme"] == "https":
        yield _HTTPS_ONLY
