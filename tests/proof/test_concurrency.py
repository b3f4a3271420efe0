"""Several clients at once, against the real server; `make proof` has more of it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier

import httpx2
import pytest

from tests.proof.calls import Answer, Delete, ListOfCar, Put
from tests.proof.machine import EMAIDS, PCIDS, drive, message
from tests.running import SECONDS, Server, serving


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A pool with two workers of four threads each."""
    with serving(tmp_path_factory.mktemp("pool"), workers=2, threads="4") as pool:
        yield pool


def test_calls_at_once_are_as_calls_in_turn(pool: Server) -> None:
    """Whatever several clients do, there is an order of their calls that explains all answers."""
    drive(pool, examples=10, steps=8)


def test_first_contracts_put_at_once_make_one_default(pool: Server) -> None:
    """Of several first contracts of a car, put at the same time, one is the default."""
    with ExitStack() as stack, ThreadPoolExecutor(len(EMAIDS)) as threads:
        clients = [stack.enter_context(pool.client()) for _ in EMAIDS]
        start = Barrier(len(EMAIDS), timeout=SECONDS)

        def put(emaid: str, client: httpx2.Client) -> Answer:
            start.wait()
            return Put(emaid, PCIDS[0], message(emaid, 0)).send(client)

        for _ in range(40):
            for emaid in EMAIDS:
                Delete(emaid).send(clients[0])
            assert list(threads.map(put, EMAIDS, clients)) == [(201, None)] * 3
            _, listed = ListOfCar(PCIDS[0]).send(clients[0])
            assert sorted(is_default for _, _, is_default in listed) == [False, False, True]
