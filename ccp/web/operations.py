"""operationId -> handler module: the one rule by which a spec finds its code."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from importlib import import_module
from typing import Any

import flask
import orjson
from connexion.context import context
from connexion.resolver import Resolver
from inflection import underscore

from ccp.auth.caller import POOL, Caller
from ccp.auth.rights import RIGHTS, authorize
from ccp.domain.errors import CcpError
from ccp.domain.origin import Origin
from ccp.policy.services import Services
from ccp.web.bridge import View
from ccp.web.context import ARGUMENTS_KEY, CALLER_KEY, PARTY_KEY
from ccp.web.trace import current_trace_id
from ccp.web.translation import Answer, Translation


def handler_resolver(
    services: Services, translations: Mapping[str, Translation] | None = None
) -> Resolver:
    """
    Resolve `getContractDataByEmaidV1` to `ccp.handlers.get_contract_data_by_emaid.handle`.

    A module that is missing, or has no `handle`, stops the start; so does an operation without
    a row in the table of rights. A handler that writes takes the `origin` of what it writes; one
    that asks other pools takes `from_pool`, whether it is a pool that asks. One that has to wait
    for others returns an awaitable, so that it keeps no thread from anybody.

    Args:
        services: Handed to every handler.
        translations: By operationId, for a spec whose operations are served by those of ours.
    """
    known = translations or {}

    def resolve(operation_id: str) -> View:
        return _view(services, known.get(operation_id) or Translation(operation_id))

    return Resolver(resolve)


def _view(services: Services, translation: Translation) -> View:
    operation_id = translation.served_by
    module = import_module(f"ccp.handlers.{underscore(operation_id.removesuffix('V1'))}")
    handle = module.handle
    rights = RIGHTS[operation_id]
    taken = inspect.signature(handle).parameters
    besides = {name: make for name, make in _BESIDES.items() if name in taken}

    def view() -> flask.Response | Awaitable[flask.Response]:
        caller = context[CALLER_KEY]
        arguments = translation.arguments(context[ARGUMENTS_KEY])
        if caller is not None:
            authorize(caller, context[PARTY_KEY], rights, arguments)
        added = {name: make(services, caller) for name, make in besides.items()}
        try:
            result = handle(services, **arguments, **added)
        except CcpError as error:
            return _response(*translation.error(error))
        if isinstance(result, tuple):
            return _response(*translation.answer(*result))
        return _await(result, translation)

    return view


async def _await(result: Awaitable[Answer], translation: Translation) -> flask.Response:
    try:
        body, status = await result
    except CcpError as error:
        return _response(*translation.error(error))
    return _response(*translation.answer(body, status))


def _response(body: dict[str, Any] | None, status: int) -> flask.Response:
    if body is None:
        return _empty(status)
    return flask.Response(orjson.dumps(body), status, content_type="application/json")


@cache
def _empty(status: int) -> flask.Response:
    """An answer without a body, which is the same each time; nobody changes it."""
    answer = flask.Response(b"", status)
    del answer.headers["Content-Type"]
    return answer


def _origin(services: Services, caller: Caller | None) -> Origin:
    """Say in the audit trail who it was, as far as anybody was asked."""
    at, trace_id = services.clock(), current_trace_id()
    if caller is None:
        return Origin(at=at, trace_id=trace_id)
    return Origin(
        at=at, subject=caller.subject, roles=caller.roles, ids=caller.ids, trace_id=trace_id
    )


def _from_pool(_services: Services, caller: Caller | None) -> bool:
    """Tell whether another pool asks: it says so, or it comes with a pool's token."""
    return context[PARTY_KEY].type == POOL or (caller is not None and POOL in caller.roles)


# What handlers are given besides the operation's arguments, where they take it.
_BESIDES: Mapping[str, Callable[[Services, Caller | None], object]] = {
    "origin": _origin,
    "from_pool": _from_pool,
}
