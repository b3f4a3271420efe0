"""Commands, and a pool's database for them to find."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ccp.cli import cli
from ccp.config.settings import server_settings
from ccp.domain.identifiers import ISO_15118_2, ISO_15118_20, Emaid, Pcid
from ccp.handlers.add_signed_contract_data import handle
from ccp.policy.services import Services
from tests.awaited import awaited
from tests.builders import (
    EMAID_TEXT,
    ORIGIN,
    PCID_20_TEXT,
    PCID_TEXT,
    installation_res,
    installation_res_20,
)
from tests.running import ROOT, SECONDS

OTHER = "FRXYZ123456789"
"""The contract of ISO 15118-20 in the database."""


def run(*arguments: str, stdin: bytes | None = None) -> Result:
    """Run a command of `ccp`."""
    return CliRunner().invoke(cli, arguments, input=stdin)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working folder; a database in it is that of the settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CCP_DATABASE_URL", f"sqlite:///{tmp_path}/ccp.db")
    server_settings.cache_clear()
    yield tmp_path
    server_settings.cache_clear()


@pytest.fixture
def database(here: Path, services: Services) -> Path:
    """A pool's database with a contract of each edition; the commands find it."""
    for emaid, pcid, namespace, exi in [
        (EMAID_TEXT, PCID_TEXT, ISO_15118_2, installation_res()),
        (OTHER, PCID_20_TEXT, ISO_15118_20, installation_res_20(OTHER)),
    ]:
        answer = handle(
            services,
            emaid=Emaid.parse(emaid),
            pcid=Pcid.parse(pcid),
            namespace=namespace,
            installation_res_exi=exi,
            origin=ORIGIN,
        )
        assert awaited(answer) == (None, 201)
    return here / "ccp.db"


def run_alone(
    folder: Path, *arguments: str, stdin: bytes = b"", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a command of `ccp` in a process of its own, as its log is set up for all of a process."""
    environment = {name: value for name, value in os.environ.items() if name[:4] != "CCP_"}
    said = {f"CCP_{name.upper()}": value for name, value in variables.items()}
    ran = subprocess.run(
        [sys.executable, "-m", "ccp.cli", *arguments],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(ROOT), **said},
        input=stdin,
        capture_output=True,
        timeout=SECONDS,
    )
    return subprocess.CompletedProcess(
        ran.args, ran.returncode, ran.stdout.decode(), ran.stderr.decode()
    )
