"""The load is right and the judge of endurance just; half an hour of it is in `make proof`."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.proof.soak import CLIENTS, Sample, growths, soak

FLAT = [Sample(80 * 2**20, 40, 4 * 2**20, 10.0, 40.0, 1000, 20.0)] * 16
GROWN = {"memory": 90 * 2**20, "files": 60, "milliseconds": 15.0, "slow_milliseconds": 90.0}


def test_all_answers_under_load_are_right(tmp_path: Path) -> None:
    """Every answer to every client is held against what it has written, and there is one."""
    enough = 10 * CLIENTS
    samples = soak(tmp_path, 6, every=1, seed=1, note=lambda _: None, at_least=enough)
    assert all(sample.requests > 0 for sample in samples)
    assert sum(sample.requests for sample in samples) >= enough


def test_what_stays_as_it_is_is_flat() -> None:
    """Whatever happens at the beginning, and now and then, is no growth."""
    assert growths(FLAT) == []
    first = replace(FLAT[0], memory=10, files=1, milliseconds=1.0, slow_milliseconds=1.0)
    assert growths([first] * 4 + FLAT[4:]) == []
    assert growths([*FLAT[:-1], replace(FLAT[0], slow_milliseconds=1000.0)]) == []


def test_a_computer_that_gets_slower_is_no_growth() -> None:
    """Answers take longer then, and so does everything else."""
    slower = replace(FLAT[0], milliseconds=20.0, slow_milliseconds=80.0, work_milliseconds=40.0)
    assert growths(FLAT[:8] + [slower] * 8) == []


@pytest.mark.parametrize("what", GROWN)
def test_what_grows_is_told(what: str) -> None:
    """Of each thing that is looked at."""
    (told,) = growths(FLAT[:8] + [replace(FLAT[0], **{what: GROWN[what]})] * 8)
    assert told.startswith(f"{what}: ")


def test_a_log_without_bounds_is_told() -> None:
    """Once is enough: the file does not shrink."""
    (told,) = growths([*FLAT, replace(FLAT[0], wal=20 * 2**20)])
    assert told.startswith("wal: ")
