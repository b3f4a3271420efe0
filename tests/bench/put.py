"""PUT in strict mode, by one writer and by many, next to what SQLite allows; the bulk path."""

import random
import time
from dataclasses import asdict
from pathlib import Path

from tests.bench.bulk import put_many, upserts_per_second
from tests.bench.contracts import CARS
from tests.bench.data import Data
from tests.bench.figures import ratios
from tests.bench.operations import PUT
from tests.bench.options import Options
from tests.bench.servers import pool
from tests.bench.table import Goal, Report
from tests.bench.wrk import Load, load, save_requests

_CONNECTIONS = (1, 16, 128)
_SECONDS = 2
_ROWS = 20_000  # that the bulk path writes
_SEED = 15118  # of the order of measurements
_PART_GOAL = Goal(">=", 0.3)
_MANY_GOAL = Goal(">=", 3)


def main(options: Options, data: Data, report: Report) -> None:
    """
    Put contracts that verify, and replace those that the pool has; then rows alone.

    The rows are those that PUT writes, without default and audit trail, each in a transaction of
    its own, as durable, in another file on the same disk.
    """
    folder = options.folder
    rows = data.copy(CARS, folder / "rows.db")
    records = data.records()
    requests = folder / "requests"
    save_requests(requests, map(PUT.request, data.contracts))
    loads: dict[int, list[Load]] = {number: [] for number in _CONNECTIONS}
    raw = []
    with pool("pool", folder, data.copy(CARS, folder / "pool.db"), data.trust) as server:
        load(server, requests, 16, _SECONDS)  # warms up
        order = random.Random(_SEED)  # noqa: S311 - nobody has to guess it
        for _ in range(options.rounds):
            for connections in order.sample(_CONNECTIONS, len(_CONNECTIONS)):
                loads[connections].append(load(server, requests, connections, _SECONDS))
                if connections == 1:
                    raw.append(upserts_per_second(rows, records, _SECONDS))
    speeds = {number: [each.speed for each in each_load] for number, each_load in loads.items()}
    print(f"\nRows alone, one writer, per second: {' '.join(f'{speed:.0f}' for speed in raw)}")
    for connections, values in speeds.items():
        times = " ".join(f"{value:.0f}" for value in values)
        errors = [each.errors for each in loads[connections] if each.errors]
        print(f"PUT, {connections} connections, per second: {times} {errors or ''}")
    report.add("PUT, 1 connection: part of raw upserts", ratios(speeds[1], raw), _PART_GOAL)
    for connections in _CONNECTIONS[1:]:
        report.add(
            f"PUT, {connections} connections: times 1 connection",
            ratios(speeds[connections], speeds[1]),
            _MANY_GOAL,
        )
    bulk = [_rows_per_second(folder / "bulk.db", data) for _ in range(options.rounds)]
    report.add("Contracts a second by the bulk path", bulk)
    report.details["put"] = {
        "raw_per_second": raw,
        "loads": {
            number: [asdict(each) for each in each_load] for number, each_load in loads.items()
        },
    }


def _rows_per_second(database: Path, data: Data) -> float:
    records = list(data.spread(_ROWS))
    started = time.perf_counter()
    put_many(database, records)
    seconds = time.perf_counter() - started
    database.unlink()
    return _ROWS / seconds
