"""What happens in this process, told to whoever counts it: by default to nobody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """
    An error that a caller was told; no more of it than the log has.

    Attributes:
        reason: The name of its class; that of InternalError for whatever was not foreseen.
        operation: The operationId; None where the request had not come so far.
        status: Of the answer.
        messages: As they were told.
        caller: What the log line of the request says of who asked, and whose contract or car it
            is about, under the same names: texts, or lists of texts.
        trace_id: Of the request.
    """

    reason: str
    operation: str | None
    status: int
    messages: Sequence[str]
    caller: Mapping[str, str | Sequence[str]]
    trace_id: str


class Measures:
    """Takes notice of nothing; see `ccp.operations.metrics` for one who counts."""

    def request(self, operation: str | None, status: int | None, seconds: float) -> None:
        """
        Hear that a request is done with.

        Args:
            operation: Its operationId; None where it reached no operation.
            status: Of the answer; None where the client had gone before.
        """

    def refusal(self, refusal: Refusal) -> None:
        """Hear that a caller was told an error; it comes before the end of its request."""

    def car(self, namespace: str, response_code: str) -> None:
        """Hear which ResponseCode of ISO 15118 a car's request has come to."""

    def decoded(self, message: str, seconds: float) -> None:
        """
        Hear how long the decoding of an EXI message has taken, or has failed after.

        Args:
            message: Which one it should be.
        """

    def call(self, service: str, host: str, outcome: str, seconds: float) -> None:
        """
        Hear that another service was asked.

        Args:
            service: `peer`, `revocation` or `root pool`.
            host: Of its base URL.
            outcome: Of a peer `answered`, `nothing` (it knows no contract), `unfit` (not passed
                on), `overtaken` (another was faster) or `failed`; of the revocation service, for
                each attempt, `revoked`, `refused` or `failed`; of the root pool `answered` or
                `failed`.
        """


class Several(Measures):
    """Tells several others what it hears."""

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
"""Who is told; it may be another one once a worker has begun."""
