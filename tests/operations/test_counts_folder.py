"""The folder in which workers count: of a server that was killed it goes with the next start."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccp.operations import counts_folder
from ccp.operations.counts_folder import make_counts_folder, remove_abandoned

# A server's master, which makes the folder and forks a worker; both wait until they are killed.
SERVER = """
import os, sys, time
from pathlib import Path
from ccp.operations import counts_folder
counts_folder.SHARED_MEMORY = Path(sys.argv[1])
folder = counts_folder.make_counts_folder(os.getuid(), os.getgid())
(folder / "counter_0.db").write_text("counts")
worker = os.fork()
if worker:
    print(worker, folder.name, flush=True)
time.sleep(600)
"""


class Running:
    """A server of which both processes run."""

    def __init__(self, parent: Path) -> None:
        command = [sys.executable, "-c", SERVER, str(parent)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        worker, self.name = self.process.stdout.readline().split()
        self.worker = int(worker)

    def kill_master(self) -> None:
        """End the master without a chance to tidy up."""
        self.process.kill()
        self.process.wait()

    def kill_worker(self) -> None:
        """End the worker, and wait for that: it holds the other end of the pipe."""
        os.kill(self.worker, signal.SIGKILL)
        assert self.process.stdout
        self.process.stdout.read()
        self.process.stdout.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    """A server that counts in a folder in *tmp_path*."""
    running = Running(tmp_path)
    yield running
    running.kill_master()
    if running.process.stdout and not running.process.stdout.closed:
        running.kill_worker()


def names(parent: Path) -> list[str]:
    """What is in a folder."""
    return sorted(file.name for file in parent.iterdir())


def test_make_counts_folder_after_a_kill_removes_the_old_one(
    tmp_path: Path, server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the last worker has gone too, which may still count."""
    monkeypatch.setattr(counts_folder, "SHARED_MEMORY", tmp_path)
    monkeypatch.setattr("atexit.register", lambda _: None)
    owners = {os.getuid()}
    remove_abandoned(tmp_path, owners=owners)
    assert names(tmp_path) == [server.name]
    server.kill_master()
    remove_abandoned(tmp_path, owners=owners)
    assert names(tmp_path) == [server.name]
    server.kill_worker()
    made = make_counts_folder(os.getuid(), os.getgid())
    assert names(tmp_path) == [made.name]
    assert made.stat().st_mode & 0o777 == 0o700
    remove_abandoned(tmp_path, owners=owners)
    assert names(tmp_path) == [made.name]


def test_remove_abandoned_leaves_what_is_not_a_folder_of_these_owners(tmp_path: Path) -> None:
    """Others may write in the same place: their folders, links and files stay."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "precious").touch()
    (tmp_path / "ccp-counts-link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "ccp-counts-file").touch()
    (tmp_path / "ccp-counts-folder").mkdir()
    (tmp_path / "ccp-count-folder").mkdir()
    before = names(tmp_path)
    remove_abandoned(tmp_path, owners={os.getuid() + 1})
    assert names(tmp_path) == before
    remove_abandoned(tmp_path, owners={os.getuid()})
    assert names(tmp_path) == [name for name in before if name != "ccp-counts-folder"]
    assert names(tmp_path / "elsewhere") == ["precious"]
    shutil.rmtree(tmp_path)
