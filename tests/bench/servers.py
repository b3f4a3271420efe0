"""The servers that are measured: the real gunicorn, on a free loopback port, until it is left."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_START_SECONDS = 30.0
_STOP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Server:
    """
    A running gunicorn.

    Attributes:
        start_seconds: From the command to the first answer.
    """

    port: int
    pid: int
    start_seconds: float

    def worker_memory(self) -> list[tuple[float, float]]:
        """
        Tell how much memory each worker has.

        Returns: MB resident (what is shared counted whole), MB proportional (what is shared
            counted in parts); nothing where the system has no /proc.
        """
        return [_memory(worker) for worker in self._workers()]

    def busy_seconds(self) -> float:
        """Tell the processor time that the workers have used; 0 where the system has no /proc."""
        return sum(_busy_seconds(worker) for worker in self._workers())

    def _workers(self) -> list[str]:
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        return children.read_text().split() if children.exists() else []


@contextmanager
def gunicorn(
    app: str, folder: Path, probe: bytes, variables: Mapping[str, str], *options: str
) -> Iterator[Server]:
    """
    Run gunicorn with the project's configuration.

    Args:
        app: As gunicorn is told, such as `wsgi:app`.
        folder: Takes the log.
        probe: A request; once it is answered, whatever the answer, the server has started.
        variables: Of the environment, over those that we have ourselves.
        options: Of gunicorn, over what its configuration file says.
    """
    port = _free_port()
    address = {"CCP_HOST": "127.0.0.1", "CCP_PORT": str(port)}
    log = folder / f"{app.partition(':')[0]}.log"
    started = time.perf_counter()
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", app, f"--bind=127.0.0.1:{port}", *options],
            cwd=_ROOT,
            env={**os.environ, **address, **variables},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C reaches us alone, and we stop it
        )
    try:
        _wait_for_answer(process, port, probe, log)
        yield Server(port, process.pid, time.perf_counter() - started)
    finally:
        _stop(process)


def ask(port: int, request: bytes) -> bytes:
    """
    Send one request on a connection of its own.

    Returns: The whole answer.
    Raises:
        OSError: Nobody listens, or the answer is not whole.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=_START_SECONDS) as connection:
        connection.sendall(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    if not answer:
        raise ConnectionError("no answer")
    return answer


def _wait_for_answer(process: subprocess.Popen[bytes], port: int, probe: bytes, log: Path) -> None:
    deadline = time.perf_counter() + _START_SECONDS
    while time.perf_counter() < deadline and process.poll() is None:
        try:
            ask(port, probe)
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


def _memory(pid: str) -> tuple[float, float]:
    rows = [line.split() for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()]
    kilobytes = {row[0]: int(row[1]) for row in rows[1:]}
    return kilobytes["Rss:"] / 1024, kilobytes["Pss:"] / 1024


def _busy_seconds(pid: str) -> float:
    # Behind the name, which may have spaces, user and system time are the 12th and 13th field.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
