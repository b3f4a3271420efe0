"""`ccp serve` and `ccp completion`: what stands in place of other programs."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from ccp.config.settings import SettingsInvalid
from ccp.server.ports import require_free
from ccp.workshop.errors import WorkshopError
from ccp.workshop.http import Handler, listen
from tests.commands.conftest import run_alone
from tests.running import ROOT, SECONDS, wait_until

CCP = Path(sys.executable).with_name("ccp")  # a script has no working folder among its modules


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


@pytest.mark.parametrize("package", [True, False], ids=["package", "folder"])
def test_serve_where_a_folder_ccp_is_serves_the_pool(tmp_path: Path, package: bool) -> None:
    """Nothing is imported from the working folder; --host and --port win over the settings."""
    (tmp_path / "ccp").mkdir()
    if package:
        for name in ("ccp/__init__.py", "flask.py", "limits.py", "gunicorn.conf.py"):
            (tmp_path / name).write_text("raise SystemExit('imported from the working folder')")
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(
            [CCP, "serve", "--host", "localhost", "--port", "0", "--workers", "1"],
            cwd=tmp_path,
            env={**os.environ, "CCP_PORT": "1", "CCP_HOST": "192.0.2.1"},
            stderr=log,
        )
    try:
        told = (tmp_path / "log").read_text
        wait_until(lambda: "ASGI server listening" in told() or server.poll() is not None)
        (url,) = re.findall(r"Listening at: (http://127\.0\.0\.1:\d+)", told())
        assert httpx2.get(f"{url}/opnc/v1/ccp/openapi.json").status_code == 200
    finally:
        server.kill()
        server.wait()


@pytest.mark.parametrize("name", ["CCP_PORT", "CCP_OPERATIONS_BIND"])
def test_serve_on_a_port_in_use_ends_with_one_line(tmp_path: Path, name: str) -> None:
    """The line names the address and the setting."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        value = port if name == "CCP_PORT" else f"127.0.0.1:{port}"
        variables = {"port": 0, name.removeprefix("CCP_").lower(): value}
        ran = run_alone(tmp_path, "serve", **{k: str(v) for k, v in variables.items()})
    *_, heading, line = ran.stderr.splitlines()
    assert (ran.returncode, heading) == (1, "The pool cannot start.")
    assert line.startswith(f"{name}: 127.0.0.1:{port} is in use; ")
    assert len(ran.stderr.splitlines()) <= 3


def test_require_free_of_an_address_that_is_not_here_says_so() -> None:
    """In the same form; no machine has an address that is for documentation."""
    with pytest.raises(
        SettingsInvalid, match=r"^CCP_HOST: 192\.0\.2\.1:8080 cannot be listened on"
    ):
        require_free("192.0.2.1", 8080, variable="CCP_PORT", host_variable="CCP_HOST")
    with pytest.raises(SettingsInvalid, match=r"^CCP_OPERATIONS_BIND: 192\.0\.2\.1:8080 cannot"):
        require_free("192.0.2.1", 8080, variable="CCP_OPERATIONS_BIND")


def test_serve_with_a_module_ends_as_a_wrong_call(tmp_path: Path) -> None:
    """The application is always the pool; gunicorn would import any other name."""
    ran = run_alone(tmp_path, "serve", "nonsense")
    assert ran.returncode == 2
    assert "nonsense" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_workshop_service_on_a_port_in_use_says_so(tmp_path: Path) -> None:
    """With the option that sets another one."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(WorkshopError, match=rf"127\.0\.0\.1:{port} cannot .* --port"):
            listen(Handler, port)


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
