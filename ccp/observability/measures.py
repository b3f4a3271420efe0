"""Metric hooks. The default implementation does nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """
    An error response, with no more than the log line of it has.

    Attributes:
        reason: Name of the error's class; `InternalError` for an unforeseen exception.
        operation: The operationId; None if the request was refused before it was routed.
        status: HTTP status of the response.
        messages: Its errorMessages.
        caller: The fields of the request's log line that say who called, and which provider id or
            WMI the request is about.
        trace_id: Trace id of the request.
    """

    reason: str
    operation: str | None
    status: int
    messages: Sequence[str]
    caller: Mapping[str, str | Sequence[str]]
    trace_id: str


class Measures:
    """Hooks that do nothing; `ccp.operations.metrics` has the ones that count."""

    def request(self, operation: str | None, status: int | None, seconds: float) -> None:
        """
        Record the end of a request.

        Args:
            operation: The operationId; None if the request reached no operation.
            status: HTTP status; None if the client had disconnected before.
        """

    def refusal(self, refusal: Refusal) -> None:
        """Record an error response; called before `request`."""

    def car(self, namespace: str, response_code: str) -> None:
        """Record the ISO 15118 ResponseCode of the answer to a car."""

    def decoded(self, message: str, seconds: float) -> None:
        """
        Record the time to decode an EXI message, or to fail at it.

        Args:
            message: Name of the expected message.
        """

    def call(self, service: str, host: str, outcome: str, seconds: float) -> None:
        """
        Record a request to another service.

        Args:
            service: `peer`, `revocation` or `root pool`.
            host: Host of its base URL.
            outcome: For a peer pool `answered`, `nothing` (it has no contract), `unfit` (not passed
                on), `overtaken` (another pool was faster) or `failed`. For each attempt at the
                revocation service `revoked`, `refused` or `failed`. For the root pool `answered`
                or `failed`.
        """


class Several(Measures):
    """Forwards each call to several other hooks."""

    def __init__(self, *others: Measures) -> None:
        self._others = others

    def request(self, operation: str | None, status: int | None, seconds: float) -> None:
        for other in self._others:
            other.request(operation, status, seconds)

    def refusal(self, refusal: Refusal) -> None:
        for other in self._others:
            other.refusal(refusal)

    def car(self, namespace: str, response_code: str) -> None:
        for other in self._others:
            other.car(namespace, response_code)

    def decoded(self, message: str, seconds: float) -> None:
        for other in self._others:
            other.decoded(message, seconds)

    def call(self, service: str, host: str, outcome: str, seconds: float) -> None:
        for other in self._others:
            other.call(service, host, outcome, seconds)


now = Measures()
"""The hooks in use; a worker replaces them when it starts."""
