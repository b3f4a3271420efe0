"""Between a spec and the handlers: what one of its operations is to them."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ccp.domain.errors import CcpError

Body = dict[str, Any] | None
Answer = tuple[Body, int]


def _same(value: Any) -> Any:
    return value


class Translation(NamedTuple):
    """
    An operation in the words of the OPNC spec, which the handlers are written for.

    Attributes:
        served_by: operationId of the OPNC operation whose handler and rights serve it.
        arguments: Turns what a request says into the arguments of that handler.
        body: Turns the body of its answer, and what an error brings along, into what is sent.
        instead_of_errors: What is sent with 200 in place of an error of these kinds.
    """

    served_by: str
    arguments: Callable[[Mapping[str, Any]], Mapping[str, Any]] = _same
    body: Callable[[Any], Body] = _same
    instead_of_errors: Mapping[type[CcpError], Body] = MappingProxyType({})

    def answer(self, body: Body, status: int) -> Answer:
        """Translate what the handler answers."""
        return self.body(body), status

    def error(self, error: CcpError) -> Answer:
        """Translate what the handler raises: into an answer, or into an error that is raised."""
        if type(error) in self.instead_of_errors:
            return self.instead_of_errors[type(error)], 200
        if error.body:
            error.body = self.body(error.body) or {}
        raise error
