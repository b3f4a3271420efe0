"""The audit trail: one line for each write, in the transaction that writes."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlite_utils import Database

from ccp.identifiers import Emaid, Pcid
from ccp.origin import Origin
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
            cleanse-expired, cleanse-revoked or cleanse-unreachable.
        subject, roles, ids, trace_id: See `Origin`; roles and ids joined by commas.
        emaid, pcid: Normalised: upper case, the EMAID without check digit. A contract that has
            gone while it was revoked has no PCID.
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
            emaid.key,
            pcid_key,
            namespace,
            v2g_root_fingerprint,
        ],
    )


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
