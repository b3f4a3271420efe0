"""Clients as settings name them, for handlers that are called without a server."""

from collections.abc import Awaitable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ccp.clients.clients import Clients
from ccp.policy.services import Services
from ccp.trust.operator_cas import load_issuers
from ccp.web.spec import load_spec
from ccp.web.violations import conforms_to
from tests.conftest import make_settings

CONFORMS = conforms_to(load_spec(), "GetSignedContractDataResV1")


def with_clients(services: Services, folder: Path, **variables: str) -> Services:
    """The same services, with the clients and the CAs that these settings name."""
    settings = make_settings(folder, **variables)
    clients = Clients.from_settings(settings, CONFORMS)
    if settings.operator_cas:
        cas = load_issuers(Path(settings.operator_cas))
        services = replace(services, operator_cas=cas)
    return replace(services, clients=clients)


async def answered(services: Services, result: Any | Awaitable[Any]) -> Any:
    """What a handler answers, at once or later; its services' clients are to be connected."""
    return result if isinstance(result, tuple) else await result
