"""From ASGI to Flask in one hop: a handler runs in one thread, from request to whole answer."""

import asyncio
import contextvars
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from a2wsgi.wsgi import build_environ
from connexion.apps.flask import FlaskASGIApp
from starlette.types import Receive, Scope, Send

Headers = list[tuple[bytes, bytes]]


class FlaskBridge:
    """
    The last middleware: takes the place of Connexion's own WSGI bridge, half of whose time goes
    into handing single chunks from thread to thread.

    Args:
        threads: How many handlers run at the same time.
    """

    def __init__(self, app: FlaskASGIApp, *, threads: int) -> None:
        self._app = app
        self._flask = app.app
        # Its threads start with the first request, after the server has forked.
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="handler")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # The validated body travels in Connexion's context; Flask reads none.
        environ = build_environ(scope, io.BytesIO())  # type: ignore[arg-type]
        context = contextvars.copy_context()  # carries the operation and the trace id
        status, headers, body = await asyncio.get_running_loop().run_in_executor(
            self._executor, context.run, self._run, environ
        )
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _run(self, environ: Any) -> tuple[int, Headers, bytes]:
        status = 0
        headers: Headers = []
        chunks: list[bytes] = []

        def start_response(
            line: str, fields: list[tuple[str, str]], _: object = None
        ) -> Callable[[bytes], None]:
            nonlocal status
            status = int(line[:3])
            headers[:] = [
                (name.lower().encode("latin1"), value.encode("latin1")) for name, value in fields
            ]
            return chunks.append

        answer = self._flask.wsgi_app(environ, start_response)
        try:
            chunks.extend(answer)
        finally:
            close = getattr(answer, "close", None)
            if close:
                close()
        return status, headers, b"".join(chunks)
