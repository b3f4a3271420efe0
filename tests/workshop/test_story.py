"""The demo: the whole story against a real pool, and its commands by hand."""

import io
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.console import Console

from ccp.workshop import WorkshopError
from ccp.workshop.narrator import Outcome, play
from ccp.workshop.story import START_POOL, STORY, Step

ROOT = Path(__file__).parents[2]
STEPS = [step for steps in STORY.values() for step in steps]


def test_the_demo_plays_to_its_end() -> None:
    """`ccp workshop demo` in a checkout: every step ends as told, and no pool is left."""
    ran = subprocess.run(
        [sys.executable, "-m", "ccp.cli", "workshop", "demo"],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "120", "CCP_CHECKS": "lab"},  # which it must not heed
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"All {len(STEPS)} steps as told" in ran.stdout
    for step in STEPS:
        assert f"$ {step.command}" in ran.stdout
    assert "✓ The decrypted private key is that of the contract certificate." in ran.stdout
    assert ran.stdout.count("400 Bad Request") == len(STORY["What the pool refuses"])


def quick(arguments: Sequence[str]) -> Outcome:
    """A `ccp` that ends with the status that it is told."""
    return Outcome(int(arguments[-1]), b"done\n")


@pytest.fixture
def console() -> Console:
    """A console that nobody sees."""
    return Console(file=io.StringIO(), width=80)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose pool does not start."""
    (tmp_path / "wsgi.py").write_text("raise SystemExit('no database')")
    (tmp_path / "gunicorn.conf.py").write_text("preload_app = True\n")
    return tmp_path


def test_a_step_that_ends_otherwise_ends_the_story(console: Console, checkout: Path) -> None:
    """The demo fails where the pool does not do what the story says."""
    story = {"one": [Step("A", "does", "ccp 0"), Step("B", "does", "ccp 1")]}
    with pytest.raises(WorkshopError, match="step 2 should have ended with 0"):
        play(story, console, checkout=checkout, run_ccp=quick)


def test_a_pool_that_does_not_start_is_told(console: Console, checkout: Path) -> None:
    """Its log is in the error, and its process is gone."""
    with pytest.raises(WorkshopError, match="no database"):
        play({"one": [Step("A", "does", START_POOL)]}, console, checkout=checkout, run_ccp=quick)


def test_a_pool_that_does_not_answer_is_told(console: Console, checkout: Path) -> None:
    """One line, no traceback of the HTTP client."""
    story = {"one": [Step("A", "asks", "curl http://127.0.0.1:1/", 200)]}
    with pytest.raises(WorkshopError, match="does not answer"):
        play(story, console, checkout=checkout, run_ccp=quick)
