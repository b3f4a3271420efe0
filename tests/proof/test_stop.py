"""The pool ends, and begins anew, under load; `make proof` does it more often."""

from pathlib import Path

from tests.proof.stop import end_under_load, reload_under_load


def test_sigterm_under_load_resets_nobody(tmp_path: Path) -> None:
    """Whoever was let in is answered; whoever comes later is refused; and it ends soon."""
    assert end_under_load(tmp_path, times=3) > 30


def test_sighup_under_load_drops_nothing(tmp_path: Path) -> None:
    """Workers are replaced, and every request is answered."""
    assert reload_under_load(tmp_path, times=1) > 30
