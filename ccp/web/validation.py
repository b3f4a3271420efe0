"""A request against the spec: everything that is wrong told at once, or a handler's arguments."""

from typing import Any
from urllib.parse import parse_qsl

from connexion.middleware.abstract import RoutedAPI, RoutedMiddleware
from connexion.operations import AbstractOperation
from starlette.types import ASGIApp, Receive, Scope, Send

from ccp.domain.errors import RequestInvalid, UnsupportedContentEncoding, UnsupportedMediaType
from ccp.observability.owners import log_owners
from ccp.web.context import ARGUMENTS_KEY, context_of
from ccp.web.fields import Body, take
from ccp.web.parameters import OPNC_NAME, argument_named
from ccp.web.violations import Schema

_BOOLEANS = {"true": True, "false": False}


class Parameter:
    """One parameter of an operation, ready to be checked."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.name: str = spec["name"]
        self.location: str = spec["in"]
        # What stands in a template has no name that a caller knows.
        self._called: str = spec.get(OPNC_NAME, self.name)
        self.argument = argument_named(self._called)
        self._required: bool = spec.get("required", False)
        schema: dict[str, Any] = spec["schema"]
        self._default = schema.get("default")
        self._is_boolean = schema["type"] == "boolean"
        self._schema = Schema(schema)

    def check(self, values: list[str], found: list[str]) -> Any:
        """
        Turn the values that a request has for this parameter into one, or into violations.

        Args:
            values: As text; none where the parameter is not given.
            found: Takes what is wrong.
        Returns: The value, or its default; None where there is neither, or something is wrong.
        """
        if not values:
            if self._required:
                found.append(f"{self._called} : must not be null")
            return self._default
        if len(values) > 1:
            found.append(f"{self._called} : must be given only once")
            return None
        value: Any = values[0]
        if self._is_boolean:
            value = _BOOLEANS.get(value.lower(), value)
        wrong = self._schema.violations(self._called, value)
        found.extend(wrong)
        return None if wrong else value


class OperationValidation:
    """The checks of one operation, compiled when the server starts."""

    def __init__(self, next_app: ASGIApp, operation: AbstractOperation) -> None:
        self._next_app = next_app
        # Connexion lists the parameters of a path once for each of its own layers.
        specs = {(spec["in"], spec["name"]): spec for spec in operation.parameters}
        self._parameters = [Parameter(spec) for spec in specs.values()]
        self._path = self._parameters_in("path")
        self._query = self._parameters_in("query")
        self._headers = {
            name.lower().encode(): parameter
            for name, parameter in self._parameters_in("header").items()
        }
        known = ", ".join(self._query) or "none"
        self._unknown_query = f"The query may have no other parameters than: {known}."
        self._body = None
        if operation.request_body:
            self._body = Body(operation.body_schema("application/json"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is right, with the arguments for its handler."""
        found: list[str] = []
        arguments: dict[str, Any] = {}
        self._take_parameters(scope, arguments, found)
        if self._body is not None:
            _require_json(scope)
            self._body.take((await receive())["body"], arguments, found)
        log_owners(
            emaids=[arguments["emaid"]] if "emaid" in arguments else [],
            pcid=arguments.get("pcid"),
        )
        if found:
            raise RequestInvalid(found)
        context_of(scope)[ARGUMENTS_KEY] = arguments
        await self._next_app(scope, receive, send)

    def _parameters_in(self, location: str) -> dict[str, Parameter]:
        return {p.name: p for p in self._parameters if p.location == location}

    def _take_parameters(self, scope: Scope, arguments: dict[str, Any], found: list[str]) -> None:
        given: dict[Parameter, list[str]] = {parameter: [] for parameter in self._parameters}
        for name, text in scope["path_params"].items():
            given[self._path[name]].append(text)
        for name, text in parse_qsl(scope["query_string"].decode("latin1"), keep_blank_values=True):
            if name in self._query:
                given[self._query[name]].append(text)
            else:
                found.append(self._unknown_query)
        for header, content in scope["headers"]:
            if header in self._headers:
                given[self._headers[header]].append(content.decode("latin1"))
        for parameter, values in given.items():
            value = parameter.check(values, found)
            if value is not None:
                take(parameter.argument, value, arguments, found)


class ContractAPI(RoutedAPI[OperationValidation]):
    """The checks of all operations of a spec."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.add_paths()

    def make_operation(self, operation: AbstractOperation) -> OperationValidation:
        """Compile the checks of one operation."""
        return OperationValidation(self.next_app, operation)


class ValidationMiddleware(RoutedMiddleware[ContractAPI]):
    """Takes the place of Connexion's own validation, which stops at the first violation."""

    api_cls = ContractAPI


def _require_json(scope: Scope) -> None:
    """Accept application/json in any case and with any parameter: JSON is always UTF-8."""
    headers = scope["headers"]
    encodings = [
        content.strip().lower() for name, content in headers if name == b"content-encoding"
    ]
    if not {b"", b"identity"}.issuperset(encodings):
        raise UnsupportedContentEncoding
    types = [content for name, content in headers if name == b"content-type"]
    if len(types) != 1 or types[0].split(b";")[0].strip().lower() != b"application/json":
        raise UnsupportedMediaType
