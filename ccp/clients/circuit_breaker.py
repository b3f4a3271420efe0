"""Circuit breaker: stop sending requests to a service that keeps failing, and try again later."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import structlog
from circuitbreaker import STATE_HALF_OPEN, STATE_OPEN, CircuitBreaker

from ccp.clients.http import RequestFailed

log = structlog.get_logger()

MAX_FAILURES = 3
"""The circuit opens after this number of consecutive failures."""
PAUSE_SECONDS = 30
"""An open circuit lets one trial request through after this time."""


class RequestNotSent(RequestFailed):
    """The request was not sent, because the service has failed or been slow before."""


class Breaker:
    """
    Circuit breaker for one service, as seen by one worker.

    The package `circuitbreaker` counts the failures and times the pause. This class adds two rules:
    after the pause there is one trial request at a time, and a cancelled request counts neither as
    a success nor as a failure.

    Args:
        service: The name in the log.
    """

    def __init__(self, service: str) -> None:
        self._service = service
        self._circuit = CircuitBreaker(MAX_FAILURES, PAUSE_SECONDS)
        self._is_on_trial = False

    @contextmanager
    def guard(self, failures: type[Exception] = Exception) -> Iterator[None]:
        """
        Send a request in the block, and record its result.

        Args:
            failures: Exceptions that count as a failure of the service. Other exceptions count
                neither as a success nor as a failure.
        Raises:
            RequestNotSent: The circuit is open, or another request is the trial.
        """
        state = self._circuit.state
        is_trial = state == STATE_HALF_OPEN
        if state == STATE_OPEN or (is_trial and self._is_on_trial):
            raise RequestNotSent("not asked, after repeated failures")
        if is_trial:
            self._is_on_trial = True
        try:
            yield
        except failures as error:
            self._record_failure(error)
            raise
        else:
            self._circuit.reset()
        finally:
            if is_trial:
                self._is_on_trial = False

    def _record_failure(self, error: Exception) -> None:
        with suppress(type(error)), self._circuit:
            raise error  # the circuit counts exceptions that leave its block
        if self._circuit.failure_count == MAX_FAILURES:
            log.warning(
                "circuit breaker opened",
                service=self._service,
                error=str(error) or type(error).__name__,
            )
