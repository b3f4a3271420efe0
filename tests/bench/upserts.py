"""
The least that a PUT has to do: the same row, as durable, on the same disk, and nothing else.

    python -m tests.bench.upserts DATABASE SECONDS

Replaces the contracts of a database one after the other, each in a transaction of its own, and
prints how many a second.
"""

import sqlite3
import sys
import time
from contextlib import closing
from itertools import cycle
from pathlib import Path

from ccp.store.writes import INSERT
from tests.bench.bulk import connect_durably


def main(database: str, seconds: float) -> None:
    """Replace contracts for so long."""
    with closing(connect_durably(Path(database))) as connection:
        connection.row_factory = sqlite3.Row
        rows = cycle(list(map(dict, connection.execute("SELECT * FROM signed_contract_data"))))
        number, started = 0, time.perf_counter()
        while time.perf_counter() - started < seconds:
            connection.execute(INSERT, next(rows))
            number += 1
        print(number / (time.perf_counter() - started))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
