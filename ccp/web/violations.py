"""What a value breaks of its schema, in the words of the published contract."""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from jsonschema import Draft4Validator, ValidationError
from jsonschema.validators import extend

from ccp.errors import SessionIdInvalid

# Published wording that says more than the pattern does.
_KNOWN_TEXTS = {"sessionID": SessionIdInvalid.message}


@lru_cache
def _ecma(pattern: str) -> re.Pattern[str]:
    """Compile an ECMA pattern: \\w and \\d are ASCII, a final $ is the very end of the text."""
    return re.compile(re.sub(r"(?<!\\)\$\Z", r"\\Z", pattern), re.ASCII)


def _pattern(
    validator: Any, pattern: str, instance: Any, _schema: object
) -> Iterator[ValidationError]:
    if validator.is_type(instance, "string") and not _ecma(pattern).search(instance):
        yield ValidationError(f"does not match {pattern}")


SchemaValidator = extend(Draft4Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]
"""OpenAPI 3.0's dialect of JSON Schema, with patterns read as ECMA defines them."""


def conforms_to(document: dict[str, Any], component: str) -> Callable[[Any], bool]:
    """
    Give the question whether JSON, parsed, is what a schema of the spec describes.

    Args:
        document: The spec.
        component: The schema's name.
    """
    validator = SchemaValidator(
        {"$ref": f"#/components/schemas/{component}", "components": document["components"]}
    )
    return lambda value: bool(validator.is_valid(value))


def violations(validator: Any, name: str, value: object) -> Iterator[str]:
    """
    Say all that is wrong with a value; nothing of the value itself is repeated.

    Args:
        validator: A SchemaValidator of the value's schema.
        name: The parameter's name, or "body"; fields of a body are named by themselves.
        value: Parsed JSON, or a parameter's text.
    """
    for error in validator.iter_errors(value):
        yield from _told(error, name)


def _told(error: ValidationError, name: str) -> Iterator[str]:
    path = ".".join(str(step) for step in error.absolute_path) or name
    wanted: Any = error.validator_value
    given: Any = error.instance
    match error.validator:
        case "required":
            for missing in wanted:
                if missing not in given:
                    yield f"{missing} : must not be null"
        case "anyOf":  # a caller is told of the first way to do it right
            for of_one in error.context or ():
                if of_one.relative_schema_path[0] == 0:
                    yield from _told(of_one, name)
        case _:
            yield _KNOWN_TEXTS.get(path) or f"{path} : {_reason(error)}"


def _reason(error: ValidationError) -> str:
    wanted: Any = error.validator_value
    match error.validator:
        case "pattern":
            return f'must match "{wanted}"'
        case "minLength" | "maxLength":
            schema: Any = error.schema
            least, most = schema.get("minLength", 0), schema.get("maxLength", "any")
            return f"size must be between {least} and {most}"
        case "enum":
            return f"must be one of {', '.join(map(str, wanted))}"
        case "type" if wanted == "boolean":
            return "must be true or false"
        case "type":
            return f"must be of type {wanted}"
        case "minProperties":
            return f"must have at least {wanted} fields"
    return "is invalid"
