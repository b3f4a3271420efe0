"""Numbers of records, and of records that end soon."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlite_utils import Database


class Counts(NamedTuple):
    """
    The records of one namespace.

    Attributes:
        expired: Records whose contract has ended.
        expiring: For each number of days, the records whose contract ends within it.
    """

    namespace: str
    stored: int
    expired: int
    expiring: dict[int, int]


def count_records(database: Database, *, at: datetime, days: Sequence[int]) -> list[Counts]:
    """See `Store.count_records`."""
    ends = [int((at + timedelta(days=each)).timestamp()) for each in days]
    now = int(at.timestamp())
    within = "".join(", COUNT(*) FILTER (WHERE valid_to BETWEEN ? AND ?)" for _ in days)
    rows = database.execute(
        # Only question marks are inserted. An index covers the query.
        f"""
        SELECT namespace, COUNT(*), COUNT(*) FILTER (WHERE valid_to < ?){within}
        FROM signed_contract_data GROUP BY namespace
        """,  # noqa: S608
        [now, *(moment for end in ends for moment in (now, end))],
    )
    return [
        Counts(namespace, stored, expired, dict(zip(days, expiring, strict=True)))
        for namespace, stored, expired, *expiring in rows
    ]
