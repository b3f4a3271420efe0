"""The README's tours, run as they are printed, against a real pool."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import serving

ROOT = Path(__file__).parents[1]
SECTIONS = dict(
    re.findall(r"^## (.*)\n((?:(?!^## ).*\n)*)", (ROOT / "README.md").read_text(), re.M)
)
TRACE_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ADDRESS = "CCP=http://127.0.0.1:8080/opnc/v1/ccp"


@pytest.mark.skipif(shutil.which("curl") is None, reason="the tours are told with curl")
@pytest.mark.parametrize(
    ("section", "before", "variables"),
    [
        ("Five minutes with the pool", [], {"trust_dir": "workshop/trust"}),
        ("A genuine message, in lab mode", [], {"checks": "lab"}),
        (
            "A pool that asks who calls",
            ["ccp workshop pki", "ccp workshop car"],
            {
                "trust_dir": "workshop/trust",
                "auth": "jwt",
                "jwt_issuer": "ccp-lab",
                "jwt_audience": "ccp",
                "jwt_keys": "tokens/jwks.json",
            },
        ),
    ],
)
def test_a_tour_answers_what_the_readme_prints(
    tmp_path: Path, section: str, before: list[str], variables: dict[str, str]
) -> None:
    """Every command gives the output that follows it, trace ids apart."""
    blocks = re.findall(r"^```console\n(.*?)^```$", SECTIONS[section], re.M | re.S)
    steps = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", "".join(blocks), re.M)
    server_starts = next(i for i, (command, _) in enumerate(steps) if command == ADDRESS)
    assert len(steps) > 5
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    _run(tmp_path, before)
    answered = _run(tmp_path, [command for command, _ in steps[:server_starts]])
    with serving(tmp_path, **variables) as server:
        address = ADDRESS.replace("8080", str(server.port))
        commands = [address, *(command for command, _ in steps[server_starts + 1 :])]
        answered += _run(tmp_path, commands)
    assert answered == [TRACE_ID.sub("TRACE", output) for _, output in steps]


def _run(folder: Path, commands: list[str]) -> list[str]:
    """Run commands in one shell; return what each prints, trace ids apart."""
    environment = Path(sys.executable).parent
    script = ["set -e", "exec 2>&1"]
    for command in commands:
        command = command.replace(". .venv/bin/activate", "true")
        command = command.replace(".venv/bin/python", sys.executable)
        script += [command, "printf '\\036'"]
    ran = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=folder,
        env={
            **os.environ,
            "PATH": f"{environment}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "PYTHONIOENCODING": "utf-8",
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stdout
    return [TRACE_ID.sub("TRACE", output) for output in ran.stdout.split("\036")[:-1]]
