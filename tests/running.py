"""The real server: gunicorn with this checkout's wsgi.py and gunicorn.conf.py, on a free port."""

import os
import random
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2

from tests.contract.conformance import assert_conforms
from tests.waiting import SECONDS, wait_until

ROOT = Path(__file__).parents[1]


class Server:
    """
    One gunicorn with its workers; its folder has the database, and its log.

    Args:
        sockets: What it inherits, under the same numbers as here.
    """

    def __init__(
        self, folder: Path, *arguments: str, sockets: Iterable[int] = (), **variables: str
    ) -> None:
        self.folder = folder
        for name in ("wsgi.py", "gunicorn.conf.py"):
            if not (folder / name).exists():
                (folder / name).symlink_to(ROOT / name)
        environment = {name: value for name, value in os.environ.items() if name[:4] != "CCP_"}
        settings = {f"CCP_{name.upper()}": value for name, value in variables.items()}
        with (folder / "log").open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", *(arguments or ("wsgi:app",))],
                cwd=folder,  # away from a developer's .env
                env=environment | {"CCP_PORT": "0", "PYTHONPATH": str(ROOT)} | settings,
                stdout=log,
                stderr=log,
                pass_fds=tuple(sockets),
            )

    @property
    def log(self) -> str:
        """All that the server has written, to standard output and error."""
        return (self.folder / "log").read_text(encoding="utf-8")

    @property
    def port(self) -> int:
        """The port that it listens on."""
        found = re.search(r"Listening at: https?://127\.0\.0\.1:(\d+)", self.log)
        assert found, self.log
        return int(found[1])

    @property
    def operators(self) -> httpx2.Client:
        """A client at the operators' address."""
        found = re.search(r"Operators look at: http://127\.0\.0\.1:(\d+)", self.log)
        assert found, self.log
        return httpx2.Client(base_url=f"http://127.0.0.1:{found[1]}", timeout=SECONDS)

    @property
    def workers(self) -> set[int]:
        """The process ids of its workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return {int(pid) for pid in children.read_text().split()}

    def client(self) -> httpx2.Client:
        """A client whose every answer is held against the spec."""
        return httpx2.Client(
            base_url=f"http://127.0.0.1:{self.port}",
            timeout=SECONDS,
            event_hooks={"response": [assert_conforms]},
        )

    def wait_until_serving(self, workers: int) -> None:
        """Wait until each of so many workers takes requests, at all addresses."""

        def is_serving() -> bool:
            addresses = 1 + self.log.count("Operators look at")
            return self.log.count("ASGI server listening") >= workers * addresses

        wait_until(lambda: is_serving() or self.has_ended)
        assert not self.has_ended, self.log

    @property
    def has_ended(self) -> bool:
        """Whether the server is no more."""
        return self.process.poll() is not None

    def end(self) -> int:
        """Ask it to finish what it is at, and to go; returns its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(SECONDS)


def at_one_moment(folder: Path) -> str:
    """
    Write an application that counts all requests at one moment; return its name, for `serving`.

    Rates are counted in windows of the wall clock: a test that runs over the end of one may ask
    more.
    """
    stands_still = "import time\ntime.time = lambda: 1_000_000.0\nfrom wsgi import app\n"
    (folder / "at_one_moment.py").write_text(stands_still)
    return "at_one_moment:app"


def free_port() -> int:
    """
    Return a port that nothing listens on, for what has to be named before it listens.

    It lies below the ports that systems choose themselves (from 32768 on Linux, from 49152
    elsewhere), so that no connection of another process gets it in the meantime.
    """
    while True:
        port = random.SystemRandom().randrange(10_000, 32_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def refuses(port: int) -> bool:
    """Tell whether connections to a port are refused: nothing listens there, or not any more."""
    try:
        socket.create_connection(("127.0.0.1", port), SECONDS).close()
    except ConnectionRefusedError:
        return True
    return False


def count_sockets(pid: int) -> int:
    """Return how many sockets a process has open."""
    return sum(file.is_socket() for file in Path(f"/proc/{pid}/fd").iterdir())


def resident(pid: int) -> int:
    """The resident memory of a process, in bytes."""
    (kilobytes,) = re.findall(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(kilobytes) * 1024


@contextmanager
def serving(
    folder: Path,
    *arguments: str,
    workers: int = 2,
    sockets: Iterable[int] = (),
    **variables: str,
) -> Iterator[Server]:
    """A server that takes requests; it is gone afterwards, whatever happens."""
    server = Server(folder, *arguments, sockets=sockets, workers=str(workers), **variables)
    try:
        server.wait_until_serving(workers)
        yield server
        if not server.has_ended:
            server.end()
    finally:
        server.process.kill()
        server.process.wait()


def refused_start(
    folder: Path, *arguments: str, sockets: Iterable[int] = (), **variables: str
) -> tuple[int, str]:
    """The exit status and output of a server that must not start."""
    server = Server(folder, *arguments, sockets=sockets, **variables)
    try:
        return server.process.wait(SECONDS), server.log
    finally:
        server.process.kill()
        server.process.wait()


def assert_clean(output: str) -> None:
    """A message for an operator, not a traceback for a developer."""
    assert "The pool cannot start." in output
    assert "Traceback" not in output
    assert len(output.splitlines()) < 12
