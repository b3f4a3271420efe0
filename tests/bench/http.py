"""
Each operation over HTTP, next to what a user would pick instead.

Requests are for a thousand contracts in turn. The cars that ask have asked before, so that their
chains need not be verified again; what that takes the first time is told by `trust`.
"""

import json
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from ccp.store import SignedContractData
from tests.bench import rivals
from tests.bench.bulk import put_many
from tests.bench.canned import Answers
from tests.bench.contracts import CARS, Contract
from tests.bench.data import Data, to_delete
from tests.bench.figures import ratios
from tests.bench.operations import DELETE, OPERATIONS, POST, READS, Operation
from tests.bench.options import Options
from tests.bench.servers import Server, ask, pool
from tests.bench.table import Goal, Report
from tests.bench.wrk import Load, let_all_cars_ask, load, save_requests

_POOL = "pool"
_WARM_UP_SECONDS = 2
_WARM_UP_CONNECTIONS = 16
_DELETIONS_PER_SECOND = 8000  # more than a pool does, so that they never run out
_SEED = 15118  # of the order of measurements, which is another one in each round

_COMPARED: dict[str, tuple[tuple[Operation, ...], dict[Operation, Goal]]] = {
    rivals.DEFAULT: (
        (*READS, POST),
        {POST: Goal(">=", 1.4)} | dict.fromkeys(READS, Goal(">=", 1.8)),
    ),
    rivals.BARE: (READS, dict.fromkeys(READS, Goal(">=", 0.6))),
    rivals.PRISM: (OPERATIONS, dict.fromkeys(OPERATIONS, Goal(">", 1))),
    rivals.FASTAPI: (READS, {}),
}
"""Rows of the table: the server that the pool is compared with, in which operations; goals."""
_P99_GOAL = Goal("<", 300)
_P99_CONNECTIONS = 128
_P99_SECONDS = 5  # one second is too few requests for the slowest hundredth


@dataclass(slots=True)
class Cell:
    """
    What was measured of one operation with so many connections.

    Attributes:
        loads: By server, one for each round.
        sizes: Of a body that it has answered, in bytes, by server.
    """

    operation: Operation
    connections: int
    loads: dict[str, list[Load]] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)

    def ratios(self, server: str) -> list[float]:
        """The pool's speed in times of that of a server, in each round."""
        ours, theirs = ([each.speed for each in self.loads[name]] for name in (_POOL, server))
        return ratios(ours, theirs)


def main(options: Options, data: Data, report: Report) -> None:
    """Measure the seven operations against all servers, which are up at the same time."""
    database = data.copy(CARS, options.folder / "pool.db")
    deletable = to_delete(data.records(), _DELETIONS_PER_SECOND * options.seconds)
    requests = {
        operation: [operation.request(contract) for contract in data.contracts]
        for operation in OPERATIONS
    }
    requests[DELETE] = [DELETE.request(_named(record)) for record in deletable]
    files = {operation: options.folder / f"{operation.name}.requests" for operation in OPERATIONS}
    for operation, file in files.items():
        save_requests(file, requests[operation])

    def refill(server: Server, operation: Operation) -> None:
        """Let DELETE find all that it may ask for."""
        if operation is DELETE and server.name == _POOL:
            put_many(database, deletable)

    with ExitStack() as stack:
        ours = stack.enter_context(pool(_POOL, options.folder, database, data.trust))
        refill(ours, DELETE)
        answers = _answers(ours, requests)
        servers = [ours, *_start_rivals(options.folder, database, answers, stack)]
        cells = [Cell(each, number) for each in OPERATIONS for number in options.connections]
        for cell in cells:
            for server in servers:
                if server.name != rivals.FASTAPI or cell.operation in READS:
                    refill(server, cell.operation)
                    request = requests[cell.operation][0]
                    cell.loads[server.name] = []
                    cell.sizes[server.name] = _check(server, cell.operation, request, answers)
        _warm_up(servers, requests, files, options)
        slowest = []
        order = random.Random(_SEED)  # noqa: S311 - nobody has to guess it
        for _ in range(options.rounds):
            for cell in order.sample(cells, len(cells)):
                having = [server for server in servers if server.name in cell.loads]
                for server in order.sample(having, len(having)):
                    refill(server, cell.operation)
                    file = files[cell.operation]
                    measured = load(server, file, cell.connections, options.seconds)
                    cell.loads[server.name].append(measured)
            slowest.append(load(ours, files[POST], _P99_CONNECTIONS, _P99_SECONDS))
    _print(cells)
    _report(cells, report)
    what = f"{POST.label}, {_P99_CONNECTIONS} connections: p99 in ms"
    report.add(what, [each.p99_ms for each in slowest], _P99_GOAL)
    report.details["http"] = [_as_json(cell) for cell in cells]


def _named(record: SignedContractData) -> Contract:
    """As much of a contract as DELETE tells."""
    return Contract(record.emaid.text, record.pcid.text, "", b"", b"")


def _answers(ours: Server, requests: dict[Operation, list[bytes]]) -> Answers:
    """
    Ask the pool for each operation once.

    Raises:
        RuntimeError: One does not succeed.
    """
    answers: Answers = {}
    for operation, (first, *_) in requests.items():
        status, body = ask(ours.port, first)
        if status != operation.status:
            raise RuntimeError(f"{operation.name} answered {status}: {body.decode()}")
        answers[operation.name] = status, body.decode()
    return answers


def _start_rivals(
    folder: Path, database: Path, answers: Answers, stack: ExitStack
) -> Iterator[Server]:
    yield stack.enter_context(rivals.default_connexion(folder, answers))
    yield stack.enter_context(rivals.bare_flask(folder, answers))
    yield stack.enter_context(rivals.fastapi(folder, database))
    if not rivals.why_no_prism():
        yield stack.enter_context(rivals.prism(folder, answers))


def _check(server: Server, operation: Operation, request: bytes, answers: Answers) -> int:
    """
    See that a server answers as the pool does; whitespace may differ.

    Returns: How many bytes the body has.
    Raises:
        RuntimeError: It does not.
    """
    expected_status, expected = answers[operation.name]
    status, body = ask(server.port, request)
    if status != expected_status or (expected and json.loads(body) != json.loads(expected)):
        raise RuntimeError(f"{server.name}, {operation.name}: {status}, {body.decode()}")
    return len(body)


def _warm_up(
    servers: list[Server],
    requests: dict[Operation, list[bytes]],
    files: dict[Operation, Path],
    options: Options,
) -> None:
    """Have each server do all that it will do; but nothing is deleted that is read later."""
    file = options.folder / "warm-up.requests"
    for server in servers:
        some = READS if server.name == rivals.FASTAPI else OPERATIONS
        mixed = [requests[operation] for operation in some if operation is not DELETE]
        save_requests(file, (request for turn in zip(*mixed, strict=True) for request in turn))
        load(server, file, _WARM_UP_CONNECTIONS, _WARM_UP_SECONDS)
    let_all_cars_ask(servers[0], files[POST], CARS)


def _print(cells: list[Cell]) -> None:
    print(
        "\nEach operation over HTTP, medians of the rounds. Latencies are in ms; cpu is the"
        "\nserver's processor time for one request, in ms; times is how often the pool is as fast;"
        "\nbytes are those of an answer's body."
    )
    for cell in cells:
        print(f"\n{cell.operation.label}, {cell.connections} connections")
        print(
            f"{'':20}{'req/s':>8}{'p50':>9}{'p99':>9}{'max':>9}{'cpu':>7}{'times':>8}{'bytes':>8}"
            "  errors"
        )
        for name, loads in cell.loads.items():
            speed, p50, p99, cpu = (
                median(getattr(each, what) for each in loads)
                for what in ("speed", "p50_ms", "p99_ms", "cpu_ms")
            )
            worst = max(each.max_ms for each in loads)
            errors = sum((Counter(each.errors) for each in loads), Counter())
            print(
                f"{name:20}{speed:8.0f}{p50:9.1f}{p99:9.1f}{worst:9.1f}{cpu:7.2f}"
                f"{median(cell.ratios(name)):8.2f}{cell.sizes[name]:8}  {dict(errors) or ''}"
            )


def _report(cells: list[Cell], report: Report) -> None:
    for server, (operations, goals) in _COMPARED.items():
        for cell in cells:
            if cell.operation in operations:
                what = f"{cell.operation.label}, {cell.connections} connections: times {server}"
                goal = goals.get(cell.operation)
                if server in cell.loads:
                    if any(each.errors for name in (_POOL, server) for each in cell.loads[name]):
                        what += " (errors!)"
                    report.add(what, cell.ratios(server), goal)
                else:
                    report.skip(what, rivals.why_no_prism(), goal)


def _as_json(cell: Cell) -> dict[str, Any]:
    loads = {name: [asdict(each) for each in loads] for name, loads in cell.loads.items()}
    return {
        "operation": cell.operation.name,
        "connections": cell.connections,
        "loads": loads,
        "bytes": cell.sizes,
    }
