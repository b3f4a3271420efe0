"""From ASGI to Flask in one hop: a handler runs in one thread, from request to whole answer."""

import contextvars
import inspect
from collections.abc import Awaitable, Callable
from functools import partial

import flask
from connexion.apps.flask import FlaskASGIApp
from connexion.middleware.abstract import ROUTING_CONTEXT, SpecMiddleware
from connexion.spec import Specification
from starlette.types import Receive, Scope, Send

from ccp.web.calls import Calls

# What it gives is awaited on the event loop, where its handler has to wait for others.
View = Callable[[], flask.Response | Awaitable[flask.Response]]


class FlaskBridge(SpecMiddleware):
    """
    The last middleware: takes the place of Connexion's own WSGI bridge, half of whose time goes
    into handing single chunks from thread to thread.

    Flask is not asked which view it is: that has been decided, and a second answer could be another
    one. Nor is it told of the request, which has been read and checked, and travels in Connexion's
    context.

    Args:
        handlers: Has them called by threads, until they wait for others.
    """

    def __init__(self, app: FlaskASGIApp, *, handlers: Calls) -> None:
        self._app = app
        self._flask = app.app
        self._views: dict[tuple[str, str], View] = {}
        self._handlers = handlers

    def add_api(self, specification: Specification, **_: object) -> None:
        """
        Learn the views of a spec, without the decorators that Connexion has put around them.

        Those read path, query and body once more, and are built anew for each request: a third of
        the time of a request that finds its contract.
        """
        base_path = specification.base_path
        for rule in self._flask.url_map.iter_rules():
            if rule.rule.startswith(f"{base_path}/"):
                operation_id = rule.endpoint.rpartition(".")[2]
                view = inspect.unwrap(self._flask.view_functions[rule.endpoint])
                self._views[base_path, operation_id] = view

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; anything else is passed on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        routed = scope["extensions"][ROUTING_CONTEXT]
        view = self._views[routed["api_base_path"], routed["operation_id"]]
        context = contextvars.copy_context()  # carries the arguments and the trace id
        answer = await self._handlers.make(partial(context.run, self._run, view))
        if not isinstance(answer, flask.Response):
            answer = await answer
        headers = [(name.lower().encode(), value.encode()) for name, value in answer.headers]
        await send(
            {"type": "http.response.start", "status": answer.status_code, "headers": headers}
        )
        await send({"type": "http.response.body", "body": answer.get_data()})

    def _run(self, view: View) -> flask.Response | Awaitable[flask.Response]:
        with self._flask.app_context():
            return view()
