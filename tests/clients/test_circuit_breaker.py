"""Patience with a service that fails."""

from ccp.clients.circuit_breaker import MOST_FAILURES, REST_SECONDS, Breaker


def broken(monotonic):
    """A breaker that has just seen one failure too many."""
    breaker = Breaker(monotonic)
    told = [breaker.failed() for _ in range(MOST_FAILURES)]
    assert told == [False] * (MOST_FAILURES - 1) + [True]
    return breaker


def test_some_failures_are_borne(monotonic):
    """Less than so many in a row change nothing; a success begins the count anew."""
    breaker = Breaker(monotonic)
    for _ in range(3):
        for _ in range(MOST_FAILURES - 1):
            breaker.failed()
        assert breaker.admits()
        breaker.succeeded()


def test_who_keeps_failing_is_left_alone_for_a_while(monotonic):
    """Nobody asks while it rests."""
    breaker = broken(monotonic)
    assert not breaker.admits()
    monotonic.now += REST_SECONDS - 1
    assert not breaker.admits()


def test_after_a_rest_one_tries(monotonic):
    """One request, whatever becomes of it; the others wait for the next rest to end."""
    breaker = broken(monotonic)
    monotonic.now += REST_SECONDS
    assert [breaker.admits() for _ in range(3)] == [True, False, False]
    monotonic.now += REST_SECONDS
    assert breaker.admits()


def test_who_has_recovered_is_asked_again(monotonic):
    """The one that tried has had an answer."""
    breaker = broken(monotonic)
    monotonic.now += REST_SECONDS
    assert breaker.admits()
    breaker.succeeded()
    assert all(breaker.admits() for _ in range(5))


def test_who_has_not_recovered_rests_again(monotonic):
    """One more failure is enough."""
    breaker = broken(monotonic)
    monotonic.now += REST_SECONDS
    assert breaker.admits()
    assert not breaker.failed()
    monotonic.now += REST_SECONDS - 1
    assert not breaker.admits()


def test_who_was_not_waited_for_may_be_tried_again(monotonic):
    """A faster one has answered: that says nothing, so the next request tries."""
    breaker = broken(monotonic)
    monotonic.now += REST_SECONDS
    assert breaker.admits()
    breaker.left()
    assert [breaker.admits() for _ in range(2)] == [True, False]
    breaker = Breaker(monotonic)
    breaker.left()
    assert breaker.admits()
