"""A handful of kills; `make proof` does two hundred."""

from pathlib import Path

from tests.proof.crash import kill_over_and_over


def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    """Whoever is killed, and whenever: what was answered is there, and nothing is half there."""
    assert kill_over_and_over(tmp_path, kills=4, seed=1) > 0
