"""
The proofs at full strength; the tests do a little of each, and measure no time.

`make proof` does all of them, one after the other, in some two hours;
`python -m tests.proof stop contract` does some.
"""

import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.contract.driving import MODES, SPECS, drive_by_spec
from tests.proof.crash import kill_over_and_over
from tests.proof.fuzz.run import fuzz
from tests.proof.machine import drive
from tests.proof.soak import growths, soak
from tests.proof.stop import end_under_load, reload_under_load
from tests.running import ROOT, serving

KILLS = 200
STOPS = 30
CONCURRENT_EXAMPLES = 150
CONTRACT_EXAMPLES = 500
SOAK_SECONDS = 30 * 60
FUZZ_SECONDS = 60 * 60

note = partial(print, flush=True)


def crash(folder: Path, seed: int) -> str:
    """Workers and master are killed at any moment."""
    written = kill_over_and_over(folder, KILLS, seed, note)
    return f"{KILLS} kills: none of {written} acknowledged writes was lost."


def concurrency(folder: Path, seed: int) -> str:
    """Several clients call at once."""
    with serving(folder, workers=2) as pool:
        drive(pool, examples=CONCURRENT_EXAMPLES, steps=20, seed=seed)
    return f"{CONCURRENT_EXAMPLES} times 20 rounds of calls at once: all as if made in turn."


def stop(folder: Path, _seed: int) -> str:
    """The pool ends, or replaces its workers, under load."""
    ended = end_under_load(folder, STOPS)
    reloaded = reload_under_load(folder, STOPS)
    return (
        f"{STOPS} times SIGTERM ({ended} requests answered behind it) and SIGHUP "
        f"({reloaded} requests meanwhile): nobody was reset, nothing was dropped."
    )


def contract(folder: Path, seed: int) -> str:
    """Schemathesis drives both specs, in all modes."""
    cases = 0
    for spec in SPECS:
        for mode in MODES:
            (home := folder / f"{spec}-{mode}").mkdir()
            driven = drive_by_spec(home, spec, mode, most_examples=CONTRACT_EXAMPLES, seed=seed)
            note(f"{spec}, {mode}: {dict(driven.cases)}, answered {dict(driven.statuses)}")
            driven.assert_held(mode)
            cases += sum(driven.cases.values())
    return f"{cases} cases over both specs, in {len(MODES)} modes: no failure, no 5xx."


def endurance(folder: Path, seed: int) -> str:
    """Mixed load, for half an hour."""
    samples = soak(folder, SOAK_SECONDS, 30, seed, note)
    grown = growths(samples)
    assert grown == [], grown
    requests = sum(sample.requests for sample in samples)
    return f"{requests} requests in {SOAK_SECONDS // 60} minutes, each answer right: all is flat."


def fuzzing(folder: Path, seed: int) -> str:
    """Atheris makes messages and bodies that nobody has thought of."""
    inputs = fuzz(folder, FUZZ_SECONDS, seed, note)
    return f"{sum(inputs.values())} inputs in {FUZZ_SECONDS // 60} minutes: nothing was found."


def examples(_folder: Path, seed: int) -> str:
    """Hypothesis draws other examples than `make test` does, and more of them."""
    told = _pytest("-m", "hypothesis", "--hypothesis-profile=explore", f"--hypothesis-seed={seed}")
    return f"{told}: no example fails a test."


def processor_time(_folder: Path, _seed: int) -> str:
    """The processor time of the most laborious inputs is measured."""
    return f"{_pytest('-n', '0', 'tests/proof/processor_time.py')}: nothing takes long."


def _pytest(*arguments: str) -> str:
    """Run tests; return the line that counts them."""
    command = [sys.executable, "-m", "pytest", "-q", *arguments]
    ran = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert ran.returncode == 0, ran.stdout
    return ran.stdout.splitlines()[-1]


PROOFS: dict[str, Callable[[Path, int], str]] = {
    proof.__name__: proof
    for proof in (
        stop,
        concurrency,
        crash,
        contract,
        endurance,
        fuzzing,
        examples,
        processor_time,
    )
}


def main(names: list[str]) -> None:
    """Prove what is named, and tell what was done."""
    for name in names or PROOFS:
        seed = random.SystemRandom().randrange(10**6)
        note(f"\n{name}, seed {seed}: {PROOFS[name].__doc__}")
        begun = time.monotonic()
        folder = Path(tempfile.mkdtemp(prefix=f"ccp-proof-{name}-"))
        note(f"In {folder}, which stays if it fails.")
        proven = PROOFS[name](folder, seed)
        shutil.rmtree(folder)
        note(f"{name}: {proven} {(time.monotonic() - begun) / 60:.1f} minutes.")


if __name__ == "__main__":
    main(sys.argv[1:])
