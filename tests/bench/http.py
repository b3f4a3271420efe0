"""Each operation over real HTTP, next to a server that does nothing but answer the same bytes."""

import json
import multiprocessing
import os
import signal
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path

from ccp.settings import server_settings
from tests.bench import load
from tests.bench.bare import ANSWERS_VARIABLE
from tests.bench.load import Load
from tests.bench.material import (
    GET_BY_EMAID,
    OPERATIONS,
    PUT,
    Contract,
    Operation,
    http_request,
    make_contracts,
)
from tests.bench.servers import Server, ask, gunicorn
from tests.builders import BASE

_REQUESTS = {1: 150, 16: 600}  # connections at a time -> requests of one measurement
_ROUNDS = 3
_MOST_SECONDS = 4.0  # of one measurement
_STARTS = 3
_STORED = 500  # contracts that the reading operations find
_REQUESTS_FOR_MEMORY = 10_000  # of each worker
_PROBE = http_request("GET", f"{BASE}/contractData/pcid/WAUZZZ4B0C9999999")

Send = Callable[[Server, Operation, list[Contract], int], Load]


@dataclass(slots=True)
class Row:
    """What was measured of one operation with so many connections; a Load for each round."""

    operation: Operation
    connections: int
    pool: list[Load] = field(default_factory=list)
    bare: list[Load] = field(default_factory=list)


def main() -> None:
    """Measure, and print what was measured."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # as Ctrl-C: nothing is left running
    with _loader() as send, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        starts = []
        for _ in range(_STARTS):
            with _pool(folder) as pool:
                starts.append(pool.start_seconds)
        with _pool(folder) as pool:
            stored = make_contracts(_STORED)
            filling = send(pool, PUT, stored, 4)
            answers = _record_answers(pool, stored[0])
            with _bare(folder, answers) as bare:
                rows = _measure(pool, bare, stored, send)
            sent = filling.taken + sum(each.taken for row in rows for each in row.pool)
            while sent < _REQUESTS_FOR_MEMORY * server_settings().workers:
                sent += send(pool, GET_BY_EMAID, stored, 16).taken
            memory = pool.worker_memory()
    _print_rows(rows, answers)
    print(
        f"\nStart: {statistics.median(starts):.2f} s until the first answer "
        f"({', '.join(f'{seconds:.2f}' for seconds in starts)})."
    )
    for resident, proportional in memory:
        print(
            f"Memory of a worker after {sent} requests to all: {resident:.0f} MB resident, "
            f"{proportional:.0f} MB of it its own or its part of what is shared."
        )


@contextmanager
def _loader() -> Iterator[Send]:
    """Give the way to send requests from a process of its own, which has nothing else to do."""
    with ProcessPoolExecutor(
        max_workers=1,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=signal.signal,
        initargs=(signal.SIGINT, signal.SIG_IGN),  # Ctrl-C is for us
    ) as process:

        def send(
            server: Server, operation: Operation, contracts: list[Contract], connections: int
        ) -> Load:
            requests = [operation.request(contract) for contract in contracts]
            busy_before = server.busy_seconds()
            result = process.submit(
                load.run, server.port, requests, operation.status, connections, _MOST_SECONDS
            ).result()
            result.server_busy_seconds = server.busy_seconds() - busy_before
            return result

        yield send


def _pool(folder: Path) -> AbstractContextManager[Server]:
    variables = {
        "CCP_DATABASE_URL": f"sqlite:///{folder}/ccp.db",
        "CCP_AUTH": "none",
        "CCP_CHECKS": "strict",
    }
    return gunicorn("wsgi:app", folder, _PROBE, variables)


def _bare(folder: Path, answers: dict[str, tuple[int, str]]) -> AbstractContextManager[Server]:
    """Run the bare server with as many workers and threads, and none of the pool's own hooks."""
    path = folder / "answers.json"
    path.write_text(json.dumps(answers))
    return gunicorn(
        "tests.bench.bare:create_app()",
        folder,
        _PROBE,
        {ANSWERS_VARIABLE: str(path)},
        f"--config={os.devnull}",
        "--worker-class=gthread",
        "--preload",
        "--keep-alive=5",
        f"--workers={server_settings().workers}",
        f"--threads={server_settings().threads}",
    )


def _record_answers(pool: Server, stored: Contract) -> dict[str, tuple[int, str]]:
    """Ask for each operation once: operationId -> status and body."""
    [fresh] = make_contracts(1)
    answers = {}
    for operation in OPERATIONS:
        contract = stored if operation.repeatable else fresh
        head, _, body = ask(pool.port, operation.request(contract)).partition(b"\r\n\r\n")
        status = int(head[9:12])
        if status != operation.status:
            raise RuntimeError(f"{operation.name} answered {status}: {body.decode()}")
        answers[operation.name] = status, body.decode()
    return answers


def _measure(pool: Server, bare: Server, stored: list[Contract], send: Send) -> list[Row]:
    """Measure everything once, then everything again: what the machine does meanwhile hits all."""
    rows = [Row(operation, connections) for connections in _REQUESTS for operation in OPERATIONS]
    for _ in range(_ROUNDS):
        fresh: list[Contract] = []
        for row in rows:
            number = _REQUESTS[row.connections]
            if row.operation.repeatable:
                contracts = list(islice(cycle(stored), number))
            else:
                contracts = fresh = make_contracts(number) if row.operation is PUT else fresh
            row.pool.append(send(pool, row.operation, contracts, row.connections))
            row.bare.append(send(bare, row.operation, contracts, row.connections))
            fresh = fresh[: row.pool[-1].taken]  # DELETE finds what PUT has had time to put
    return rows


def _print_rows(rows: list[Row], answers: dict[str, tuple[int, str]]) -> None:
    print(
        "\nEach operation over HTTP. Latencies are in ms; cpu is the workers' processor time for"
        "\none request, in ms. Beside it bare Flask, that answers the same bytes with as many"
        "\nworkers and threads: the pool's speed as a part of it (and of each round), the pool's"
        "\ncpu in times of it."
    )
    for operation in OPERATIONS:
        print(f"\n{operation.name}: answers {len(answers[operation.name][1])} bytes")
        print(
            f"{'connections':>11}{'req/s':>7}{'p50':>7}{'p99':>7}{'max':>8}{'cpu':>6}{'errors':>7}"
            f"  | bare:{'req/s':>6}{'part':>6}{'cpu':>6}{'times':>6}  parts"
        )
        for row in rows:
            if row.operation is operation:
                print(_line(row))
    busy = max(each.busy_seconds / each.seconds for row in rows for each in (*row.pool, *row.bare))
    print(f"\nThe load itself kept one processor busy for at most {busy:.0%} of a measurement.")


def _line(row: Row) -> str:
    latencies = sorted(1000 * seconds for each in row.pool for seconds in each.latencies)
    p50, p99 = (latencies[int(len(latencies) * part)] for part in (0.50, 0.99))
    pool, bare = _speeds(row.pool), _speeds(row.bare)
    parts = [ours / theirs for ours, theirs in zip(pool, bare, strict=True)]
    pool_cpu, bare_cpu = _cpu_ms(row.pool), _cpu_ms(row.bare)
    times = pool_cpu / bare_cpu if bare_cpu else 0.0
    errors = sum(each.errors for each in (*row.pool, *row.bare))
    return (
        f"{row.connections:>11}{statistics.median(pool):>7.0f}{p50:>7.1f}{p99:>7.1f}"
        f"{latencies[-1]:>8.1f}{pool_cpu:>6.2f}{errors:>7}  |{statistics.median(bare):>12.0f}"
        f"{statistics.median(parts):>6.2f}{bare_cpu:>6.2f}{times:>6.1f}"
        f"  {' '.join(f'{part:.2f}' for part in parts)}"
    )


def _speeds(loads: list[Load]) -> list[float]:
    """Requests per second, of each measurement."""
    return [len(each.latencies) / each.seconds for each in loads]


def _cpu_ms(loads: list[Load]) -> float:
    """The server's processor time for one request, over all measurements."""
    return (
        1000 * sum(each.server_busy_seconds for each in loads) / sum(each.taken for each in loads)
    )
