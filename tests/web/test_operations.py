"""The one rule by which an operationId finds its handler, and what becomes of its result."""

import inspect
import json
import sys
from types import ModuleType

import pytest
import structlog
from connexion.exceptions import ResolverError

from ccp.auth.caller import Caller
from ccp.auth.rights import Party
from ccp.domain.errors import RoleNotAllowed
from ccp.domain.origin import Origin
from ccp.web import operations
from ccp.web.opcp import TRANSLATIONS
from ccp.web.operations import handler_resolver
from ccp.web.parameters import argument_named
from tests.builders import NOW
from tests.contract.conformance import SPECS, _resolve, operations_of

OPERATIONS = {
    operation["operationId"]: (spec, operation)
    for spec, document in SPECS.items()
    for operation in operations_of(document)
}


@pytest.fixture
def handler(monkeypatch, services):
    """Makes a handler module of a function, and gives the view that Flask would call."""

    def make(handle, caller=None, **arguments):
        context = {"arguments": arguments, "caller": caller, "party": Party(None, None)}
        monkeypatch.setattr(operations, "context", context)
        monkeypatch.setattr(operations, "RIGHTS", {"doSomethingV1": {"cpo": lambda *_: None}})
        module = ModuleType("ccp.handlers.do_something")
        if handle is not None:
            module.handle = handle
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return handler_resolver(services).resolve_function_from_operation_id("doSomethingV1")

    return make


def test_operation_id_names_the_module(handler, services):
    """`doSomethingV1` is `ccp.handlers.do_something.handle`, given the services and arguments."""
    seen = []
    view = handler(
        lambda services, **arguments: seen.append((services, arguments)) or (None, 200), emaid=1
    )
    view()
    assert seen == [(services, {"emaid": 1})]


@pytest.mark.parametrize(
    ("caller", "origin"),
    [
        (None, Origin(at=NOW, trace_id="trace")),
        (
            Caller("x", ("cpo",), ("DE8AA",)),
            Origin(at=NOW, subject="x", roles=("cpo",), ids=("DE8AA",), trace_id="trace"),
        ),
    ],
    ids=["nobody was asked", "token"],
)
def test_a_handler_that_writes_is_told_where_it_comes_from(handler, caller, origin):
    """For the audit trail: the token's subject and roles, and the trace id; others are not."""
    seen = []

    def writing(_services, *, emaid, origin):
        seen.append((emaid, origin))
        return None, 200

    with structlog.contextvars.bound_contextvars(traceId="trace"):
        handler(writing, caller, emaid=1)()
        handler(lambda _services, *, emaid: (seen.append(emaid) or None, 200), caller, emaid=2)()
    assert seen == [(1, origin), 2]


@pytest.mark.parametrize(
    ("party", "roles", "from_pool"),
    [
        (None, None, False),
        ("cpo", None, False),
        ("ccp", None, True),
        (None, ("cpo",), False),
        (None, ("ccp", "cpo"), True),
        ("ccp", ("ccp",), True),
    ],
)
def test_a_handler_that_asks_pools_is_told_whether_one_asks(handler, party, roles, from_pool):
    """By what the request says, or by the role of its token; so nothing goes round in circles."""
    caller = roles and Caller("x", roles, ())
    view = handler(lambda _services, *, from_pool: ({"from_pool": from_pool}, 200), caller)
    operations.context["party"] = Party(party, None)
    operations.RIGHTS["doSomethingV1"]["ccp"] = lambda *_: None
    assert view().json == {"from_pool": from_pool}


def test_body_is_json(handler):
    """What a handler answers is sent as UTF-8 JSON, without a charset."""
    view = handler(
        lambda _services: ({"name": "M\N{LATIN SMALL LETTER U WITH DIAERESIS}ller"}, 200)
    )
    answer = view()
    assert answer.content_type == "application/json"
    assert json.loads(answer.data) == {"name": "M\N{LATIN SMALL LETTER U WITH DIAERESIS}ller"}


def test_no_body_has_no_type(handler):
    """A status without a body has a length of zero and no Content-Type."""
    view = handler(lambda _services: (None, 201))
    answer = view()
    assert (answer.status_code, dict(answer.headers)) == (201, {"Content-Length": "0"})


def test_a_caller_needs_the_right(handler):
    """A handler runs for a caller whose role has a place in the operation's row, or not at all."""
    ran = []

    def handle(_services):
        ran.append(True)
        return None, 200

    handler(handle, Caller("a CPO", ("cpo",), ()))()
    with pytest.raises(RoleNotAllowed):
        handler(handle, Caller("a CPS", ("cps",), ()))()
    assert ran == [True]


def test_an_operation_without_rights_stops_the_start(monkeypatch, services):
    """Nobody forgets to say who may do what."""
    monkeypatch.setattr(operations, "RIGHTS", {})
    with pytest.raises(KeyError, match="getContractDataByPcidV1"):
        handler_resolver(services).resolve_function_from_operation_id("getContractDataByPcidV1")


def test_missing_module_is_told(services):
    """An operationId without a module is an error that names it."""
    with pytest.raises(ResolverError, match="flyToTheMoonV1"):
        handler_resolver(services).resolve_function_from_operation_id("flyToTheMoonV1")


def test_module_without_handle_is_told(handler):
    """A module that has no `handle` is no handler."""
    with pytest.raises(ResolverError, match="handle"):
        handler(None)


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_handler_takes_what_its_operation_gives(services, operation_id):
    """A handler takes the arguments of its operation, and needs only those that always come."""
    spec, operation = OPERATIONS[operation_id]
    always, sometimes = set(), set()
    for reference in operation["parameters"]:
        parameter = _resolve(reference, spec)
        given = parameter.get("required") or "default" in _resolve(parameter["schema"], spec)
        (always if given else sometimes).add(parameter.get("x-opnc-name", parameter["name"]))
    if "requestBody" in operation:
        body = _resolve(operation["requestBody"]["content"]["application/json"]["schema"], spec)
        names = {
            field: _resolve(schema, spec).get("x-opnc-name", field)
            for field, schema in body["properties"].items()
        }
        always |= {names[field] for field in body["required"]}
        for choice in body.get("anyOf", []):  # all of them are for one argument
            always |= {names[field] for field in choice["required"]}
        sometimes |= set(names.values()) - always
    resolver = handler_resolver(services, TRANSLATIONS)
    view = resolver.resolve_function_from_operation_id(operation_id)
    handle = inspect.getclosurevars(view).nonlocals["handle"]
    taken = dict(inspect.signature(handle).parameters)
    del taken["services"]
    for name in ("origin", "from_pool"):  # no parameters of the operation
        taken.pop(name, None)

    def arguments(names):
        return {argument.name for name in names if (argument := argument_named(name))}

    assert set(taken) == arguments(always | sometimes)
    assert {name for name, p in taken.items() if p.default is p.empty} <= arguments(always)
