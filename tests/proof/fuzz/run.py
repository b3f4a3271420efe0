"""All fuzzers at once, for some time."""

import re
import subprocess
import sys
import tempfile
from base64 import b64encode
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from tests.proof.fuzz.targets import TARGETS
from tests.running import ROOT

_STARTING_SECONDS = 120


def fuzz(folder: Path, seconds: int, seed: int, note: Callable[[str], None]) -> dict[str, int]:
    """
    Fuzz every target for so many seconds.

    Args:
        folder: Takes logs, corpora and findings.
        seed: Of what is changed, and how.
        note: Told of each target how many inputs it has taken.
    Returns: These numbers.
    Raises:
        AssertionError: Something was found; it has the inputs.
    """
    options = ["-print_final_stats=1", "-timeout=10", f"-max_total_time={seconds}", f"-seed={seed}"]
    # In memory, where there is such a file system: what is fuzzed is not the disk.
    memory = Path("/dev/shm")  # noqa: S108
    with ExitStack() as stack:
        running = {}
        for name in TARGETS:
            pools = stack.enter_context(
                tempfile.TemporaryDirectory(
                    prefix="ccp-fuzz-", dir=memory if memory.is_dir() else None
                )
            )
            running[name] = _start(name, folder / name, pools, options)
            stack.callback(running[name].kill)
        wrong = [
            f"{name} found {_found(folder / name)}; see {folder / name}/log"
            for name, process in running.items()
            if process.wait(2 * seconds + _STARTING_SECONDS) != 0
        ]
    assert not wrong, wrong
    inputs = {name: _inputs(folder / name) for name in TARGETS}
    for name, number in inputs.items():
        note(f"{name}: {number} inputs")
    return inputs


def _start(name: str, folder: Path, pools: str, options: list[str]) -> subprocess.Popen[bytes]:
    folder.mkdir()
    with (folder / "log").open("w") as log:
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.proof.fuzz", name, str(folder), pools),
                *options,
                f"-artifact_prefix={folder}/found-",
            ],
            cwd=ROOT,
            stdout=log,
            stderr=log,
        )


def _found(folder: Path) -> list[str]:
    return [b64encode(path.read_bytes()).decode() for path in folder.glob("found-*")]


def _inputs(folder: Path) -> int:
    log = (folder / "log").read_text(errors="replace")
    (inputs,) = re.findall(r"stat::number_of_executed_units: (\d+)", log)
    return int(inputs)
