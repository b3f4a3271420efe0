"""
Every difference between a published contract and ours, as facts.

`python -m tests.contract.differences` prints the differences that spec/DEVIATIONS.md does not
state, and the rows there that state none.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).parents[2]
DEVIATIONS = ROOT / "spec" / "DEVIATIONS.md"
PUBLISHED = Path(__file__).parent / "published"
NAMES = ("opnc-ccp", "opcp-ccp")

_METHODS = ("get", "put", "post", "delete")
_FOR_PEOPLE = {"description", "example", "examples", "summary", "title", "x-opnc-name", "nullable"}
ABSENT = "—"
_ANY = "…"
# OpenAPI allows no two paths that differ in a name alone; the URLs are the same.
_PATHS = {"opcp-ccp": {"/v1/ccp/signedContractData/{pcid}": "/v1/ccp/signedContractData/{id}"}}
_PATHS["opcp-ccp"]["/v1/ccp/signedContractData/{emaid}"] = "/v1/ccp/signedContractData/{id}"

Facts = dict[str, str]
"""What an operation says, by place: `400 body: traceId required` -> `yes`."""


class Difference(NamedTuple):
    """
    One fact that the two contracts have differently.

    Attributes:
        operation: As `PUT /signedcontractdata`.
        place: Where in the operation, as `request: emaid: pattern`.
        published, ours: What stands there, or ABSENT.
    """

    operation: str
    place: str
    published: str
    ours: str


class Row(NamedTuple):
    """
    A row of DEVIATIONS.md. In its first two cells `*` stands for any text, in the next two `…`.

    Attributes:
        operations, places: Several of them, each matched alone.
    """

    operations: tuple[str, ...]
    places: tuple[str, ...]
    published: str
    ours: str
    reason: str

    def states(self, difference: Difference) -> bool:
        """Return whether this row is about a difference, with its values."""
        return (
            any(_matches(one, difference.operation) for one in self.operations)
            and any(_matches(one, difference.place) for one in self.places)
            and self.published in (difference.published, _ANY)
            and self.ours in (difference.ours, _ANY)
        )


def differences(name: str) -> list[Difference]:
    """Return all differences of a contract, operation by operation."""
    published, ours = operations_of(name, PUBLISHED), operations_of(name, ROOT / "spec")
    found = []
    for operation in [*published, *(one for one in ours if one not in published)]:
        there, here = published.get(operation, {}), ours.get(operation, {})
        if not there or not here:
            values = (ABSENT, "an operation") if here else ("an operation", ABSENT)
            found.append(Difference(operation, "the operation itself", *values))
            continue
        for place in sorted(there.keys() | here.keys()):
            values = there.get(place, ABSENT), here.get(place, ABSENT)
            if values[0] != values[1] and not _follows(place, there, here):
                found.append(Difference(operation, place, *values))
    return found


def _follows(place: str, there: Facts, here: Facts) -> bool:
    """Return whether one of the two lacks the whole thing that this fact is about."""
    thing = place
    while ": " in thing or " " in thing:
        thing = thing.rpartition(": " if ": " in thing else " ")[0]
        if (thing in there) != (thing in here):
            return True
    return False


def operations_of(name: str, folder: Path) -> dict[str, Facts]:
    """Return the facts of each operation of a contract, by method and path."""
    document = yaml.safe_load((folder / f"{name}.yaml").read_text(encoding="utf-8"))
    base = document["servers"][0]["url"] if name == "opcp-ccp" and "servers" in document else ""
    found = {}
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                path_there = _PATHS.get(name, {}).get(base + path, base + path)
                parameters = item.get("parameters", []) + item[method].get("parameters", [])
                operation = {**item[method], "parameters": parameters}
                facts = dict(_operation(operation, document))
                found[f"{method.upper()} {path_there}"] = facts
    return found


def _operation(operation: dict[str, Any], document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    schemes = [name for one in operation.get("security", []) for name in one]
    yield "security", " or ".join(schemes) or ABSENT
    for parameter in operation["parameters"]:
        parameter = _resolved(parameter, document)
        called = parameter.get("x-opnc-name", parameter["name"])
        place = f"{parameter['in']} {called}"
        yield place, "a parameter"
        for key in ("required", "allowEmptyValue"):
            yield f"{place}: {key}", _text(parameter.get(key, False))
        yield from _schema(parameter["schema"], document, f"{place}:")
    if "requestBody" in operation:
        body = operation["requestBody"]
        yield "request", "a body"
        yield "request: required", _text(body.get("required", False))
        yield from _schema(body["content"]["application/json"]["schema"], document, "request:")
    for status, answer in operation["responses"].items():
        answer = _resolved(answer, document)
        yield status, "an answer"
        for header in answer.get("headers", {}):
            yield f"{status} header {header}", "a header"
        if "content" in answer:
            yield f"{status} body", "a body"
            schema = answer["content"]["application/json"]["schema"]
            yield from _schema(schema, document, f"{status} body:")


def _schema(
    schema: dict[str, Any], document: dict[str, Any], place: str
) -> Iterator[tuple[str, str]]:
    schema = _resolved(schema, document)
    for key, value in schema.items():
        match key:
            case "properties":
                required = schema.get("required", [])
                for name, field in value.items():
                    called = f"{place} {name}"
                    yield called, "a field"
                    yield f"{called}: required", _text(name in required)
                    yield from _schema(field, document, f"{called}:")
            case "items":
                yield from _schema(value, document, f"{place} each:")
            case "required":
                pass
            case "anyOf" | "oneOf":
                for number, one in enumerate(value, start=1):
                    yield from _schema(one, document, f"{place} {key} {number}:")
            case _ if key not in _FOR_PEOPLE:
                yield f"{place} {key}", _text(value)


def _resolved(node: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """Follow references, and merge the parts of an allOf."""
    if "$ref" in node:
        target: Any = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        return _resolved(target, document)
    if "allOf" in node:
        merged = {key: value for key, value in node.items() if key != "allOf"}
        for part in node["allOf"]:
            merged = {**_resolved(part, document), **merged}
        return merged
    return node


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(_text, value)) if isinstance(value, list) else str(value)


def rows(name: str) -> list[Row]:
    """Return the rows that DEVIATIONS.md has for a contract."""
    text = DEVIATIONS.read_text(encoding="utf-8")
    _, _, rest = text.partition(f"<!-- differences of {name} -->")
    found = []
    for line in rest.partition("<!-- end -->")[0].splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 5 and cells[0].startswith("`"):
            operations, places, published, ours, reason = cells
            row = Row(_items(operations), _items(places), _value(published), _value(ours), reason)
            found.append(row)
    return found


def unstated(name: str) -> list[Difference]:
    """Return the differences that no row of DEVIATIONS.md states."""
    known = rows(name)
    return [one for one in differences(name) if not any(row.states(one) for row in known)]


def stale(name: str) -> list[tuple[Row, str]]:
    """Return the operations and places in rows of DEVIATIONS.md that state no difference."""
    found = differences(name)
    return [
        (row, item)
        for row in rows(name)
        for items in ("operations", "places")
        for item in getattr(row, items)
        if not any(row._replace(**{items: (item,)}).states(one) for one in found)
    ]


def _items(cell: str) -> tuple[str, ...]:
    return tuple(re.findall("`([^`]*)`", cell))


def _value(cell: str) -> str:
    return cell.strip("`").replace("\\|", "|")


def _matches(pattern: str, text: str) -> bool:
    return bool(re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text))


def main() -> None:
    """Print the differences that DEVIATIONS.md lacks, and its rows without a difference."""
    for name in NAMES:
        for one in unstated(name):
            print(f"{name}: not stated:", " | ".join(one))
        for row, item in stale(name):
            print(f"{name}: no difference: {item} of {row}")


if __name__ == "__main__":
    main()
