"""An ASGI application called directly, where a test client would smooth over what is tested."""

import asyncio
from collections.abc import Iterable
from typing import Any

Message = dict[str, Any]
ONE_EMPTY_BODY: tuple[Message, ...] = ({"type": "http.request", "body": b"", "more_body": False},)


def scope(method: str = "GET", path: str = "/", **changes: Any) -> dict[str, Any]:
    """The scope of a request, with a Host; *changes* replace or add entries."""
    made = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [],
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1),
    } | changes
    if b"host" not in dict(made["headers"]):
        made["headers"] = [(b"host", b"pool"), *made["headers"]]
    return made


def call(
    app: Any, request: dict[str, Any], received: Iterable[Message] = ONE_EMPTY_BODY
) -> list[Message]:
    """Let *app* answer; what it receives after *received* never comes. Returns what it sent."""
    messages = iter(received)
    sent: list[Message] = []

    async def receive() -> Message:
        for message in messages:
            return message
        await asyncio.sleep(60)
        raise AssertionError("nothing was to be received any more")

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(app(request, receive, send))
    return sent
