"""PUT in strict mode, by one writer and by many, next to what SQLite allows; the bulk path."""

import random
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.bench.bulk import put_many
from tests.bench.contracts import CARS
from tests.bench.data import Data
from tests.bench.figures import ratios
from tests.bench.operations import PUT
from tests.bench.options import Options
from tests.bench.servers import ROOT, Server, environment, pool
from tests.bench.table import Goal, Report
from tests.bench.wrk import Load, load, save_requests

_CONNECTIONS = (1, 16, 128)
_SECONDS = 2
_ROWS = 20_000  # that the bulk path writes
_SEED = 15118  # of the order of measurements
_PART_GOAL = Goal(">=", 0.3)
_MANY_GOAL = Goal(">=", 3)
_SLOW_DISK = Path(__file__).with_name("slow_disk.c")


@dataclass(slots=True)
class Disk:
    """
    A disk, and what was measured on it; a value for each round.

    Attributes:
        name: Goes into the table, after a comma.
        variables: Of the environment, that make it what it is.
        server: A pool on it.
        rows: A database on it, of rows alone.
        loads: By connections.
        raw: Upserts per second of one writer.
    """

    name: str
    variables: Mapping[str, str]
    server: Server
    rows: Path
    loads: dict[int, list[Load]] = field(default_factory=lambda: {n: [] for n in _CONNECTIONS})
    raw: list[float] = field(default_factory=list)


def main(options: Options, data: Data, report: Report) -> None:
    """
    Put contracts that verify, and replace those that the pool has; then rows alone.

    All of it on this machine's disk, and on one that is slower to write for good: what comes at
    once is committed together, so many writers wait for it once.
    """
    requests = options.folder / "requests"
    save_requests(requests, map(PUT.request, data.contracts))
    kinds = {"": {}} | _slow_disk(options.folder)
    with ExitStack() as stack:
        disks = [
            _disk(name, variables, options.folder, data, stack) for name, variables in kinds.items()
        ]
        for disk in disks:
            load(disk.server, requests, 16, _SECONDS)  # warms up
        order = random.Random(_SEED)  # noqa: S311 - nobody has to guess it
        for _ in range(options.rounds):
            for disk in order.sample(disks, len(disks)):
                for connections in order.sample(_CONNECTIONS, len(_CONNECTIONS)):
                    measured = load(disk.server, requests, connections, _SECONDS)
                    disk.loads[connections].append(measured)
                disk.raw.append(_upserts_per_second(disk))
    report.details["put"] = {}
    for disk in disks:
        _report(disk, report)
    if len(disks) == 1:
        report.skip("PUT on a slower disk", "there is no C compiler to make one")
    bulk = [_rows_per_second(options.folder / "bulk.db", data) for _ in range(options.rounds)]
    report.add("Contracts a second by the bulk path", bulk)


def _slow_disk(folder: Path) -> dict[str, dict[str, str]]:
    """Make one, where there is a C compiler."""
    if shutil.which("cc") is None:
        return {}
    library = folder / "slow_disk.so"
    command = ["cc", "-shared", "-fPIC", "-o", str(library), str(_SLOW_DISK), "-ldl"]
    subprocess.run(command, check=True)
    return {", disk of 2 ms": {"LD_PRELOAD": str(library)}}


def _disk(
    name: str, variables: Mapping[str, str], folder: Path, data: Data, stack: ExitStack
) -> Disk:
    database = data.copy(CARS, folder / f"pool{len(name)}.db")
    server = stack.enter_context(pool(f"pool{name}", folder, database, data.trust, variables))
    return Disk(name, variables, server, data.copy(CARS, folder / f"rows{len(name)}.db"))


def _upserts_per_second(disk: Disk) -> float:
    command = [sys.executable, "-m", "tests.bench.upserts", str(disk.rows), str(_SECONDS)]
    told = subprocess.run(
        command,
        cwd=ROOT,
        env=environment(disk.variables),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return float(told.stdout)


def _report(disk: Disk, report: Report) -> None:
    speeds = {number: [each.speed for each in loads] for number, loads in disk.loads.items()}
    print(f"\nRows alone{disk.name}, one writer, per second: {_listed(disk.raw)}")
    for connections, values in speeds.items():
        errors = [each.errors for each in disk.loads[connections] if each.errors]
        print(f"PUT{disk.name}, {connections} connections: {_listed(values)} {errors or ''}")
    report.add(
        f"PUT{disk.name}, 1 connection: part of raw upserts",
        ratios(speeds[1], disk.raw),
        _PART_GOAL,
    )
    for connections in _CONNECTIONS[1:]:
        report.add(
            f"PUT{disk.name}, {connections} connections: times 1 connection",
            ratios(speeds[connections], speeds[1]),
            _MANY_GOAL,
        )
    report.details["put"][disk.name] = {
        "raw_per_second": disk.raw,
        "loads": {number: [asdict(each) for each in loads] for number, loads in disk.loads.items()},
    }


def _listed(values: list[float]) -> str:
    return " ".join(f"{value:.0f}" for value in values)


def _rows_per_second(database: Path, data: Data) -> float:
    records = list(data.spread(_ROWS))
    started = time.perf_counter()
    put_many(database, records)
    seconds = time.perf_counter() - started
    database.unlink()
    return _ROWS / seconds
