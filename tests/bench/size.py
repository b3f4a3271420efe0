"""Pools of a thousand to a million contracts: answers, start, memory, bytes on disk."""

import random
import sqlite3
from contextlib import ExitStack, closing
from dataclasses import asdict
from pathlib import Path
from statistics import median

from tests.bench.contracts import CARS
from tests.bench.data import SIZES, Data, TooLittleDisk
from tests.bench.figures import ratios
from tests.bench.operations import POST, READS, Operation
from tests.bench.options import Options
from tests.bench.servers import DEFAULTS, Server, pool
from tests.bench.table import Goal, Report
from tests.bench.wrk import Load, let_all_cars_ask, load, save_requests

_CONNECTIONS = 16
_ROUNDS = 2  # in each of those asked for: the times are to be close
_STARTS = 3
_REQUESTS_FOR_MEMORY = 10_000  # of each worker
_SEED = 15118  # of the order of measurements
_OPERATIONS = (*READS, POST)
_TABLES = ("signed_contract_data", "default_contract", "audit")

_FLAT_GOAL = Goal("<=", 1.2)
_START_GOAL = Goal("<", 2)
_MEMORY_GOAL = Goal("<", 120)
_BYTES_GOAL = Goal("<", 1.6)


def main(options: Options, data: Data, report: Report) -> None:
    """Measure pools of all sizes, which are up at the same time; they are read, and not written."""
    databases: dict[int, Path] = {}
    for size in options.sizes:
        try:
            databases[size] = data.database(size)
        except TooLittleDisk as error:
            report.skip(f"{size:,} contracts", str(error))
    for size in sorted({min(databases), max(databases)}):
        _measure_start(databases[size], size, options.folder, data.trust, report)
    with ExitStack() as stack:
        servers = {
            size: stack.enter_context(pool(f"pool of {size}", options.folder, path, data.trust))
            for size, path in databases.items()
        }
        loads = _measure_answers(servers, options, data)
        _report_answers(loads, report)
        asked = sum(each.requests for rounds in loads.values() for each in rounds[max(rounds)])
        _measure_memory(servers[max(databases)], asked, options, report)
    _measure_bytes(databases[max(databases)], max(databases), report)


def _measure_start(database: Path, size: int, folder: Path, trust: Path, report: Report) -> None:
    starts = []
    for _ in range(_STARTS):
        with pool("start", folder, database, trust) as server:
            starts.append(server.start_seconds)
    report.add(f"{size:,} contracts: seconds until the first answer", starts, _START_GOAL)


def _measure_answers(
    servers: dict[int, Server], options: Options, data: Data
) -> dict[Operation, dict[int, list[Load]]]:
    """Measure each operation at one size after the other, in another order each round."""
    files = {operation: options.folder / f"{operation.name}.all" for operation in _OPERATIONS}
    for operation, file in files.items():
        save_requests(file, map(operation.request, data.contracts))
    for server in servers.values():  # warms up
        for file in files.values():
            load(server, file, _CONNECTIONS, options.seconds)
        let_all_cars_ask(server, files[POST], CARS)
    order = random.Random(_SEED)  # noqa: S311 - nobody has to guess it
    loads: dict[Operation, dict[int, list[Load]]] = {
        operation: {size: [] for size in servers} for operation in _OPERATIONS
    }
    for _ in range(_ROUNDS * options.rounds):
        for operation, by_size in loads.items():
            for size in order.sample(list(servers), len(servers)):
                measured = load(servers[size], files[operation], _CONNECTIONS, options.seconds)
                by_size[size].append(measured)
    return loads


def _report_answers(loads: dict[Operation, dict[int, list[Load]]], report: Report) -> None:
    print(f"\np50 in ms by number of contracts, {_CONNECTIONS} connections, medians of the rounds")
    for operation, by_size in loads.items():
        p50 = {size: [each.p50_ms for each in by_size[size]] for size in by_size}
        columns = "".join(f"{size:>13,}: {median(values):5.2f}" for size, values in p50.items())
        print(f"{operation.label:28}{columns}")
        least, *others = p50
        for size in others:
            what = f"{operation.label}: p50 at {size:,} contracts, times {least:,}"
            goal = _FLAT_GOAL if size == SIZES[-1] else None
            report.add(what, ratios(p50[size], p50[least]), goal)
    report.details["size"] = [
        {"operation": operation.name, "contracts": size, "loads": [asdict(each) for each in rounds]}
        for operation, by_size in loads.items()
        for size, rounds in by_size.items()
    ]


def _measure_memory(server: Server, asked: int, options: Options, report: Report) -> None:
    """Look at the workers when they have answered many requests, *asked* of them until now."""
    while asked < _REQUESTS_FOR_MEMORY * DEFAULTS.workers:
        for operation in _OPERATIONS:
            file = options.folder / f"{operation.name}.all"
            asked += load(server, file, _CONNECTIONS, options.seconds).requests
    if not (memory := server.worker_memory()):
        report.skip("Memory of a worker", "this system does not tell it", _MEMORY_GOAL)
        return
    resident, proportional = zip(*memory, strict=True)
    report.add("Memory of a worker in MB, what is shared counted whole", resident, _MEMORY_GOAL)
    report.add("Memory of a worker in MB, what is shared counted in parts", proportional)


def _measure_bytes(database: Path, size: int, report: Report) -> None:
    """Compare the file with what is in it, and with the messages alone."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        stored = 0
        for table in _TABLES:
            names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            lengths = " + ".join(f"coalesce(length({name}), 0)" for name in names)
            (bytes_of_table,) = connection.execute(
                f"SELECT sum({lengths}) FROM {table}"  # noqa: S608 - the names are the table's own
            ).fetchone()
            stored += bytes_of_table
        (messages,) = connection.execute(
            "SELECT sum(length(installation_res_exi)) FROM signed_contract_data"
        ).fetchone()
    on_disk = database.stat().st_size
    report.add(
        f"{size:,} contracts: database, times the bytes stored", [on_disk / stored], _BYTES_GOAL
    )
    report.add(f"{size:,} contracts: database, times the messages", [on_disk / messages])
    report.details["bytes"] = {
        "contracts": size,
        "database": on_disk,
        "stored": stored,
        "messages": messages,
    }
