"""Circuit breaker: when requests are sent to a service that fails."""

import asyncio
from contextlib import ExitStack, suppress

import pytest
from structlog.testing import capture_logs

from ccp.clients.circuit_breaker import MAX_FAILURES, PAUSE_SECONDS, Breaker, RequestNotSent


@pytest.fixture(autouse=True)
def clock(monotonic, monkeypatch):
    """The clock of the package `circuitbreaker`; it stands still."""
    monkeypatch.setattr("circuitbreaker.monotonic", monotonic)
    return monotonic


def succeed(breaker):
    """Send a request that is answered; RequestNotSent if the circuit is open."""
    with breaker.guard():
        pass


def fail(breaker, error=OSError):
    """Send a request that fails; RequestNotSent if the circuit is open."""
    with pytest.raises(error), breaker.guard():
        raise error


def refuses(breaker):
    """Whether the next request is not sent. If it is sent, it is cancelled."""
    try:
        with pytest.raises(asyncio.CancelledError), breaker.guard():
            raise asyncio.CancelledError
    except RequestNotSent:
        return True
    return False


def opened():
    """A breaker that has just seen the last failure before it opens."""
    breaker = Breaker("pool.example")
    for _ in range(MAX_FAILURES):
        fail(breaker)
    return breaker


def test_breaker_fewer_failures_than_the_limit_stays_closed():
    """A success resets the count."""
    breaker = Breaker("pool.example")
    for _ in range(3):
        for _ in range(MAX_FAILURES - 1):
            fail(breaker)
        succeed(breaker)


def test_breaker_open_refuses_requests_until_the_pause_ends(clock):
    breaker = opened()
    assert refuses(breaker)
    clock.now += PAUSE_SECONDS - 1
    assert refuses(breaker)
    clock.now += 1
    assert not refuses(breaker)


def test_breaker_opens_logs_service_and_error_once():
    with capture_logs() as logs:
        breaker = opened()
        assert refuses(breaker)
    (line,) = logs
    assert (line["event"], line["service"]) == ("circuit breaker opened", "pool.example")
    assert line["error"] == "OSError"


def test_breaker_after_the_pause_lets_one_trial_through_at_a_time(clock):
    breaker = opened()
    clock.now += PAUSE_SECONDS
    with breaker.guard():
        assert refuses(breaker)
        assert refuses(breaker)
    assert not refuses(breaker)


def test_breaker_trial_succeeds_closes(clock):
    breaker = opened()
    clock.now += PAUSE_SECONDS
    succeed(breaker)
    with breaker.guard():
        succeed(breaker)
    for _ in range(MAX_FAILURES - 1):
        fail(breaker)
    assert not refuses(breaker)


def test_breaker_trial_fails_pauses_again(clock):
    """One failure is enough."""
    breaker = opened()
    clock.now += PAUSE_SECONDS
    fail(breaker)
    clock.now += PAUSE_SECONDS - 1
    assert refuses(breaker)


def test_breaker_trial_cancelled_lets_the_next_request_try(clock):
    """A faster peer has answered: that says nothing about this one."""
    breaker = opened()
    clock.now += PAUSE_SECONDS
    assert not refuses(breaker)
    with breaker.guard():
        assert refuses(breaker)


def test_breaker_cancelled_requests_do_not_count():
    """They neither open a closed circuit nor reset its count of failures."""
    breaker = Breaker("pool.example")
    for _ in range(MAX_FAILURES + 1):
        assert not refuses(breaker)
    for _ in range(MAX_FAILURES):
        assert not refuses(breaker)
        fail(breaker)
    assert refuses(breaker)


def test_breaker_other_exceptions_than_the_given_ones_do_not_count():
    breaker = Breaker("pool.example")
    for _ in range(MAX_FAILURES + 1):
        with pytest.raises(KeyError), breaker.guard(OSError):
            raise KeyError
    assert not refuses(breaker)


def test_breaker_request_sent_before_it_opened_does_not_end_the_trial(clock):
    breaker = Breaker("pool.example")
    with ExitStack() as trial:
        with suppress(OSError), breaker.guard():
            for _ in range(MAX_FAILURES):
                fail(breaker)
            clock.now += PAUSE_SECONDS
            trial.enter_context(breaker.guard())
            raise OSError
        assert refuses(breaker)
        clock.now += PAUSE_SECONDS
        assert refuses(breaker)
    assert not refuses(breaker)
