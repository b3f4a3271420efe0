"""The audit trail: one line for each write, in the transaction that writes."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlite_utils import Database

from ccp.identifiers import Emaid, Pcid
from ccp.origin import Origin


@dataclass(frozen=True, slots=True)
class AuditLine:
    """
    Who did what to which record, and when.

    Attributes:
        number: Grows with each line.
        at: ISO 8601, UTC, with milliseconds.
        action: put, replace, set-default or delete.
        subject, roles, trace_id: See `Origin`; roles joined by commas.
        emaid, pcid: Normalised: upper case, the EMAID without check digit.
        namespace, v2g_root_fingerprint: Of the record put; None where the action was about all of
            the contract's records, or the root is not known.
    """

    number: int
    at: str
    action: str
    subject: str | None
    roles: str
    trace_id: str | None
    emaid: str
    pcid: str
    namespace: str | None
    v2g_root_fingerprint: str | None


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
        INSERT INTO audit (at, action, subject, roles, trace_id, emaid_key, pcid_key, namespace,
                           v2g_root_fingerprint)
        VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        [
            action,
            origin.subject,
            ",".join(origin.roles),
            origin.trace_id,
            emaid.key,
            pcid_key,
            namespace,
            v2g_root_fingerprint,
        ],
    )


def read(
    database: Database, *, emaid: Emaid | None, pcid: Pcid | None, after: int, most: int
) -> Iterator[AuditLine]:
    """Give the lines behind number *after*, the oldest first; of that contract and car alone."""
    where, values = ["id > ?"], [str(after)]
    if emaid is not None:
        where.append("emaid_key = ?")
        values.append(emaid.key)
    if pcid is not None:
        where.append("pcid_key = ?")
        values.append(pcid.key)
    rows = database.execute(
        f"""
        SELECT id, at, action, subject, roles, trace_id, emaid_key, pcid_key, namespace,
               v2g_root_fingerprint
        FROM audit WHERE {" AND ".join(where)} ORDER BY id LIMIT ?
        """,  # noqa: S608 - the conditions are those above
        [*values, most],
    )
    return (AuditLine(*row) for row in rows)
