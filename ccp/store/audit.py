"""The audit trail: one line for each write, in the transaction that writes."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from sqlite_utils import Database

from ccp.domain.identifiers import Emaid, Pcid
from ccp.domain.origin import Origin
from ccp.store.connections import StoreUnusable, connect

_BUSY_SECONDS = 5
_BATCH = 500


@dataclass(frozen=True, slots=True)
class AuditLine:
    """
    Who did what to which record, and when.

    Attributes:
        number: Grows with each line.
        at: ISO 8601, UTC, with milliseconds.
        action: put, replace, set-default, revoke or delete; of a record that left by itself
            cleanse-expired, cleanse-revoked or cleanse-unreachable; of old lines of the trail that
            were removed TRIM.
        subject, roles, ids, trace_id: See `Origin`; roles and ids joined by commas.
        emaid, pcid: Normalised: upper case, the EMAID without check digit. A contract that has
            gone while it was revoked has no PCID; where lines were removed both are empty.
        namespace, v2g_root_fingerprint: Of the record put or cleansed; None where the action was
            about all of the contract's records, or the root is not known.
    """

    number: int
    at: str
    action: str
    subject: str | None
    roles: str
    ids: str
    trace_id: str | None
    emaid: str
    pcid: str
    namespace: str | None
    v2g_root_fingerprint: str | None


TRIM = "trim"
"""What the trail calls the removal of its own old lines."""

_TRIM_BATCH = 1000


def timestamp(moment: datetime) -> str:
    """Write a moment, aware UTC, as ISO 8601 with milliseconds."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def note(
    database: Database,
    origin: Origin,
    action: str,
    emaid: Emaid,
    pcid_key: str,
    *,
    namespace: str | None = None,
    v2g_root_fingerprint: str | None = None,
) -> None:
    """Add a line; the caller has begun the transaction of the write that it is about."""
    _insert(database, origin, action, emaid.key, pcid_key, namespace, v2g_root_fingerprint)


def _insert(
    database: Database,
    origin: Origin,
    action: str,
    emaid_key: str = "",
    pcid_key: str = "",
    namespace: str | None = None,
    v2g_root_fingerprint: str | None = None,
) -> None:
    database.execute(
        """
        INSERT INTO audit (at, action, subject, roles, ids, trace_id, emaid_key, pcid_key,
                           namespace, v2g_root_fingerprint)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        [
            timestamp(origin.at),
            action,
            origin.subject,
            ",".join(origin.roles),
            ",".join(origin.ids),
            origin.trace_id,
            emaid_key,
            pcid_key,
            namespace,
            v2g_root_fingerprint,
        ],
    )


def last_moment(database: Database) -> datetime | None:
    """Return the moment of the last line, aware UTC; None where there is no line."""
    row = database.execute("SELECT at FROM audit ORDER BY id DESC LIMIT 1").fetchone()
    with suppress(ValueError):  # of a line that the pool has not written itself
        return None if row is None else datetime.fromisoformat(row[0])
    return None


class Trimmed(NamedTuple):
    """
    One batch of a trail that is being trimmed.

    Attributes:
        position: Number of the last line of the batch; that of the batch before if the trimming is
            over.
        removed: How many lines of the batch were removed.
    """

    position: int
    removed: int


def trim(
    database: Database, origin: Origin, *, before: datetime, after: int = 0, is_noted: bool = False
) -> Trimmed:
    """
    Remove the old lines of one batch; the first batch that has any notes it in the trail.

    The note comes first, so that a number is never given twice. The trimming is over with the first
    batch that has no old line. A batch that ends in the future does not count: its lines were
    written while the clock was ahead, and older lines may be behind them.

    Args:
        origin: Its moment is the present.
        before: Lines that were written before are removed; aware UTC.
        after: Number of the line behind which the batch begins.
        is_noted: Whether a batch before has noted it.
    """
    limit = timestamp(before)
    lines = database.execute(
        "SELECT id, at FROM audit WHERE id > ? ORDER BY id LIMIT ?", [after, _TRIM_BATCH]
    ).fetchall()
    if not lines:
        return Trimmed(after, 0)
    last, last_at = lines[-1]
    removed = sum(at < limit for _, at in lines)
    if not removed:
        return Trimmed(last if last_at > timestamp(origin.at) else after, 0)
    if not is_noted:
        said = f"removed lines written before {limit}"
        subject = f"{origin.subject}: {said}" if origin.subject else said
        _insert(database, replace(origin, subject=subject), TRIM)
    database.execute("DELETE FROM audit WHERE id > ? AND id <= ? AND at < ?", [after, last, limit])
    return Trimmed(last, removed)


def read_audit_trail(
    path: Path, *, emaid: Emaid | None = None, pcid: Pcid | None = None, after: int = 0
) -> Iterator[AuditLine]:
    """
    Yield the lines that a pool's audit trail has now, the oldest first; nothing is written.

    The lines are read some at a time. A caller that pauses between two of them, as a pager does,
    holds no lock: the write-ahead log of a running pool does not grow meanwhile.

    Args:
        path: Of the database; it may be in use.
        emaid, pcid: Of this contract or car alone.
        after: Behind the line of this number.
    Raises:
        StoreUnusable: There is no database, or it is not one of a pool that keeps a trail.
    """
    where, keys = ["id > ?", "id <= ?"], []
    if emaid is not None:
        where.append("emaid_key = ?")
        keys.append(emaid.key)
    if pcid is not None:
        where.append("pcid_key = ?")
        keys.append(pcid.key)
    query = f"""
        SELECT id, at, action, subject, roles, ids, trace_id, emaid_key, pcid_key,
               namespace, v2g_root_fingerprint
        FROM audit WHERE {" AND ".join(where)} ORDER BY id LIMIT {_BATCH}
        """  # noqa: S608 - the conditions are those above
    try:
        with closing(connect(path, "ro", timeout_seconds=_BUSY_SECONDS)) as connection:
            (last,) = connection.execute("SELECT max(id) FROM audit").fetchone()
            while rows := connection.execute(query, [after, last, *keys]).fetchall():
                yield from (AuditLine(*row) for row in rows)
                after = rows[-1][0]
    except sqlite3.DatabaseError as error:
        raise StoreUnusable(f"the audit trail of {path} cannot be read: {error}") from error
