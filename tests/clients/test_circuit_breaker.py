"""Patience with a service that fails."""

from ccp.clients.circuit_breaker import MOST_FAILURES, REST_SECONDS, Breaker


def broken(ticks):
    """A breaker that has just seen one failure too many."""
    breaker = Breaker(ticks)
    told = [breaker.failed() for _ in range(MOST_FAILURES)]
    assert told == [False] * (MOST_FAILURES - 1) + [True]
    return breaker


def test_some_failures_are_borne(ticks):
    """Less than so many in a row change nothing; a success begins the count anew."""
    breaker = Breaker(ticks)
    for _ in range(3):
        for _ in range(MOST_FAILURES - 1):
            breaker.failed()
        assert breaker.admits()
        breaker.succeeded()


def test_who_keeps_failing_is_left_alone_for_a_while(ticks):
    """Nobody asks while it rests."""
    breaker = broken(ticks)
    assert not breaker.admits()
    ticks.now += REST_SECONDS - 1
    assert not breaker.admits()


def test_after_a_rest_one_tries(ticks):
    """One request, whatever becomes of it; the others wait for the next rest to end."""
    breaker = broken(ticks)
    ticks.now += REST_SECONDS
    assert [breaker.admits() for _ in range(3)] == [True, False, False]
    ticks.now += REST_SECONDS
    assert breaker.admits()


def test_who_has_recovered_is_asked_again(ticks):
    """The one that tried has had an answer."""
    breaker = broken(ticks)
    ticks.now += REST_SECONDS
    assert breaker.admits()
    breaker.succeeded()
    assert all(breaker.admits() for _ in range(5))


def test_who_has_not_recovered_rests_again(ticks):
    """One more failure is enough."""
    breaker = broken(ticks)
    ticks.now += REST_SECONDS
    assert breaker.admits()
    assert not breaker.failed()
    ticks.now += REST_SECONDS - 1
    assert not breaker.admits()


def test_who_was_not_waited_for_may_be_tried_again(ticks):
    """A faster one has answered: that says nothing, so the next request tries."""
    breaker = broken(ticks)
    ticks.now += REST_SECONDS
    assert breaker.admits()
    breaker.left()
    assert [breaker.admits() for _ in range(2)] == [True, False]
    breaker = Breaker(ticks)
    breaker.left()
    assert breaker.admits()
