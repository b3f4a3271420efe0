"""Stops under load: a pool that ends, or replaces its workers, while many clients call it."""

import signal
from pathlib import Path

from tests.proof.callers import ANSWERED, REFUSED, TURNED_AWAY, calling
from tests.running import Server, serving, wait_until
from tests.waiting import NEVER

CALLERS = 16
WORKERS = 2
# Idle connections have 3 seconds; if a pool waited longer for them, it would not end in time.
_ARGUMENTS = ("--graceful-timeout", str(NEVER), "--keep-alive", str(NEVER), "wsgi:app")
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
            serving(folder, *_ARGUMENTS, workers=WORKERS) as pool,
            calling(pool.port, CALLERS) as callers,
        ):
            _wait_until_busy(callers.met)
            before = callers.met[ANSWERED]
            assert pool.end() == 0
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
