"""What fuzzers have found, taken again; `make proof` looks for more, for an hour."""

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
from tests.work import lines_of

MOST_BYTES = 4 * 2**20
MORE_THAN_RIGHT = 6  # times the lines that the costliest executes which is right


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
    of_right = max(lines_of(partial(target.take, right)) for right in right_inputs(target))
    of_worst = max(lines_of(partial(target.take, data)) for data in inputs)
    assert of_worst < MORE_THAN_RIGHT * of_right


def right_inputs(target: Target) -> list[bytes]:
    """Return whole contracts and requests, after *target* has taken each, to fill its caches."""
    right = list(target.seeds())[-2 * len(EDITIONS) :]
    for data in right:
        target.take(data)
    return right


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
