"""
All benchmarks, or some: ``python -m tests.bench``, ``python -m tests.bench http put --quick``.

What was measured is printed part by part, then one table with the goals; all of it is written to
build/bench.json. A goal that is missed is no error.
"""

import argparse
import json
import os
import platform
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench import codec, http, put, size, trust
from tests.bench.data import SIZES, Data
from tests.bench.options import Options
from tests.bench.servers import ROOT
from tests.bench.table import Report, Row, write_table
from tests.bench.wrk import require_wrk

PARTS: dict[str, Callable[[Options, Data, Report], None]] = {
    part.__name__.rpartition(".")[2]: part.main for part in (http, size, put, codec, trust)
}


def main(arguments: list[str]) -> None:
    """Measure what is named, print the table and write the file."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # as Ctrl-C: nothing is left running
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; else all")
    parser.add_argument("--quick", action="store_true", help="one round, and small pools")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, default=ROOT / "build" / "bench.json", metavar="FILE")
    told = parser.parse_args(arguments)
    if unknown := set(told.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    require_wrk()
    begun = time.monotonic()
    report = Report()
    data = Data()
    with tempfile.TemporaryDirectory(dir=ROOT / "build", prefix="bench-") as folder:
        options = Options(
            folder=Path(folder),
            rounds=1 if told.quick else told.rounds,
            seconds=1,
            connections=(16,) if told.quick else (16, 128),
            sizes=SIZES[:-1] if told.quick else SIZES,
        )
        for name in told.parts or PARTS:
            print(f"\n== {name}", flush=True)
            (own := Path(folder) / name).mkdir()
            PARTS[name](replace(options, folder=own), data, report)
    print(f"\n{write_table(report.rows)}")
    print(f"\n{(time.monotonic() - begun) / 60:.1f} minutes, {told.json}")
    told.json.write_text(json.dumps(_as_json(report, options), indent=1))


def _as_json(report: Report, options: Options) -> dict[str, Any]:
    revision = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "revision": revision,
        "machine": {
            "processors": os.cpu_count(),
            "system": platform.platform(),
            "python": platform.python_version(),
            "sqlite": sqlite3.sqlite_version,
        },
        "rounds": options.rounds,
        "seconds": options.seconds,
        "rows": [_row(row) for row in report.rows],
        "details": report.details,
    }


def _row(row: Row) -> dict[str, Any]:
    return asdict(row) | {"verdict": row.verdict}


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        raise SystemExit(130) from None
