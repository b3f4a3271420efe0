"""From ASGI to Flask in one hop: a handler runs in one thread, from request to whole answer."""

import asyncio
import contextvars
import inspect
import io
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor

import flask
from connexion.apps.flask import FlaskASGIApp
from connexion.middleware.abstract import SpecMiddleware
from connexion.spec import Specification
from starlette.types import Receive, Scope, Send

# Flask is told which view to call, and no more: the rest of the request has been read and checked,
# and travels in Connexion's context. So no header of a caller's can mean something to Flask.
_ENVIRON = {
    "SERVER_NAME": "localhost",
    "SERVER_PORT": "80",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "SCRIPT_NAME": "",
    "QUERY_STRING": "",
    "wsgi.url_scheme": "http",
    "wsgi.input": io.BytesIO(),
}


class Later(flask.Response):
    """
    What a view gives Flask where its handler has to wait for others, and no thread shall.

    Args:
        answer: Gives the answer itself; awaited on the event loop.
    """

    def __init__(self, answer: Awaitable[flask.Response]) -> None:
        super().__init__()
        self.later = answer


class FlaskBridge(SpecMiddleware):
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

    def add_api(self, _specification: Specification, **_: object) -> None:
        """
        Take the views out of the decorators that Connexion has put around them.

        Those read path, query and body once more, and are built anew for each request: a third of
        the time of a request that finds its contract.
        """
        views = self._flask.view_functions
        views.update({name: inspect.unwrap(view) for name, view in views.items()})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; anything else is passed on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        context = contextvars.copy_context()  # carries the arguments and the trace id
        answer = await asyncio.get_running_loop().run_in_executor(
            self._executor, context.run, self._run, scope["method"], scope["path"]
        )
        if isinstance(answer, Later):
            answer = await answer.later
        headers = [(name.lower().encode(), value.encode()) for name, value in answer.headers]
        await send(
            {"type": "http.response.start", "status": answer.status_code, "headers": headers}
        )
        await send({"type": "http.response.body", "body": answer.get_data()})

    def _run(self, method: str, path: str) -> flask.Response:
        environ = _ENVIRON | {
            "REQUEST_METHOD": method,
            "PATH_INFO": path.encode("utf-8").decode("latin1"),  # as WSGI wants it
        }
        with self._flask.request_context(environ):
            answer: flask.Response = self._flask.full_dispatch_request()
            return answer
