"""The load: wrk in a process of its own, which sends requests that a file has."""

import json
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.bench.servers import Server

_SCRIPT = Path(__file__).with_name("load.lua")
_PATIENCE_SECONDS = 10  # for one answer
_PASSES = 4  # so that a car is not known to one of two workers in 1 of 8 cases
_ERRORS = ("refused", "connect", "read", "write", "timeout")


@dataclass(frozen=True, slots=True)
class Load:
    """
    What became of the requests of one measurement.

    Attributes:
        requests: That were answered.
        p50_ms, p99_ms, max_ms: How long answers took. wrk adds what it would have seen had it not
            waited for slow answers (coordinated omission).
        errors: By kind, where there were any: refused (a status above 399), connect, read, write,
            timeout.
        busy_seconds: Processor time of the server.
    """

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    errors: dict[str, int]
    busy_seconds: float = 0.0

    @property
    def speed(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds

    @property
    def cpu_ms(self) -> float:
        """The server's processor time for one request, in milliseconds."""
        return 1000 * self.busy_seconds / self.requests


def require_wrk() -> None:
    """
    Look whether there is a load generator.

    Raises:
        SystemExit: There is none.
    """
    if shutil.which("wrk") is None:
        raise SystemExit("The benchmark needs wrk (on Debian: apt-get install wrk).")


def save_requests(file: Path, requests: Iterable[bytes]) -> None:
    """Write HTTP requests for `load`, each behind its length as a decimal line."""
    file.write_bytes(b"".join(b"%d\n%s" % (len(request), request) for request in requests))


def load(server: Server, requests: Path, connections: int, seconds: int) -> Load:
    """
    Send requests over keep-alive connections, each the next one as soon as it has its answer.

    Args:
        requests: Their file; it is begun anew at its end.
        connections: How many are open at the same time.
    Raises:
        RuntimeError: There is not a single answer.
    """
    busy = server.busy_seconds()
    command = ["wrk", "--threads=1", f"--connections={connections}", f"--duration={seconds}s"]
    command += [f"--timeout={_PATIENCE_SECONDS}s", f"--script={_SCRIPT}"]
    command += [f"http://127.0.0.1:{server.port}", "--", str(requests)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    result = read_load(output, busy_seconds=server.busy_seconds() - busy)
    if not result.requests:
        raise RuntimeError(f"{server.name} has answered nothing: {result.errors}")
    return result


def let_all_cars_ask(server: Server, requests: Path, number: int) -> None:
    """
    Have the chains of nearly all cars verified by each worker, whose answers come faster then.

    Args:
        requests: File of the POSTs of so many cars.
    """
    asked = 0
    while asked < _PASSES * number:
        asked += load(server, requests, 16, 2).requests


def read_load(output: str, *, busy_seconds: float) -> Load:
    """
    Read what wrk and its script have printed.

    Raises:
        ValueError: The script has not printed its line.
    """
    found = [line for line in output.splitlines() if line.startswith("{")]
    if not found:
        raise ValueError(f"wrk has printed no result:\n{output}")
    values = json.loads(found[-1])
    counts = {kind: values.pop(kind) for kind in _ERRORS}
    errors = {kind: count for kind, count in counts.items() if count}
    return Load(**values, errors=errors, busy_seconds=busy_seconds)
