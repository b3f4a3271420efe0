"""operationId -> handler module: the one rule by which the spec finds its code."""

import inspect
from collections.abc import Callable
from importlib import import_module

import flask
import orjson
from connexion.context import context
from connexion.resolver import Resolver
from inflection import underscore

from ccp.auth.caller import Caller
from ccp.auth.rights import RIGHTS, authorize
from ccp.origin import Origin
from ccp.services import Services
from ccp.web.context import ARGUMENTS_KEY, CALLER_KEY, PARTY_KEY
from ccp.web.trace import current_trace_id


def handler_resolver(services: Services) -> Resolver:
    """
    Resolve `getContractDataByEmaidV1` to `ccp.handlers.get_contract_data_by_emaid.handle`.

    A module that is missing, or has no `handle`, stops the start; so does an operation without
    a row in the table of rights. A handler that writes takes the `origin` of what it writes.

    Args:
        services: Handed to every handler.
    """
    return Resolver(lambda operation_id: _view(services, operation_id))


def _view(services: Services, operation_id: str) -> Callable[..., flask.Response]:
    module = import_module(f"ccp.handlers.{underscore(operation_id.removesuffix('V1'))}")
    handle = module.handle
    rights = RIGHTS[operation_id]
    writes = "origin" in inspect.signature(handle).parameters

    # Flask passes path parameters as text; the arguments have them too, parsed.
    def view(**_path_parameters: str) -> flask.Response:
        caller = context[CALLER_KEY]
        if caller is not None:
            authorize(caller, context[PARTY_KEY], rights, context[ARGUMENTS_KEY])
        arguments = context[ARGUMENTS_KEY]
        if writes:
            arguments = {**arguments, "origin": _origin(services, caller)}
        body, status = handle(services, **arguments)
        if body is None:
            answer = flask.Response(b"", status)
            del answer.headers["Content-Type"]
            return answer
        return flask.Response(orjson.dumps(body), status, content_type="application/json")

    return view


def _origin(services: Services, caller: Caller | None) -> Origin:
    """Say in the audit trail who it was, as far as anybody was asked."""
    at, trace_id = services.clock(), current_trace_id()
    if caller is None:
        return Origin(at=at, trace_id=trace_id)
    return Origin(
        at=at, subject=caller.subject, roles=caller.roles, ids=caller.ids, trace_id=trace_id
    )
