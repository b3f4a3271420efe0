"""Threads that take what is put to them, each thing once and in order, and end by themselves."""

import gc
import threading
import weakref
from collections.abc import Callable
from itertools import islice

import pytest
import structlog

from ccp.domain.threads import Crew
from tests.waiting import SECONDS, wait_until


def named(name: str) -> list[threading.Thread]:
    """The threads of a crew that run."""
    return [one for one in threading.enumerate() if one.name.startswith(name)]


def test_nothing_runs_before_there_is_something_to_do() -> None:
    """A server forks its workers first, and threads do not come along."""
    crew = Crew[int](lambda _: None, name="early")
    assert named("early") == []
    crew.put(1)
    assert len(named("early")) == 1


def test_each_thing_is_taken_once_and_in_order() -> None:
    """One at a time, by whichever threads there are."""
    taken: list[list[int]] = []
    crew = Crew(taken.append, name="ordered")
    for number in range(100):
        crew.put(number)
    wait_until(lambda: len(taken) == 100)
    assert taken == [[number] for number in range(100)]


def test_what_has_come_is_taken_together() -> None:
    """While the thread is busy it gathers."""
    goes_on = threading.Event()
    taken: list[list[int]] = []

    def work(items: list[int]) -> None:
        taken.append(items)
        goes_on.wait(SECONDS)

    crew = Crew(work, name="gathering", gather=lambda: True)
    crew.put(0)
    wait_until(lambda: taken == [[0]])
    for number in range(1, 9):
        crew.put(number)
    goes_on.set()
    wait_until(lambda: sum(map(len, taken)) == 9)
    assert taken == [[0], list(range(1, 9))]


def test_what_comes_while_it_gathers_is_taken_with_the_first() -> None:
    """Which waits for it, and for nothing else."""
    gathers, goes_on = threading.Event(), threading.Event()

    def gather() -> bool:
        gathers.set()
        return goes_on.wait(SECONDS)

    taken: list[list[int]] = []
    crew = Crew(taken.append, name="expecting", gather=gather)
    crew.put(0)
    assert gathers.wait(SECONDS)
    for number in range(1, 9):
        crew.put(number)
    assert taken == []
    goes_on.set()
    wait_until(lambda: taken == [list(range(9))])


@pytest.mark.parametrize(
    ("coming", "is_all", "times"), [(9, False, 3), (1, False, 2), (9, True, 1)]
)
def test_it_gathers_again_while_more_comes(coming: int, is_all: bool, times: int) -> None:
    """But not for ever; and not where nothing has come, or where there is nothing to wait for."""
    rest = iter(range(coming))
    asked: list[int] = []

    def gather() -> bool:
        asked.append(len(asked))
        for number in islice(rest, 1):
            crew.put(number)
        return is_all

    taken: list[list[int]] = []
    crew = Crew(taken.append, name="again", gather=gather)
    crew.put(-1)
    wait_until(lambda: len(taken) > 0)
    assert taken[0] == [-1, *range(min(coming, times))]
    assert len(asked) == times


def test_a_crew_is_idle_when_nothing_waits_or_is_worked_on() -> None:
    """Also before there is anything, and again after the last thing."""
    meeting = threading.Barrier(2)
    crew = Crew[int](lambda _: meeting.wait(SECONDS) and None, name="idle")
    assert crew.idle.is_set()
    for _ in range(2):
        crew.put(1)
        crew.put(2)
        for _ in range(2):
            assert not crew.idle.is_set()
            meeting.wait(SECONDS)
        assert crew.idle.wait(SECONDS)


def test_as_many_work_at_once_as_there_are_threads() -> None:
    """And no more of them are begun, whoever puts first."""
    meeting = threading.Barrier(3)
    crew = Crew[int](lambda _: meeting.wait(SECONDS) and None, name="three", threads=3)
    callers = [threading.Thread(target=crew.put, args=(n,)) for n in range(3)]
    for caller in callers:
        caller.start()
    wait_until(lambda: len(named("three")) == 3)
    for caller in callers:
        caller.join()
    assert len(named("three")) == 3


def test_a_thread_goes_on_after_an_error() -> None:
    """It is told in the log; the next thing is taken as if nothing had been."""
    taken: list[int] = []

    def work(items: list[int]) -> None:
        taken.append(1 // items[0])

    crew = Crew(work, name="failing")
    with structlog.testing.capture_logs() as lines:
        crew.put(0)
        crew.put(1)
        wait_until(lambda: taken == [1])
    assert [line["log_level"] for line in lines] == ["error"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, MemoryError])
def test_no_error_ends_a_thread(error: type[BaseException]) -> None:
    """Whoever put the next thing would wait for it for ever."""
    taken: list[int] = []

    def work(items: list[int]) -> None:
        if not items[0]:
            raise error
        taken.extend(items)

    crew = Crew(work, name="enduring")
    crew.put(0)
    crew.put(1)
    wait_until(lambda: taken == [1])


def test_a_thread_that_could_not_begin_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system without room for a thread has some later; meanwhile those there are do the work."""
    taken: list[list[int]] = []
    crew = Crew(taken.append, name="late", threads=2)
    begin = threading.Thread.start
    has_room = iter([False, True, False, True])

    def start(thread: threading.Thread) -> None:
        if not next(has_room):
            raise RuntimeError("can't start new thread")
        begin(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(RuntimeError, match="start new thread"):
        crew.put(1)
    crew.put(2)
    wait_until(lambda: taken == [[2]])
    assert len(named("late")) == 1
    crew.put(3)
    wait_until(lambda: taken == [[2], [3]])
    assert len(named("late")) == 2


@pytest.mark.parametrize("gather", [None, lambda: True])
def test_threads_end_with_the_crew(gather: Callable[[], bool] | None) -> None:
    """Nobody has to close it; what was put before is still done, and nothing of it is kept."""

    class Thing:
        pass

    seen: list[int] = []
    name = f"ending-{gather is None}"
    crew = Crew[Thing](lambda items: seen.append(len(items)), name=name, gather=gather)
    thing = Thing()
    gone = weakref.ref(thing)
    crew.put(thing)
    wait_until(lambda: sum(seen) == 1)
    del thing
    gc.collect()
    wait_until(lambda: gone() is None)
    crew.put(Thing())
    del crew
    gc.collect()
    wait_until(lambda: named(name) == [])
    assert sum(seen) == 2
