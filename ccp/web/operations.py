"""operationId -> handler module: the one rule by which the spec finds its code."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import flask
import orjson
from connexion.resolver import Resolver
from inflection import underscore

from ccp.services import Services


def handler_resolver(services: Services) -> Resolver:
    """
    Resolve `getContractDataByEmaidV1` to `ccp.handlers.get_contract_data_by_emaid.handle`.

    A module that is missing, or has no `handle`, stops the start.

    Args:
        services: Handed to every handler.
    """
    return Resolver(lambda operation_id: _endpoint(services, operation_id))


def _endpoint(services: Services, operation_id: str) -> Callable[..., flask.Response]:
    module = import_module(f"ccp.handlers.{underscore(operation_id.removesuffix('V1'))}")
    handle = module.handle

    # Connexion passes path parameters by name; `arguments` has them too, parsed.
    def endpoint(arguments: dict[str, Any], emaid: str = "", pcid: str = "") -> flask.Response:
        body, status = handle(services, **arguments)
        if body is None:
            answer = flask.Response(status=status)
            del answer.headers["Content-Type"]
            return answer
        return flask.Response(orjson.dumps(body), status, content_type="application/json")

    return endpoint
