"""What happens in this process, told to whoever counts it: by default to nobody."""


class Measures:
    """Takes notice of nothing; see `ccp.operators.metrics` for one who counts."""

    def request(self, operation: str | None, status: int | None, seconds: float) -> None:
        """
        Hear that a request is done with.

        Args:
            operation: Its operationId; None where it reached no operation.
            status: Of the answer; None where the client had gone before.
        """

    def refusal(self, reason: str) -> None:
        """Hear that a caller was told an error, by the name of its class."""

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


now = Measures()
"""Who is told; it may be another one once a worker has begun."""
