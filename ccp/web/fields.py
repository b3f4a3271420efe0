"""A JSON body against its schema: everything that is wrong with it, or a handler's arguments."""

from contextlib import suppress
from typing import Any

from connexion.json_schema import resolve_refs

from ccp.domain.errors import CcpError
from ccp.web.parameters import OPNC_NAME, Argument, argument_named
from ccp.web.spec import load_spec
from ccp.web.strict_json import JsonInvalid, parse_json
from ccp.web.violations import Schema

_OWNERS = ("emaid", "pcid")


class Body:
    """
    The checks of a body, compiled once.

    Args:
        schema: Of the body, an object; without references to other documents.
    """

    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema = Schema(schema)
        self._arguments = {
            name: argument_named(field.get(OPNC_NAME, name))
            for name, field in schema["properties"].items()
        }

    def take(self, content: bytes, arguments: dict[str, Any], found: list[str]) -> None:
        """
        Turn a body into arguments, or into violations.

        Args:
            content: JSON, in UTF-8.
            arguments: Takes those of the handler, by name. If the body does not fit its schema,
                takes only a valid EMAID and a valid PCID, for the log.
            found: Takes what is wrong.
        """
        if not content:
            found.append("The request body must not be empty.")
            return
        try:
            body = parse_json(content)
        except JsonInvalid as error:
            found.append(str(error))
            return
        wrong = self._schema.violations("body", body)
        found.extend(wrong)
        if wrong:
            self._take_owners(body, arguments)
            return
        for name, argument in self._arguments.items():
            if name in body:
                take(argument, body[name], arguments, found)

    def _take_owners(self, body: Any, arguments: dict[str, Any]) -> None:
        for name, argument in self._arguments.items():
            text = body.get(name) if isinstance(body, dict) else None
            if argument and argument.name in _OWNERS and isinstance(text, str):
                with suppress(ValueError):
                    arguments.setdefault(argument.name, argument.read(text))


def body_of(component: str, *, lab: bool) -> Body:
    """
    Give the checks of a body that a request has, to whoever has it from elsewhere.

    Args:
        component: The name of its schema in the spec.
        lab: See `spec_text`.
    """
    return Body(resolve_refs(load_spec(lab=lab))["components"]["schemas"][component])


def take(
    argument: Argument | None, value: Any, arguments: dict[str, Any], found: list[str]
) -> None:
    """Read a value, if it is wanted: of two fields for one argument the first in the spec is."""
    if argument is None or argument.name in arguments:
        return
    try:
        arguments[argument.name] = argument.read(value)
    except CcpError as error:
        found.extend(error.messages)
