"""Stops under load: a pool that ends, or replaces its workers, while many clients call it."""

import signal
import time
from pathlib import Path

from tests.proof.callers import ANSWERED, REFUSED, TURNED_AWAY, calling
from tests.running import Server, serving, wait_until

CALLERS = 16
WORKERS = 2
_MOST_SECONDS = 10
"""How long it may take to end: idle connections have 3 seconds."""
_MOST_TURNED_AWAY = 2


def end_under_load(folder: Path, times: int) -> int:
    """
    Start a pool and have it end (SIGTERM) under load, over and over.

    Each request that it has taken is answered; its log tells how many it has taken.

    Returns: How many requests were answered after it had been told to end.
    """
    answered = 0
    for _ in range(times):
        with (
            serving(folder, workers=WORKERS) as pool,
            calling(pool.port, CALLERS) as callers,
        ):
            _wait_until_busy(callers.met)
            before = callers.met[ANSWERED]
            begun = time.monotonic()
            assert pool.end() == 0
            assert time.monotonic() - begun < _MOST_SECONDS
            wait_until(lambda callers=callers: callers.met[REFUSED] == CALLERS)
        assert set(callers.met) - {TURNED_AWAY} == {ANSWERED, REFUSED}, callers.met
        # The kernel has a place for one between the last look at its queue and the end of that.
        assert callers.met[TURNED_AWAY] <= _MOST_TURNED_AWAY, callers.met
        assert pool.log.count("operation=") == callers.met[ANSWERED]
        answered += callers.met[ANSWERED] - before
    return answered


def reload_under_load(folder: Path, times: int) -> int:
    """
    Have a pool replace its workers (SIGHUP) under load, over and over.

    Returns: How many requests were answered meanwhile.
    """
    with serving(folder, workers=WORKERS) as pool, calling(pool.port, CALLERS) as callers:
        _wait_until_busy(callers.met)
        before = callers.met[ANSWERED]
        for _ in range(times):
            _reload(pool)
        callers.end()
    assert set(callers.met) == {ANSWERED}, callers.met
    return callers.met[ANSWERED] - before


def _reload(pool: Server) -> None:
    before = pool.workers
    pool.process.send_signal(signal.SIGHUP)
    wait_until(lambda: len(pool.workers) == WORKERS and not pool.workers & before)


def _wait_until_busy(met: dict[str, int]) -> None:
    wait_until(lambda: met[ANSWERED] >= 10 * CALLERS)
