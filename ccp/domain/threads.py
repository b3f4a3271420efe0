"""Threads that work on what is put to them, with as little ado as Python allows."""

import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

import structlog

log = structlog.get_logger()

T = TypeVar("T")

_MOST_GATHERINGS = 3


class Crew(Generic[T]):
    """
    Threads that take what is put, in its order.

    They begin with what is put first, which has to be after a server has forked, and end when
    nobody has the crew any more. To hand a request over by `concurrent.futures` and back takes five
    times as long, which is a twentieth of the time that a read takes.

    Args:
        work: Is given what has been put; it should not know the crew, and raise nothing.
        name: Of the threads.
        threads: How many.
        gather: Waits for more when something has come, and tells whether that is all. If it is not,
            and more has come, it is asked again, but no more than three times; then *work* is given
            all there is. Without it *work* is given one thing at a time.
    Attributes:
        threads: How many.
        idle: Is set when a thread has ended its work and nothing waits for one; what is put
            clears it.
    """

    def __init__(
        self,
        work: Callable[[list[T]], None],
        *,
        name: str,
        threads: int = 1,
        gather: Callable[[], bool] | None = None,
    ) -> None:
        self.threads = threads
        self.idle = threading.Event()
        self.idle.set()
        self._queue: SimpleQueue[T | None] = SimpleQueue()
        self._go = partial(_go, self._queue, self.idle, work, gather)
        self._name = name
        self._due = threads
        self._lock = threading.Lock()
        # Not at the end of the interpreter, where somebody may yet put something.
        weakref.finalize(self, _end, self._queue, threads).atexit = False

    def put(self, item: T) -> None:
        """
        Have a thread work on something; the caller does not wait.

        Raises:
            RuntimeError: No thread can be started.
        """
        if self._due:
            self._begin()
        if self.idle.is_set():
            self.idle.clear()
        self._queue.put(item)

    def _begin(self) -> None:
        """
        Start the threads; one that cannot be started is tried again with what is put next.

        A thread object is made here and not before: from Python 3.13 on, one that was made before
        a fork cannot be started behind it.
        """
        with self._lock:
            while self._due:
                name = f"{self._name}-{self._due - 1}"
                try:
                    threading.Thread(target=self._go, name=name, daemon=True).start()
                except RuntimeError:
                    if self._due == self.threads:  # none runs
                        raise
                    return
                self._due -= 1


def _go(
    queue: SimpleQueue[T | None],
    idle: threading.Event,
    work: Callable[[list[T]], None],
    gather: Callable[[], bool] | None,
) -> None:
    goes_on = True
    while goes_on:
        if queue.empty():
            idle.set()
        goes_on = _next(queue, work, gather)


def _next(
    queue: SimpleQueue[T | None],
    work: Callable[[list[T]], None],
    gather: Callable[[], bool] | None,
) -> bool:
    """Work on what comes next; nothing of it is kept while there is nothing to do."""
    taken = [queue.get()]
    if gather is not None:
        for _ in range(_MOST_GATHERINGS):
            is_all, had = gather(), len(taken)
            with suppress(Empty):
                while True:
                    taken.append(queue.get_nowait())
            if is_all or len(taken) == had:
                break
    items = [item for item in taken if item is not None]
    try:
        if items:
            work(items)
    except BaseException:  # whoever puts something would wait for ever for a thread that has ended
        with suppress(Exception):
            log.exception("a thread goes on after an error")
    return len(items) == len(taken)


def _end(queue: SimpleQueue[T | None], threads: int) -> None:
    for _ in range(threads):
        queue.put(None)
