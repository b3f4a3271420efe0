"""What one layer tells another about a request: the keys of Connexion's context, and readers."""

from typing import Any

from connexion.middleware.abstract import ROUTING_CONTEXT
from starlette.types import Scope

from ccp.auth.caller import Caller

CALLER_KEY = "caller"
"""The Caller; None if the pool asks nobody for a token, or nobody has been asked yet."""
PARTY_KEY = "party"
"""The Party that the request says it comes from."""
ARGUMENTS_KEY = "arguments"
"""What its handler is given."""
LOG_KEY = "log"
"""What the log line of the request says besides."""


def context_of(scope: Scope) -> dict[str, Any]:
    """Return the context of a request: the one that Connexion's security and handlers see."""
    extensions = scope.setdefault("extensions", {})
    context: dict[str, Any] = extensions.setdefault("connexion_context", {})
    return context


def caller_of(scope: Scope) -> Caller | None:
    """Return who sends a request, where a token was asked for and is valid."""
    caller: Caller | None = context_of(scope).get(CALLER_KEY)
    return caller


def log_of(scope: Scope) -> dict[str, Any]:
    """Return what the log line of a request is to say; whoever knows more adds to it."""
    line: dict[str, Any] = context_of(scope).setdefault(LOG_KEY, {})
    return line


def operation_of(scope: Scope) -> str | None:
    """Return the operationId that a request has been found to be; None where it has not yet."""
    operation: str | None = (
        scope.setdefault("extensions", {}).get(ROUTING_CONTEXT, {}).get("operation_id")
    )
    return operation
