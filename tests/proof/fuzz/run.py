"""All fuzzers at once, for some time."""

import re
import subprocess
import sys
import tempfile
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

from tests.proof.fuzz.targets import TARGETS
from tests.running import ROOT


def fuzz(seconds: int, note: Callable[[str], None]) -> dict[str, int]:
    """
    Fuzz every target for so many seconds.

    Args:
        note: Told of each target how many inputs it has taken.
    Returns: These numbers.
    Raises:
        AssertionError: Something was found; it has the input.
    """
    # In memory, where there is such a file system: what is fuzzed is not the disk.
    memory = Path("/dev/shm")  # noqa: S108
    with tempfile.TemporaryDirectory(
        prefix="ccp-fuzz-", dir=memory if memory.is_dir() else None
    ) as folder:
        running = {name: _start(name, Path(folder) / name, seconds) for name in TARGETS}
        return {name: _end(process, Path(folder) / name, note) for name, process in running.items()}


def _start(name: str, folder: Path, seconds: int) -> subprocess.Popen[bytes]:
    folder.mkdir()
    options = ["-print_final_stats=1", f"-max_total_time={seconds}"]
    with (folder / "log").open("w") as log:
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.proof.fuzz", name, str(folder)),
                *options,
                f"-artifact_prefix={folder}/found-",
            ],
            cwd=ROOT,
            stdout=log,
            stderr=log,
        )


def _end(process: subprocess.Popen[bytes], folder: Path, note: Callable[[str], None]) -> int:
    status = process.wait()
    log = (folder / "log").read_text(errors="replace")
    found = [b64encode(path.read_bytes()).decode() for path in folder.glob("found-*")]
    assert status == 0, f"{folder.name} found {found}:\n{log[-4000:]}"
    (inputs,) = re.findall(r"stat::number_of_executed_units: (\d+)", log)
    note(f"{folder.name}: {inputs} inputs")
    return int(inputs)
