"""The README's tour, run as it is printed, against a real pool."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import serving

ROOT = Path(__file__).parents[1]
BLOCKS = re.findall(r"^```console\n(.*?)^```$", (ROOT / "README.md").read_text(), re.M | re.S)
STEPS = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", "".join(BLOCKS), re.M)
TRACE_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.mark.skipif(shutil.which("curl") is None, reason="the tour is told with curl")
def test_the_tour_answers_what_the_readme_prints(tmp_path: Path) -> None:
    """Every command gives the output that follows it, trace ids apart."""
    assert len(STEPS) > 8
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    with serving(tmp_path, checks="lab") as server:
        shell = ["set -e"]
        for command, _ in STEPS:
            command = command.replace("127.0.0.1:8080", f"127.0.0.1:{server.port}")
            command = command.replace(".venv/bin/python", sys.executable)
            shell += [command.replace("python3 ", f"{sys.executable} "), "printf '\\036'"]
        ran = subprocess.run(
            ["bash", "-c", "\n".join(shell)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert ran.returncode == 0, ran.stderr
    printed = [TRACE_ID.sub("TRACE", output) for _, output in STEPS]
    answered = [TRACE_ID.sub("TRACE", output) for output in ran.stdout.split("\036")]
    assert answered[:-1] == printed
