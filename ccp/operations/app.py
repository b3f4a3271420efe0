"""What operators find at their own address, and at no other: CCP_OPERATIONS_BIND."""

import functools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from ccp.auth.tokens import Tokens
from ccp.observability import measures
from ccp.operations.health import Health
from ccp.operations.listener import Listener
from ccp.operations.metrics import Exposition, Metrics, Records
from ccp.operations.pages import Recent, Site
from ccp.policy.services import Services
from ccp.web.calls import Calls
from ccp.web.head import HeadMiddleware
from ccp.web.http_rules import CLOSE, find_violation
from ccp.web.security_headers import SecurityHeadersMiddleware

log = structlog.get_logger()


class Operators:
    """
    What operators may ask one worker.

    Args:
        tokens: None where the API's callers are asked for none.
        listener: Where they ask it.
        handlers: The threads that call the handlers of the API.
    Attributes:
        app: An ASGI application that answers them.
    """

    def __init__(
        self, services: Services, tokens: Tokens | None, listener: Listener, handlers: Calls
    ) -> None:
        self._listener = listener
        self._records = Records(services.store, services.clock)
        self._exposition: Exposition
        self._recent = Recent(services.clock)
        health = Health(services, tokens, handlers)
        said = services.settings.explicitly_set

        def is_open_by_accident() -> bool:
            return listener.is_open_to_others and "CCP_AUTH" not in said

        site = Site(services, tokens, self._recent, is_closed=is_open_by_accident)
        self.app = Starlette(
            routes=[
                Route("/health/live", health.live),
                Route("/health/ready", health.ready),
                Route("/metrics", self._metrics),
            ]
        )
        self.app.router.redirect_slashes = False  # to what a Host header says
        self.app.router.default = site.app

    @property
    def middleware(self) -> Callable[[ASGIApp], ASGIApp]:
        """What has to come before all that serves callers of the API."""
        return functools.partial(
            OperatorsMiddleware,
            listener=self._listener,
            operators=SecurityHeadersMiddleware(HeadMiddleware(self.app)),
        )

    @asynccontextmanager
    async def counting(self) -> AsyncIterator[None]:
        """Take notice for the block of what this worker does; without it nothing is counted."""
        folder = self._listener.folder
        if folder is None:  # nobody listens
            yield
            return
        self._exposition = Exposition(folder, self._records)
        try:
            metrics = Metrics(folder, self._listener.slot)
        except OSError as error:  # no reason to serve nobody
            log.error("this worker counts nothing", folder=str(folder), reason=error.strerror)
            yield
            return
        measures.now = measures.Several(metrics, self._recent)
        try:
            async with self._recent.kept(folder, self._listener.slot):
                yield
        finally:
            measures.now = measures.Measures()
            metrics.close()

    async def _metrics(self, request: Request) -> Response:
        return await self._exposition.answer(request)


class OperatorsMiddleware:
    """
    Tell by the socket that a request has come in by who asks, and by nothing that it says.

    What comes in by the operators' goes no further down: it is neither logged nor counted, takes
    no place from the API's callers, and finds nothing that is theirs.

    Args:
        listener: The operators' socket.
        operators: The application that answers there.
    """

    def __init__(self, app: ASGIApp, *, listener: Listener, operators: ASGIApp) -> None:
        self.app = app
        self._listener = listener
        self._operators = operators

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, to the one or the other."""
        app = self.app
        if scope["type"] == "http" and self._listener.has_accepted(scope["server"]):
            violation = find_violation(scope)
            app = self._operators
            if violation is not None:
                app = PlainTextResponse(violation, 400, headers=CLOSE)
        await app(scope, receive, send)
