"""Functions that an event loop has called by threads: what one turn of it asks for, together."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar, cast

from ccp.threads import Crew

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
    """What one turn of a loop has asked for."""

    loop: asyncio.AbstractEventLoop
    calls: list[_Call]


class Calls:
    """
    Has functions called by threads, for the coroutines of an event loop.

    A thread that is given one call and tells one result at a time shares the interpreter with the
    loop all the while: each takes it from the other at every request, and finds the processor's
    caches cold. So what one turn of the loop asks for is given away when all of it has asked, and
    told together. Whoever has a result waits for others' no longer than 5 ms and a call.

    Args:
        name: Of the threads.
        threads: How many; they share what a turn asks for.
    Attributes:
        idle: Is set when a thread has ended its work and nothing waits for one.
    """

    def __init__(self, *, name: str, threads: int = 1) -> None:
        self._crew = Crew(_make, name=name, threads=threads)
        self._threads = threads
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
            self._turn = turn = _Turn(loop, [])
            loop.call_soon(self._give, turn)
        told: asyncio.Future[_Outcome] = loop.create_future()
        turn.calls.append(_Call(function, told))
        result, raised = await told
        if raised is not None:
            raise raised
        return cast(T, result)

    def _give(self, turn: _Turn) -> None:
        self._turn = None
        for n in range(min(self._threads, len(turn.calls))):
            share = _Turn(turn.loop, turn.calls[n :: self._threads])
            try:
                self._crew.put(share)
            except Exception as error:
                _tell([(call, _Outcome(None, error)) for call in share.calls])


def _make(shares: list[_Turn]) -> None:
    for loop, calls in shares:
        outcomes: list[tuple[_Call, _Outcome]] = []
        since = time.monotonic()
        for call in calls:
            if not call.told.cancelled():
                outcomes.append((call, _made(call.function)))
            if time.monotonic() - since > _UNTOLD_SECONDS:
                _tell_soon(loop, outcomes)
                outcomes, since = [], time.monotonic()
        _tell_soon(loop, outcomes)


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
        if not call.told.cancelled():
            call.told.set_result(outcome)
