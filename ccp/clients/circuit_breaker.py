"""Patience with a service that fails: a few times, then not for a while."""

import time
from collections.abc import Callable

MOST_FAILURES = 3
"""So many in a row, and a service is left alone."""
REST_SECONDS = 30
"""For so long; then one request tries again."""


class Breaker:
    """
    Whether a service is asked, as one worker has seen it answer.

    Args:
        monotonic: Gives seconds that only ever go forward.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._failures = 0
        self._rests_until = monotonic()

    def admits(self) -> bool:
        """Tell whether to ask; whoever is admitted after a rest begins the next one for others."""
        if self._failures < MOST_FAILURES:
            return True
        if self._monotonic() < self._rests_until:
            return False
        self._rests_until = self._monotonic() + REST_SECONDS
        return True

    def succeeded(self) -> None:
        """Note an answer."""
        self._failures = 0

    def left(self) -> None:
        """Note that nobody has waited for the answer: who tries next knows no more."""
        if self._failures >= MOST_FAILURES:
            self._rests_until = self._monotonic()

    def failed(self) -> bool:
        """Note a failure; tell whether the service is left alone from now on."""
        self._failures += 1
        self._rests_until = self._monotonic() + REST_SECONDS
        return self._failures == MOST_FAILURES
