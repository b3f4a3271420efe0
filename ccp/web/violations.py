"""What a value breaks of its schema, in the words of the published contract."""

from collections.abc import Callable, Iterator
from typing import Any

from jsonschema_rs import Draft4Validator, ValidationError

from ccp.domain.errors import SessionIdInvalid

# Published wording that says more than the pattern does.
_KNOWN_TEXTS = {"sessionID": SessionIdInvalid.message}


class Schema:
    """
    A schema of OpenAPI 3.0, compiled: its patterns are read as ECMA defines them.

    Args:
        schema: Without references to other documents.
    """

    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema = schema
        self._validator = Draft4Validator(schema, validate_formats=False)

    def violations(self, name: str, value: object) -> list[str]:
        """
        Say all that is wrong with a value; nothing of the value itself is repeated.

        Args:
            name: The parameter's name, or "body"; fields of a body are named by themselves.
            value: Parsed JSON, or a parameter's text.
        Returns: Nothing where all is right.
        """
        if self._validator.is_valid(value):  # much faster than to look for what is wrong
            return []
        return [
            text for error in self._validator.iter_errors(value) for text in self._told(error, name)
        ]

    def _told(self, error: ValidationError, name: str) -> Iterator[str]:
        path = ".".join(map(str, error.instance_path)) or name
        kind: Any = error.kind
        match kind.name:
            case "required":
                yield f"{kind.property} : must not be null"
            case "anyOf":  # a caller is told of the first way to do it right
                for of_first in kind.context[0]:
                    yield from self._told(of_first, name)
            case _:
                yield _KNOWN_TEXTS.get(path) or f"{path} : {self._reason(error)}"

    def _reason(self, error: ValidationError) -> str:
        kind: Any = error.kind
        match kind.name:
            case "pattern":
                return f'must match "{kind.pattern}"'
            case "minLength" | "maxLength":
                schema: Any = self._schema
                for step in error.schema_path[:-1]:
                    schema = schema[step]
                least, most = schema.get("minLength", 0), schema.get("maxLength", "any")
                return f"size must be between {least} and {most}"
            case "enum":
                return f"must be one of {', '.join(map(str, kind.options))}"
            case "type" if kind.types == ["boolean"]:
                return "must be true or false"
            case "type":
                return f"must be of type {' or '.join(kind.types)}"
            case "minProperties":
                return f"must have at least {kind.limit} fields"
        return "is invalid"


def conforms_to(document: dict[str, Any], component: str) -> Callable[[Any], bool]:
    """
    Give the question whether JSON, parsed, is what a schema of the spec describes.

    Args:
        document: The spec.
        component: The schema's name.
    """
    validator = Draft4Validator(
        {"$ref": f"#/components/schemas/{component}", "components": document["components"]},
        validate_formats=False,
    )
    return lambda value: bool(validator.is_valid(value))
