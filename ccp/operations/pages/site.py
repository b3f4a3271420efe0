"""The pages, joined: an application of their own, for operators who look with a browser."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

import structlog
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route, Router
from starlette.staticfiles import StaticFiles

from ccp.auth.tokens import Tokens
from ccp.domain.errors import CcpError, InternalError
from ccp.operations.pages.contracts import Contracts
from ccp.operations.pages.forms import form_of
from ccp.operations.pages.inspector import Inspector
from ccp.operations.pages.operator_auth import Login, OperatorAuth
from ccp.operations.pages.overview import Overview
from ccp.operations.pages.recent import Recent
from ccp.operations.pages.rendering import STATIC, render
from ccp.policy.services import Services
from ccp.web.body import BodyMiddleware
from ccp.web.in_flight import InFlightMiddleware

log = structlog.get_logger()

View = Callable[[Request, FormData], Response]
"""Answers a request; *form* is empty but where one was sent. It may take its time."""

MOST_AT_ONCE = 32
"""Requests of one worker; more are answered 503. A page may take a second."""
_THREADS = 2  # a page may count a million records, and cars wait for the same processor


class Site:
    """
    All pages of one worker.

    Args:
        tokens: None where nobody is asked for one.
        recent: What this worker hears, and others tell it.
        is_closed: See `OperatorAuth`.
    Attributes:
        app: An ASGI application.
    """

    def __init__(
        self,
        services: Services,
        tokens: Tokens | None,
        recent: Recent,
        *,
        is_closed: Callable[[], bool],
    ) -> None:
        # They start with the first page, after the server has forked.
        self._executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="pages")
        contracts = Contracts(services)
        inspector = Inspector(services)
        overview = Overview(services, recent)
        router = Router(
            [
                self._route("/", overview.show),
                self._route("/search", contracts.search),
                self._route("/contracts/{emaid}", contracts.contract),
                self._route("/vehicles/{pcid}", contracts.vehicle),
                self._route("/inspector", inspector.ask),
                self._route("/inspector", inspector.inspect, method="POST"),
                *Login(tokens).routes,
                Mount("/static", StaticFiles(directory=STATIC)),
            ],
            redirect_slashes=False,  # to what a Host header says
        )
        settings = services.settings
        operator_auth = OperatorAuth(router, tokens=tokens, is_closed=is_closed)
        body = BodyMiddleware(
            InFlightMiddleware(operator_auth, most=MOST_AT_ONCE),
            max_bytes=settings.max_body_bytes,
            timeout_seconds=settings.body_timeout_seconds,
        )
        self.app = ExceptionMiddleware(
            body, handlers={CcpError: _refused, HTTPException: _refused, Exception: _failed}
        )

    def _route(self, path: str, view: View, *, method: str = "GET") -> Route:
        async def answer(request: Request) -> Response:
            loop = asyncio.get_running_loop()
            async with form_of(request, most_files=1, most_fields=4) as form:
                return await loop.run_in_executor(self._executor, look, request, form)

        def look(request: Request, form: FormData) -> Response:
            with structlog.contextvars.bound_contextvars(page=path):  # whoever logs is not asked
                return view(request, form)

        return Route(path, answer, methods=[method])


def _refused(request: Request, error: Exception) -> Response:
    """Tell an error, as whoever looks may know it."""
    if isinstance(error, HTTPException):
        status, messages = error.status_code, [error.detail]
        headers = dict(error.headers or {})
    else:
        told = error if isinstance(error, CcpError) else InternalError()
        status, messages, headers = told.status, told.messages, told.headers
    view = {"title": HTTPStatus(status).phrase, "messages": messages}
    response = render(request, "error.html", view, status=status)
    response.headers.update(headers)
    return response


def _failed(request: Request, error: Exception) -> Response:
    log.error("a page failed", exc_info=error)
    return _refused(request, error)
