"""The servers that are measured: each on a free loopback port, until it is left."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ccp.config.settings import PREFIX, Settings
from tests.bench.operations import PROBE

ROOT = Path(__file__).parents[2]
_START_SECONDS = 30.0
_STOP_SECONDS = 10.0

DEFAULTS = Settings.from_environment({})
"""What a pool has where nothing else is said; servers beside it get as many workers."""


@dataclass(frozen=True, slots=True)
class Server:
    """
    A running server.

    Attributes:
        start_seconds: From the command to the first answer.
    """

    name: str
    port: int
    pid: int
    start_seconds: float

    def worker_memory(self) -> list[tuple[float, float]]:
        """
        Tell how much memory each worker has.

        Returns: MB resident (what is shared counted whole), MB proportional (what is shared
            counted in parts); nothing where the system has no /proc.
        """
        return [_memory(worker) for worker in _children(self.pid)]

    def busy_seconds(self) -> float:
        """Tell the processor time of it and its workers; 0 where the system has no /proc."""
        return sum(_busy_seconds(pid) for pid in (self.pid, *_children(self.pid)))


@contextmanager
def running(
    name: str,
    command: Callable[[int], Sequence[str]],
    folder: Path,
    variables: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """
    Run a server until the block ends.

    Args:
        name: What the tables call it.
        command: Gives the command for the port that it has to listen on.
        folder: Where it works, away from a developer's .env; takes its log.
        variables: Of the environment, over those that we have ourselves but for the pool's.
    Raises:
        RuntimeError: It does not answer; the text has the end of its log.
    """
    port = _free_port()
    log = folder / f"{name.replace(' ', '-').replace(',', '')}.log"
    started = time.perf_counter()
    with log.open("ab") as output:
        process = subprocess.Popen(
            command(port),
            cwd=folder,
            env=environment(variables or {}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C reaches us alone, and we stop it
        )
    try:
        _wait_for_answer(process, port, log)
        yield Server(name, port, process.pid, time.perf_counter() - started)
    finally:
        _stop(process)


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Our own environment, but for what a developer has told a pool; with *variables*."""
    ours = {name: value for name, value in os.environ.items() if name[:4] != PREFIX}
    return ours | {"PYTHONPATH": str(ROOT)} | dict(variables)


def gunicorn(app: str, *options: str) -> Callable[[int], Sequence[str]]:
    """Give the command that serves an application of this checkout with its own gunicorn."""
    return lambda port: [
        sys.executable,
        "-m",
        "gunicorn",
        app,
        f"--bind=127.0.0.1:{port}",
        *options,
    ]


@contextmanager
def pool(
    name: str,
    folder: Path,
    database: Path,
    trust: Path,
    variables: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """
    Run a strict pool as `make run` does.

    Args:
        database: Is made if there is none.
        trust: Its trust anchors.
        variables: Of the environment besides.
    """
    settings = {
        "CCP_DATABASE_URL": f"sqlite:///{database}",
        "CCP_CHECKS": "strict",
        "CCP_TRUST_DIR": str(trust),
    }
    command = gunicorn("wsgi:app", f"--config={ROOT / 'gunicorn.conf.py'}")
    with running(name, command, folder, settings | dict(variables or {})) as server:
        yield server


def ask(port: int, request: bytes) -> tuple[int, bytes]:
    """
    Send one request on a connection of its own.

    Returns: Status and body.
    Raises:
        OSError: Nobody listens, or there is no answer.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=_START_SECONDS) as connection:
        connection.sendall(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, ended, body = answer.partition(b"\r\n\r\n")
    if not ended:
        raise ConnectionError("no answer")
    return int(head[9:12]), body


def _wait_for_answer(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.perf_counter() + _START_SECONDS
    while time.perf_counter() < deadline and process.poll() is None:
        try:
            ask(port, PROBE)
        except OSError:
            time.sleep(0.005)
        else:
            return
    raise RuntimeError(f"the server did not start:\n{log.read_text()[-2000:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop a server, even if we are told to stop a second time meanwhile."""
    process.send_signal(signal.SIGINT)  # gunicorn's quick stop: nobody waits for an answer
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    finally:
        with suppress(ProcessLookupError):  # what should be the case
            os.killpg(process.pid, signal.SIGKILL)  # its session: it and its workers
        process.wait()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _children(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in children.read_text().split()] if children.exists() else []


def _memory(pid: int) -> tuple[float, float]:
    rows = [line.split() for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()]
    kilobytes = {row[0]: int(row[1]) for row in rows[1:]}
    return kilobytes["Rss:"] / 1024, kilobytes["Pss:"] / 1024


def _busy_seconds(pid: int) -> float:
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return 0.0
    # Behind the name, which may have spaces, user and system time are the 12th and 13th field.
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
