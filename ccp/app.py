"""create_app: the one place where the parts are joined."""

import asyncio
import functools
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import limits
from connexion import FlaskApp
from connexion.middleware.context import ContextMiddleware
from connexion.middleware.exceptions import ExceptionMiddleware
from connexion.middleware.lifespan import LifespanMiddleware
from connexion.middleware.security import SecurityMiddleware
from starlette.types import ASGIApp, Message

from ccp.auth.keys import Keys
from ccp.auth.tokens import Tokens, make_tokens
from ccp.cleansing import RegularCleansing, make_cleansing
from ccp.clients.clients import Clients
from ccp.config.addresses import is_loopback
from ccp.config.settings import Settings, SettingsInvalid
from ccp.observability import telemetry
from ccp.policy.services import Services
from ccp.store import Store
from ccp.trust.folder import Trust
from ccp.trust.kept_roots import KeptRoots, trusted_at_start
from ccp.trust.operator_cas import Issuers, IssuersUnusable, load_issuers
from ccp.trust.provider_table import FILE_NAME as PROVIDER_FILE
from ccp.trust.provider_table import ProviderTable, ProviderTableInvalid, load_provider_table
from ccp.trust.root_sync import RootKeeper
from ccp.web.body import BodyMiddleware
from ccp.web.bridge import FlaskBridge
from ccp.web.calls import Calls
from ccp.web.client import ClientMiddleware
from ccp.web.documents import DocumentsMiddleware
from ccp.web.error_responses import ERROR_KINDS, error_response
from ccp.web.head import HeadMiddleware
from ccp.web.http_rules import AbsoluteFormMiddleware, HttpRulesMiddleware
from ccp.web.in_flight import InFlightMiddleware
from ccp.web.opcp import TRANSLATIONS
from ccp.web.operations import handler_resolver
from ccp.web.rate_limit import AddressRateMiddleware, RateLimit, SubjectRateMiddleware
from ccp.web.routing import RoutingMiddleware
from ccp.web.same_machine import SameMachineMiddleware
from ccp.web.security import bearer_security
from ccp.web.security_headers import SecurityHeadersMiddleware
from ccp.web.spec import OPCP, OPNC, load_spec, spec_text
from ccp.web.trace import TraceMiddleware
from ccp.web.validation import ValidationMiddleware
from ccp.web.violations import conforms_to

if TYPE_CHECKING:
    from ccp.operations.app import Operators

# How long a write waits for others, to be committed with them; as long again while they come.
_GATHERING_SECONDS = 0.01


def utc_now() -> datetime:
    """Return the present moment, aware UTC."""
    return datetime.now(UTC)


def make_services(
    settings: Settings, store: Store, clock: Callable[[], datetime], clients: Clients
) -> Services:
    """
    Build the services of the handlers. Trust anchors and the operator's CAs are read here, once.

    Raises:
        SettingsInvalid: CCP_TRUST_DIR is set and is not a folder, its table of providers cannot be
            used, or CCP_OPERATOR_CAS is not a folder of CA certificates.
    """
    try:
        cas = load_issuers(Path(settings.operator_cas)) if settings.operator_cas else Issuers()
    except IssuersUnusable as error:
        raise SettingsInvalid(f"CCP_OPERATOR_CAS: {error}") from None
    trusted = trusted_at_start(settings, at=clock())
    return Services(
        settings=settings,
        store=store,
        clock=clock,
        trusted=trusted,
        provider_table=read_provider_table(settings, trusted.current.trust),
        operator_cas=cas,
        clients=clients,
    )


def read_provider_table(settings: Settings, trust: Trust) -> ProviderTable:
    """
    Read the table of the provider ids that each eMSP root may issue contracts for.

    Raises:
        SettingsInvalid: The table cannot be used, or there are no anchors to enforce it with.
    """
    try:
        table = load_provider_table(settings.trust_folder())
    except ProviderTableInvalid as error:
        lines = str(error).splitlines()
        raise SettingsInvalid("\n".join(f"CCP_TRUST_DIR: {line}" for line in lines)) from None
    if table.providers and not trust.contracts.configured:
        raise SettingsInvalid(
            f"CCP_TRUST_DIR: {PROVIDER_FILE} means nothing without anchors in emsp or v2g, as"
            " contract chains are not verified; add the roots, or remove the file"
        )
    return table


def make_regular_cleansing(settings: Settings, services: Services) -> RegularCleansing:
    """Build the cleansing that runs every CCP_CLEANSE_HOURS."""
    return RegularCleansing(
        make_cleansing(settings, services.store, services.trusted, services.clock),
        settings.beside_database("cleansing"),
        hours=settings.cleanse_hours,
        clock=services.clock,
    )


def make_operators(
    settings: Settings, services: Services, tokens: Tokens | None, handlers: Calls
) -> "Operators | None":
    """Build the operators' application; without CCP_OPERATIONS_BIND None, and nothing is loaded."""
    if not settings.operations_bind:
        return None
    from ccp.operations.app import Operators
    from ccp.operations.listener import listener_of

    return Operators(services, tokens, listener_of(settings), handlers)


def _same_machine(settings: Settings) -> Callable[[ASGIApp], ASGIApp]:
    """Make the middleware that keeps web pages elsewhere out of a pool on this machine."""
    proxies = settings.trusted_proxies
    is_behind_proxy = proxies.unix or bool(proxies.networks)
    return functools.partial(SameMachineMiddleware, checks_host=not is_behind_proxy)


def create_app(settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> FlaskApp:
    """
    Join the parts of one pool.

    Args:
        settings: Of this pool; its database is made or brought up to date.
        clock: Gives the present moment, aware UTC.
    Returns: An ASGI application; its `services` are what its handlers are given, its `base_paths`
        those of its specs.
    Raises:
        StoreUnusable: The database cannot serve.
        SettingsInvalid: See `Clients.from_settings`, `make_services` and `make_tokens`.
        Exception: A spec is no OpenAPI, or names what no code here knows.
    """
    handlers = Calls(name="handler", threads=settings.threads)
    # As long as handlers are at work, more writes may come.
    gather = functools.partial(handlers.idle.wait, _GATHERING_SECONDS)
    store = Store(
        settings.database_path, most_contracts=settings.max_contracts_per_car, gather=gather
    )
    translations = {OPNC: {}, OPCP: TRANSLATIONS} if settings.opcp_on else {OPNC: {}}
    documents = {name: load_spec(name, lab=settings.lab) for name in translations}
    clients = Clients.from_settings(
        settings, conforms_to(documents[OPNC], "GetSignedContractDataResV1")
    )
    services = make_services(settings, store, clock, clients)
    tokens = make_tokens(settings, clock) if settings.auth == "jwt" else None
    keepers: list[Keys | RootKeeper | RegularCleansing] = [tokens.keys] if tokens else []
    if clients.root_pool:
        keepers.append(
            RootKeeper(
                clients.root_pool,
                services.trusted,
                KeptRoots(settings),
                seconds=settings.rcp_hours * 3600,
                clock=clock,
            )
        )
    if settings.cleanse_hours:
        keepers.append(make_regular_cleansing(settings, services))
    operators = make_operators(settings, services, tokens, handlers)
    rate = None if settings.rate_limit == "off" else limits.parse(settings.rate_limit)
    by_address, by_subject = (RateLimit(rate) if rate else None for _ in range(2))

    @asynccontextmanager
    async def lifespan(_app: object) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(clients.connected())
            if not _rehearsing.get():
                stack.enter_context(telemetry.recording())
                if operators:
                    await stack.enter_async_context(operators.counting())
                for keeper in keepers:
                    await stack.enter_async_context(keeper.kept_fresh())
            yield
        store.close()

    app = FlaskApp(
        "ccp",
        lifespan=lifespan,
        security_map=bearer_security(tokens),
        # A request goes down this list, an answer up.
        middlewares=[
            AbsoluteFormMiddleware,
            *([operators.middleware] if operators else []),
            functools.partial(ClientMiddleware, trusted=settings.trusted_proxies),
            TraceMiddleware,
            SecurityHeadersMiddleware,
            HeadMiddleware,
            ExceptionMiddleware,
            HttpRulesMiddleware,
            functools.partial(
                BodyMiddleware,
                max_bytes=settings.max_body_bytes,
                timeout_seconds=settings.body_timeout_seconds,
            ),
            functools.partial(
                AddressRateMiddleware,
                limit=by_address,
                asks_tokens=settings.auth == "jwt",
            ),
            *([_same_machine(settings)] if tokens is None and is_loopback(settings.host) else []),
            functools.partial(InFlightMiddleware, most=settings.max_requests),
            DocumentsMiddleware,
            RoutingMiddleware,
            SecurityMiddleware,
            functools.partial(SubjectRateMiddleware, limit=by_subject),
            ValidationMiddleware,
            LifespanMiddleware,
            ContextMiddleware,
            functools.partial(FlaskBridge, handlers=handlers),
        ],
    )
    for name, document in documents.items():
        app.add_api(
            document,
            resolver=handler_resolver(services, translations[name]),
            text=spec_text(name, lab=settings.lab),  # for DocumentsMiddleware
        )
    app.base_paths = [document["servers"][0]["url"] for document in documents.values()]
    app.services = services  # for the server, which warns of what this pool does not verify
    for kind in ERROR_KINDS:
        app.add_error_handler(kind, error_response)
    asyncio.run(_rehearse(app))
    return app


_rehearsing = ContextVar("rehearsing", default=False)
"""True only in `_rehearse` and what it calls: there nothing is begun that has to go on."""


async def _rehearse(app: FlaskApp) -> None:
    """
    Start and stop once: Connexion looks into the specs no earlier.

    What is wrong with them is told here, not by each worker; and the workers, forked later, share
    what has been built. A worker keeps its keys fresh; what it is forked off asks no issuer.
    """
    _rehearsing.set(True)  # in this task, which asyncio.run has made
    events = iter(["startup", "shutdown"])

    async def receive() -> Message:
        return {"type": f"lifespan.{next(events)}"}

    async def send(_: Message) -> None:
        pass

    await app({"type": "lifespan", "asgi": {"version": "3.0"}}, receive, send)
