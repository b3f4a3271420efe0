"""Functions that an event loop has called by threads: what one turn of it asks for, together."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar, cast

from ccp.domain.threads import Crew

_UNTOLD_SECONDS = 0.005

T = TypeVar("T")


class _Outcome(NamedTuple):
    """Of a call; a future takes no StopIteration, so what is raised is a value here."""

    result: Any
    raised: BaseException | None


class _Call(NamedTuple):
    """A function, and who waits for what comes of it."""

    function: Callable[[], object]
    told: "asyncio.Future[_Outcome]"


class _Turn(NamedTuple):
    """What one turn of a loop has asked for, and no thread has taken yet."""

    loop: asyncio.AbstractEventLoop
    calls: deque[_Call]


class Calls:
    """
    Has functions called by threads, for the coroutines of an event loop.

    A thread that is given one call and tells one result at a time shares the interpreter with the
    loop all the while: each takes it from the other at every request, and finds the processor's
    caches cold. So what one turn of the loop asks for is given away when all of it has asked, and
    told together; a result waits for others no longer than 5 ms and a call.

    Args:
        name: Of the threads.
        threads: How many; they share what a turn asks for.
    Attributes:
        idle: Is set when a thread has ended its work and nothing waits for one.
    """

    def __init__(self, *, name: str, threads: int = 1) -> None:
        self._crew = Crew(_make, name=name, threads=threads)
        self._turn: _Turn | None = None
        self.idle = self._crew.idle

    async def make(self, function: Callable[[], T]) -> T:
        """
        Call a function in a thread; it is not called if nobody waits for it any more.

        Returns: What it returns.
        Raises:
            BaseException: What it raises.
            RuntimeError: No thread can be started.
        """
        loop = asyncio.get_running_loop()
        turn = self._turn
        if turn is None or turn.loop is not loop:  # a loop that has ended may have left one
            turn = _Turn(loop, deque())
            loop.call_soon(self._give, turn)
            self._turn = turn
        told: asyncio.Future[_Outcome] = loop.create_future()
        turn.calls.append(_Call(function, told))
        result, raised = await told
        if raised is not None:
            raise raised
        return cast(T, result)

    def _give(self, turn: _Turn) -> None:
        self._turn = None
        try:  # each thread is given all of it: whichever is free takes the next call
            for _ in range(min(self._crew.threads, len(turn.calls))):
                self._crew.put(turn)
        except Exception as error:
            _tell(_failed(turn, error))


def _make(turns: list[_Turn]) -> None:
    for turn in turns:
        outcomes: list[tuple[_Call, _Outcome]] = []
        since = time.monotonic()
        try:
            for call in _taken(turn):
                if not call.told.cancelled():
                    outcomes.append((call, _made(call.function)))
                if time.monotonic() - since > _UNTOLD_SECONDS:
                    _tell_soon(turn.loop, outcomes)
                    outcomes, since = [], time.monotonic()
        except BaseException as error:  # no memory: whoever is told nothing would wait for ever
            outcomes += _failed(turn, error)
            raise
        finally:
            _tell_soon(turn.loop, outcomes)


def _taken(turn: _Turn) -> Iterator[_Call]:
    """Take one call after the other, of which other threads take some too."""
    with suppress(IndexError):
        while True:
            yield turn.calls.popleft()


def _failed(turn: _Turn, error: BaseException) -> list[tuple[_Call, _Outcome]]:
    return [(call, _Outcome(None, error)) for call in _taken(turn)]


def _made(function: Callable[[], object]) -> _Outcome:
    try:
        return _Outcome(function(), None)
    except BaseException as error:
        return _Outcome(None, error)


def _tell_soon(loop: asyncio.AbstractEventLoop, outcomes: list[tuple[_Call, _Outcome]]) -> None:
    if outcomes:
        with suppress(RuntimeError):  # the loop has ended, and who waited with it
            loop.call_soon_threadsafe(_tell, outcomes)


def _tell(outcomes: list[tuple[_Call, _Outcome]]) -> None:
    for call, outcome in outcomes:
        if not call.told.done():
            call.told.set_result(outcome)
