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
from ccp.store.connect import StoreUnusable, connect

_BUSY_SECONDS = 5
_BATCH = 500


@dataclass(frozen=True, slots=True)
class AuditLine:
    """
    A line of the audit trail: who did what to which record, and when.

    Attributes:
        number: Number of the line, which grows.
        at: ISO 8601, UTC, with milliseconds.
        action: put, replace, set-default, revoke or delete. Cleansing writes cleanse-expired,
            cleanse-revoked or cleanse-unreachable, and TRIM for old lines of the trail.
        subject, roles, ids, trace_id: See `Origin`; roles and ids joined by commas.
        emaid, pcid: Normalised: upper case, the EMAID without check digit. The PCID is
            empty if the contract was removed while it was revoked; both are empty for TRIM.
        namespace, v2g_root_fingerprint: Of the record put or cleansed; None if the action concerns
            all records of the contract, or the root is unknown.
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
"""The action of removing old lines of the trail."""

_TRIM_BATCH = 1000


def timestamp(moment: datetime) -> str:
    """Format a moment, aware UTC, as ISO 8601 with milliseconds."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def record(
    database: Database,
    origin: Origin,
    action: str,
    emaid: Emaid,
    pcid_key: str,
    *,
    namespace: str | None = None,
    v2g_root_fingerprint: str | None = None,
) -> None:
    """Add a line, in the transaction of the write that it records."""
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
    """Return the moment of the last line, aware UTC; None without lines."""
    row = database.execute("SELECT at FROM audit ORDER BY id DESC LIMIT 1").fetchone()
    with suppress(ValueError):  # a line that the pool did not write
        return None if row is None else datetime.fromisoformat(row[0])
    return None


class Trimmed(NamedTuple):
    """
    The result of trimming one batch.

    Attributes:
        position: Number of the last line of the batch; unchanged if the trimming is over.
        removed: The number of lines removed.
    """

    position: int
    removed: int


def trim(
    database: Database, origin: Origin, *, before: datetime, after: int = 0, is_noted: bool = False
) -> Trimmed:
    """
    Remove the old lines of one batch, and record that in the trail once per trimming.

    The TRIM line is added before lines are removed, so that no number is used twice. The trimming
    is over at the first batch without old lines. A batch that ends in the future does not count:
    its lines were written while the clock was ahead, and older lines may follow.

    Args:
        origin: Origin of the trimming; its moment is the present.
        before: Lines older than this moment are removed; aware UTC.
        after: Number of the line after which the batch begins.
        is_noted: Whether an earlier batch has added the TRIM line.
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
    Yield the lines of a pool's audit trail, the oldest first.

    Lines are read in batches. A caller that pauses, as a pager does, holds no lock, so the
    write-ahead log of a running pool does not grow meanwhile.

    Args:
        path: Path of the database, which may be in use.
        emaid, pcid: Yield only lines of this contract or car.
        after: Yield only lines after the one of this number.
    Raises:
        StoreUnusable: There is no database, or it is not one of a pool with an audit trail.
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
