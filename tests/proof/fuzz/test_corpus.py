"""What fuzzers have found, taken again; `make proof` looks for more, for an hour."""

import time
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from random import Random

import pytest

from ccp.iso15118 import ExiError, decode
from ccp.workshop import EDITIONS
from tests.proof.fuzz.corpus import read_corpus
from tests.proof.fuzz.mutator import mutate_body, mutate_message
from tests.proof.fuzz.targets import TARGETS, Target, bodies, made_target, messages

MOST_BYTES = 4 * 2**20
MORE_THAN_RIGHT = 4  # times the processor time of the costliest that is right


@pytest.fixture(scope="module", params=TARGETS)
def target(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    """One of all, with pools of its own."""
    with made_target(request.param, tmp_path_factory.mktemp(request.param)) as target:
        yield target


@pytest.fixture(scope="module")
def inputs(target: Target) -> list[bytes]:
    """What has been kept for it; taken once, so that all that is cached is cached."""
    kept = read_corpus(target.name)
    for data in kept:
        target.take(data)
    return kept


def test_whatever_was_found_is_taken(inputs: list[bytes]) -> None:
    """Nothing that must hold is broken by any of it."""
    assert len(inputs) > 10


def test_no_input_takes_long(target: Target, inputs: list[bytes]) -> None:
    """The costliest input costs about as much as the costliest right one."""
    right = max(list(target.seeds())[-2 * len(EDITIONS) :], key=partial(seconds, target))
    worst = max(inputs, key=partial(seconds, target))
    # In turns: what else a processor does slows both, or neither.
    turns = [(timed(target.take, right), timed(target.take, worst)) for _ in range(10)]
    of_right, of_worst = map(min, zip(*turns, strict=True))
    assert of_worst < MORE_THAN_RIGHT * of_right


def test_no_input_takes_much_memory(target: Target, inputs: list[bytes]) -> None:
    """Whatever it says, a few megabytes are enough."""
    tracemalloc.start()
    try:
        for data in inputs:
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            target.take(data)
            _, peak = tracemalloc.get_traced_memory()
            assert peak - before < MOST_BYTES, data
    finally:
        tracemalloc.stop()


def seconds(target: Target, data: bytes) -> float:
    """The processor time that an input takes, at best."""
    return min(timed(target.take, data) for _ in range(3))


def timed(take: Callable[[bytes], None], data: bytes) -> float:
    """The processor time of one call."""
    start = time.process_time()
    take(data)
    return time.process_time() - start


def any_bytes(data: bytes, _longest: int) -> bytes:
    """Change a byte, as a fuzzer does."""
    changed = bytearray(data or b"\0")
    changed[len(changed) // 2] ^= 1
    return bytes(changed)


@pytest.mark.parametrize(
    ("mutate", "seeds"),
    [(mutate_message, list(messages())[:20]), (mutate_body, list(bodies())[-4:])],
    ids=["messages", "bodies"],
)
def test_many_changes_leave_a_message_a_message(mutate: Callable, seeds: list[bytes]) -> None:
    """Changed, within bounds, the same at each run; and often still what a decoder accepts."""
    random, again = Random(1), Random(1)  # noqa: S311
    decoded = 0
    for seed in seeds * (200 // len(seeds)):
        changed = mutate(seed, 8192, random, any_bytes)
        assert changed == mutate(seed, 8192, again, any_bytes)
        assert len(changed) <= 8192
        decoded += is_message(changed)
    assert mutate is mutate_body or decoded > 50


def is_message(exi: bytes) -> bool:
    """Whether a decoder accepts it."""
    try:
        decode(exi)
    except ExiError:
        return False
    return True
