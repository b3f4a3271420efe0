"""Calls that a loop has made by threads: each once, in order, told to the one who asked."""

import asyncio
import sys
import threading
import time
import weakref
from functools import partial
from typing import Any

import pytest
import structlog

from ccp.web import calls as calls_module
from ccp.web.calls import Calls
from tests.waiting import NEVER, SECONDS, until


def test_a_call_gives_what_the_function_gives() -> None:
    """A result or an error, to the one who asked."""

    async def ask() -> list[object]:
        functions = (lambda: 7, lambda: 1 // 0, threading.current_thread)
        waits = [calls.make(function) for function in functions]
        return await asyncio.gather(*waits, return_exceptions=True)

    calls = Calls(name="asked")
    seven, error, thread = asyncio.run(ask())
    assert seven == 7
    assert isinstance(error, ZeroDivisionError)
    assert thread.name == "asked-0"


def test_a_function_may_raise_whatever_it_likes() -> None:
    """Even what a future takes for the end of an iteration: whoever asked is told, and goes on."""

    async def ask() -> object:
        with pytest.raises(RuntimeError, match="StopIteration"):
            await calls.make(partial(next, iter(())))
        with pytest.raises(SystemExit):
            await calls.make(sys.exit)
        return await calls.make(lambda: None)

    calls = Calls(name="whatever")
    assert asyncio.run(ask()) is None


def test_what_nobody_waits_for_any_more_is_not_called() -> None:
    """Cancelled in the queue, or while it runs: no error, and others are told."""
    called: list[str] = []
    goes_on = threading.Event()

    def slow() -> None:
        called.append("slow")
        goes_on.wait(SECONDS)

    async def ask() -> int:
        running = asyncio.create_task(calls.make(slow))
        other = asyncio.create_task(calls.make(lambda: 7))
        queued = asyncio.create_task(calls.make(partial(called.append, "queued")))
        await until(lambda: called)
        running.cancel()
        queued.cancel()
        await asyncio.gather(running, queued, return_exceptions=True)
        goes_on.set()
        return await other

    calls = Calls(name="cancelled")
    assert asyncio.run(ask()) == 7
    assert called == ["slow"]


def test_a_loop_that_has_ended_is_told_nothing() -> None:
    """A server may stop while a handler runs; its thread is there for the next loop."""
    begun, goes_on = threading.Event(), threading.Event()
    calls = Calls(name="left")

    def handle() -> None:
        begun.set()
        goes_on.wait(SECONDS)

    async def leave() -> None:
        task = asyncio.create_task(calls.make(handle))
        await until(begun.is_set)
        task.cancel()

    async def ask() -> int:
        return await calls.make(lambda: 7)

    with structlog.testing.capture_logs() as lines:
        asyncio.run(leave())
        goes_on.set()
        assert asyncio.run(ask()) == 7
    assert lines == []


def test_what_one_turn_asks_for_is_given_away_together() -> None:
    """When all of it has asked, so that the thread works while the loop has nothing to do."""
    asked: list[int] = []

    async def ask(number: int) -> int:
        asked.append(number)
        return await calls.make(lambda: len(asked))

    async def ask_all() -> list[int]:
        return await asyncio.gather(*map(ask, range(9)))

    calls = Calls(name="together")
    assert asyncio.run(ask_all()) == [9] * 9


def test_what_is_done_is_told_though_others_take_long() -> None:
    """Whoever has a result waits for some milliseconds and one call, not for all that came."""
    told = threading.Event()

    async def ask() -> bool:
        first = asyncio.ensure_future(calls.make(lambda: None))
        first.add_done_callback(lambda _: told.set())
        slow = calls.make(partial(time.sleep, 0.02))
        third = calls.make(partial(told.wait, SECONDS))
        return (await asyncio.gather(first, slow, third))[2]

    calls = Calls(name="patient")
    assert asyncio.run(ask())


def test_results_come_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is told of one alone while the thread is still at work, but for those 5 ms."""
    monkeypatch.setattr("ccp.web.calls._UNTOLD_SECONDS", NEVER)
    told = threading.Event()

    async def ask() -> bool:
        first = asyncio.ensure_future(calls.make(lambda: None))
        first.add_done_callback(lambda _: told.set())
        second = asyncio.ensure_future(calls.make(partial(told.wait, 0.05)))
        return await second

    calls = Calls(name="at-once")
    assert not asyncio.run(ask())


def test_whichever_thread_is_free_takes_what_is_next() -> None:
    """None waits behind a slow one while another thread could do it."""
    done = [threading.Event() for _ in range(30)]

    def slow() -> bool:
        return all(one.wait(SECONDS) for one in done)

    async def ask() -> list[object]:
        return await asyncio.gather(*map(calls.make, [slow, *(one.set for one in done)]))

    calls = Calls(name="three", threads=3)
    assert asyncio.run(ask()) == [True] + [None] * 30


def test_nothing_is_kept_of_what_is_done() -> None:
    """While others of the same turn go on: their results may be large."""

    class Large:
        pass

    gone: list[weakref.ref[Large]] = []
    freed = threading.Event()

    def make() -> Large:
        large = Large()
        gone.append(weakref.ref(large, lambda _: freed.set()))
        return large

    async def ask() -> bool:
        async def forget() -> None:
            await calls.make(make)

        slow = calls.make(partial(time.sleep, 0.02))
        last = calls.make(partial(freed.wait, SECONDS))
        return (await asyncio.gather(forget(), slow, last))[2]

    calls = Calls(name="forgetful")
    assert asyncio.run(ask())


def test_an_error_of_our_own_leaves_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """No memory for telling, for one: the log has it, and all are told what they can be."""
    monkeypatch.setattr("ccp.web.calls._UNTOLD_SECONDS", -1)
    tell_soon = calls_module._tell_soon
    failures = iter([MemoryError])

    def failing(*arguments: Any) -> None:
        for error in failures:
            raise error
        tell_soon(*arguments)

    monkeypatch.setattr("ccp.web.calls._tell_soon", failing)

    async def ask() -> list[object]:
        waits = [calls.make(lambda: 7) for _ in range(3)]
        outcomes = await asyncio.gather(*waits, return_exceptions=True)
        return [*outcomes, await calls.make(lambda: 7)]

    calls = Calls(name="short")
    with structlog.testing.capture_logs() as lines:
        first, second, third, later = asyncio.run(ask())
    assert [first, later] == [7, 7]
    assert isinstance(second, MemoryError)
    assert isinstance(third, MemoryError)
    assert [line["log_level"] for line in lines] == ["error"]


def test_a_turn_that_could_not_begin_is_no_turn() -> None:
    """Whoever asks next is not left waiting for it."""

    async def ask() -> int:
        loop = asyncio.get_running_loop()
        with pytest.MonkeyPatch.context() as full:
            full.setattr(loop, "call_soon", no_memory)
            with pytest.raises(MemoryError):
                await calls.make(lambda: 7)
        return await asyncio.wait_for(calls.make(lambda: 7), SECONDS)

    def no_memory(*_: object) -> None:
        raise MemoryError

    calls = Calls(name="unbegun")
    assert asyncio.run(ask()) == 7


def test_whoever_asks_is_told_that_no_thread_can_be_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And waits for none; later there is room for one."""

    async def ask() -> list[object]:
        with monkeypatch.context() as full:
            full.setattr(threading.Thread, "start", no_room)
            waits = [calls.make(lambda: 7) for _ in range(2)]
            errors = await asyncio.gather(*waits, return_exceptions=True)
        return [*errors, await calls.make(lambda: 7)]

    def no_room(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    calls = Calls(name="late")
    first, second, later = asyncio.run(ask())
    assert isinstance(first, RuntimeError)
    assert isinstance(second, RuntimeError)
    assert later == 7


def test_a_loop_may_end_in_the_turn_in_which_it_asks() -> None:
    """What it asked for is not called; the next loop has turns of its own."""
    called: list[str] = []
    calls = Calls(name="ended")
    loop = asyncio.new_event_loop()
    asking = loop.create_task(calls.make(partial(called.append, "too late")))
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.close()
    assert not asking.done()

    async def ask() -> int:
        return await calls.make(lambda: 7)

    assert asyncio.run(ask()) == 7
    assert called == []
