"""`ccp serve` and `ccp completion`: what stands in place of other programs."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from tests.commands.conftest import run_alone
from tests.running import ROOT, SECONDS, wait_until


def test_a_pool_is_served_from_any_folder(tmp_path: Path) -> None:
    """Without the files of a checkout; gunicorn takes what else is said, and its signals."""
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "ccp.cli", "serve", "--workers", "1"],
            cwd=tmp_path,
            env={**os.environ, "CCP_PORT": "0", "PYTHONPATH": str(ROOT)},
            stderr=log,
        )
    try:
        told = (tmp_path / "log").read_text
        wait_until(lambda: "ASGI server listening" in told() or server.poll() is not None)
        (url,) = re.findall(r"Listening at: (http://127\.0\.0\.1:\d+)", told())
        answer = httpx2.get(f"{url}/opnc/v1/ccp/contractData/emaid/DEICECOPNCCERT", timeout=SECONDS)
        assert answer.status_code == 404
        assert answer.json()["errorMessages"] == ["The contract for the given EMAID not found."]
        assert told().count("Booting worker") == 1
        server.send_signal(signal.SIGTERM)
        assert server.wait(SECONDS) == 0
    finally:
        server.kill()
        server.wait()


def test_what_is_wrong_is_told(tmp_path: Path) -> None:
    """As by gunicorn itself, which it has become."""
    result = run_alone(tmp_path, "serve", checks="no")
    assert result.returncode == 1
    assert result.stderr == "The pool cannot start.\nCCP_CHECKS: must be strict or lab\n"
    assert run_alone(tmp_path, "serve", "--nonsense").returncode == 2


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_commands(tmp_path: Path, shell: str) -> None:
    """What is printed asks `ccp` itself, which knows its commands and their options."""
    result = run_alone(tmp_path, "completion", shell)
    assert result.returncode == 0
    assert "_CCP_COMPLETE" in result.stdout
    asked = subprocess.run(
        [sys.executable, "-c", "from ccp.cli import cli; cli(prog_name='ccp')"],
        env={
            **os.environ,
            "_CCP_COMPLETE": f"{shell}_complete",
            "COMP_WORDS": "ccp list --exp",
            "COMP_CWORD": "2" if shell != "fish" else "--exp",
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert {"--expired", "--expires-within"} <= set(re.findall(r"--[a-z-]+", asked.stdout))
