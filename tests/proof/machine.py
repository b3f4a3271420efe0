"""Concurrency: what several clients do at once is as if they had done it in turn."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import cache

import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.builders import SESSION_20, VALID_TODAY, b64, installation_req, installation_res
from tests.proof.calls import Call, Delete, Get, Install, ListOfCar, LookUp, Put, SetDefault
from tests.proof.contents import Contents
from tests.proof.linear import Answered, outcomes
from tests.running import SECONDS, Server

EMAIDS = ["DEICELINE00001", "DEICELINE00002", "DEICELINE00003"]
PCIDS = ["WAUZZZ4B0CC100001", "WAUZZZ4B0CC100002"]
CLIENTS = 4


@cache
def message(emaid: str, number: int) -> str:
    """One of two messages for a contract."""
    return b64(installation_res(emaid, session_id=SESSION_20, **VALID_TODAY))


@cache
def request(pcid: str) -> bytes:
    """What a car asks."""
    return installation_req(pcid, session_id=SESSION_20, **VALID_TODAY)


def calls() -> st.SearchStrategy[Call]:
    """Any operation, on few contracts and cars, so that calls meet."""
    emaids, pcids = st.sampled_from(EMAIDS), st.sampled_from(PCIDS)
    puts = st.builds(
        lambda emaid, pcid, number: Put(emaid, pcid, message(emaid, number)),
        emaids,
        pcids,
        st.integers(0, 1),
    )
    return st.one_of(
        puts,
        puts,
        st.builds(SetDefault, emaids, pcids),
        st.builds(Delete, emaids),
        st.builds(ListOfCar, pcids),
        st.builds(LookUp, emaids),
        st.builds(Get, emaids, pcids),
        st.builds(lambda pcid: Install(pcid, request(pcid)), pcids),
    )


class PoolMachine(RuleBasedStateMachine):
    """Calls made at once, over and over; *pool* has nothing of EMAIDS yet, or has to lose it."""

    def __init__(self, pool: Server) -> None:
        super().__init__()
        self._resources = ExitStack()
        enter = self._resources.enter_context
        self._clients = [enter(pool.client()) for _ in range(CLIENTS)]
        self._threads = enter(ThreadPoolExecutor(CLIENTS))
        for emaid in EMAIDS:
            Delete(emaid).send(self._clients[0])
        self._possible = {Contents()}

    @rule(lanes=st.lists(st.lists(calls(), min_size=1, max_size=3), min_size=2, max_size=CLIENTS))
    def at_once(self, lanes: list[list[Call]]) -> None:
        """Several clients make some calls each."""
        start = threading.Barrier(len(lanes), timeout=SECONDS)

        def run(number: int) -> list[Answered]:
            start.wait()
            return [self._made(call, number) for call in lanes[number]]

        self._hold([one for lane in self._threads.map(run, range(len(lanes))) for one in lane])

    @invariant()
    def nothing_is_otherwise(self) -> None:
        """Look at everything; then but one thing may be there."""
        for call in [*map(ListOfCar, PCIDS), *(Get(e, p) for e in EMAIDS for p in PCIDS)]:
            self._hold([self._made(call, 0)])
        (contents,) = self._possible
        for pcid in PCIDS:
            assert sum(one.is_default for one in contents.of_car(pcid)) <= 1

    def teardown(self) -> None:
        """Close the clients."""
        self._resources.close()

    def _made(self, call: Call, client: int) -> Answered:
        begun = time.monotonic()
        answer = call.send(self._clients[client])
        return Answered(call, answer, begun, time.monotonic())

    def _hold(self, history: Sequence[Answered]) -> None:
        possible = outcomes(self._possible, history)
        assert possible, (self._possible, history)
        self._possible = possible


def drive(pool: Server, examples: int, steps: int, seed: int | None = None) -> None:
    """
    Drive a pool with as many examples of as many steps.

    How calls meet is up to the computer, so a failure is shown as it came, and not made smaller.

    Args:
        seed: Of what clients do; the same at each run where there is none.
    """

    def machine() -> PoolMachine:
        return PoolMachine(pool)

    run_state_machine_as_test(
        machine if seed is None else hypothesis.seed(seed)(machine),
        settings=hypothesis.settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=seed is None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
