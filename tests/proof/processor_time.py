"""
Bounds on the processor time that the most laborious inputs take.

`make proof` runs this file; `make test` does not, for a processor that has much else to do takes
longer, and counts the work instead (`tests.work`).
"""

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.clients.test_root_pool import WORST, read_worst
from tests.iso15118.outcome import outcome
from tests.iso15118.test_robustness import BOMBS
from tests.proof.fuzz.corpus import read_corpus
from tests.proof.fuzz.targets import TARGETS, made_target
from tests.proof.fuzz.test_corpus import right_inputs
from tests.running import Server, serving
from tests.test_abuse import LABORIOUS_JSON, LINES_AND_HEADERS, PUT, ask, request
from tests.web.test_strict_json import LABORIOUS, UNITS, largest, parsed

MORE_THAN_RIGHT = 4
"""The costliest input may take so many times as long as the costliest right one."""
MORE_THAN_PLAIN = 30
"""The most laborious request may take so many times as long as a plain one."""


def seconds(call: Callable[[], object]) -> float:
    """Return the processor time that a call takes in this process, at the best of three times."""
    return min(_timed(call) for _ in range(3))


def _timed(call: Callable[[], object]) -> float:
    started = time.process_time()
    call()
    return time.process_time() - started


@pytest.mark.parametrize("text", LABORIOUS.values(), ids=LABORIOUS)
def test_parse_json_of_a_laborious_body_takes_milliseconds(text: bytes) -> None:
    assert seconds(lambda: parsed(text)) < 0.03


@pytest.mark.parametrize("unit", UNITS, ids=len)
def test_parse_json_of_the_largest_body_takes_seconds(unit: bytes) -> None:
    text = largest(unit)
    assert seconds(lambda: parsed(text)) < 4


@pytest.mark.parametrize("exi", [exi for exi, _ in BOMBS.values()], ids=BOMBS)
def test_decode_of_a_bomb_takes_milliseconds(exi: bytes) -> None:
    assert seconds(lambda: outcome(exi)) < 0.25


@pytest.mark.parametrize("body", WORST.values(), ids=WORST)
def test_read_roots_of_the_worst_answer_takes_milliseconds(body: bytes) -> None:
    assert seconds(lambda: read_worst(body)) < 0.5


@pytest.mark.parametrize("name", TARGETS)
def test_fuzz_target_takes_about_as_long_for_any_input(name: str, tmp_path: Path) -> None:
    with made_target(name, tmp_path) as target:
        takes = [partial(target.take, data) for data in read_corpus(name)]
        right = max((partial(target.take, data) for data in right_inputs(target)), key=seconds)
        worst = max(takes, key=seconds)
        # In turns: what else a processor does slows both, or neither.
        turns = [(_timed(right), _timed(worst)) for _ in range(10)]
    of_right, of_worst = map(min, zip(*turns, strict=True))
    assert of_worst < MORE_THAN_RIGHT * of_right


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A pool with one worker."""
    with serving(tmp_path_factory.mktemp("server"), workers=1) as server:
        yield server


def worker_seconds(server: Server, sent: bytes) -> float:
    """Return the processor time that the one worker takes for ten such requests."""
    before = _processor_time(server)
    for _ in range(10):
        ask(server, sent)
    return _processor_time(server) - before


def _processor_time(server: Server) -> float:
    (worker,) = server.workers
    threads = Path(f"/proc/{worker}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


@pytest.mark.parametrize(
    "sent", [sent for sent, _ in LINES_AND_HEADERS.values()], ids=LINES_AND_HEADERS
)
def test_worker_takes_little_for_long_lines_and_headers(server: Server, sent: bytes) -> None:
    plain = worker_seconds(server, request("Connection: close"))
    assert worker_seconds(server, sent) < MORE_THAN_PLAIN * plain


@pytest.mark.parametrize("body", LABORIOUS_JSON, ids=len)
def test_worker_takes_little_for_laborious_json(server: Server, body: bytes) -> None:
    plain, laborious = (
        request(
            *("Connection: close", "Content-Type: application/json"),
            f"Content-Length: {len(content)}",
            method="PUT",
            target=PUT,
            body=content,
        )
        for content in (b'{"": "%s"}' % (b"x" * 64_000), body)
    )
    of_plain = worker_seconds(server, plain)
    assert worker_seconds(server, laborious) < MORE_THAN_PLAIN * of_plain
