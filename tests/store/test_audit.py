"""The audit trail: a line for each write, and none for what was not written."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from ccp.domain.errors import EmaidBelongsToOtherPcid
from ccp.domain.identifiers import ISO_15118_2, Emaid, Pcid
from ccp.domain.origin import Origin
from ccp.store import AuditLine, Store, StoreUnusable, read_audit_trail
from tests.builders import EMAID_TEXT, NOW, ORIGIN, PCID_TEXT, ROOT_A, ROOT_B, record

EMAID, PCID = Emaid.parse(EMAID_TEXT), Pcid.parse(PCID_TEXT)
OTHER = "FRXYZ123456789"
CPS = Origin(at=NOW, subject="cps-1", roles=("cps",), trace_id="trace-1")
OEM = Origin(
    at=NOW, subject="oem-1", roles=("oem", "operator"), ids=("WAU", "WV1"), trace_id="trace-2"
)


@pytest.fixture
def trail(tmp_path: Path, store: Store) -> Callable[..., list[AuditLine]]:
    """Reads the trail of the store."""
    return lambda **choice: list(read_audit_trail(tmp_path / "ccp.db", **choice))


Trail = Callable[..., list[AuditLine]]


def test_each_write_leaves_a_line(store: Store, trail: Trail) -> None:
    """Who, what, which record, in which request: for each of the writing operations."""
    store.put(record(), CPS)
    store.put(record(), CPS)
    store.set_default(EMAID, PCID, OEM)
    store.delete(EMAID, OEM)
    lines = trail()
    assert [(x.action, x.subject, x.roles, x.ids, x.trace_id, x.namespace) for x in lines] == [
        ("put", "cps-1", "cps", "", "trace-1", ISO_15118_2),
        ("replace", "cps-1", "cps", "", "trace-1", ISO_15118_2),
        ("set-default", "oem-1", "oem,operator", "WAU,WV1", "trace-2", None),
        ("delete", "oem-1", "oem,operator", "WAU,WV1", "trace-2", None),
    ]
    assert {(x.emaid, x.pcid) for x in lines} == {(EMAID.key, PCID.key)}
    assert [x.v2g_root_fingerprint for x in lines] == [ROOT_A, ROOT_A, None, None]
    assert [x.number for x in lines] == [1, 2, 3, 4]


def test_a_line_has_its_moment(store: Store, trail: Trail) -> None:
    """That of the request: UTC, to the millisecond, in a form that sorts."""
    for microsecond in (0, 999_999):
        store.put(record(), Origin(at=NOW.replace(microsecond=microsecond)))
    assert [line.at for line in trail()] == ["2025-06-01T12:00:00.000Z", "2025-06-01T12:00:00.999Z"]


def test_what_was_not_written_leaves_no_line(store: Store, trail: Trail) -> None:
    """Nothing to delete, nothing to make a default, and an EMAID of another car."""
    store.put(record(), ORIGIN)
    assert not store.delete(Emaid.parse(OTHER), ORIGIN)
    assert not store.set_default(Emaid.parse(OTHER), PCID, ORIGIN)
    with pytest.raises(EmaidBelongsToOtherPcid):
        store.put(record(pcid="VF1AAAAA0AA000001"), ORIGIN)
    assert [line.action for line in trail()] == ["put"]


@pytest.mark.parametrize("action", ["put", "set_default", "delete", "remove"])
def test_a_write_without_its_line_is_undone(store: Store, tmp_path: Path, action: str) -> None:
    """Both are one transaction: where the trail cannot be kept, nothing is written."""
    store.put(record(), ORIGIN)
    store.put(record(OTHER), ORIGIN)
    connection = sqlite3.connect(tmp_path / "ccp.db")
    connection.execute(
        "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'full'); END"
    )
    connection.close()
    before = store.with_messages(store.find_by_pcid(PCID, ISO_15118_2))
    write = {
        "put": lambda: store.put(record(exi=b"other"), ORIGIN),
        "set_default": lambda: store.set_default(Emaid.parse(OTHER), PCID, ORIGIN),
        "delete": lambda: store.delete(EMAID, ORIGIN),
        "remove": lambda: store.remove(before, "cleanse-expired", ORIGIN),
    }[action]
    with pytest.raises(sqlite3.IntegrityError, match="full"):
        write()
    assert store.with_messages(store.find_by_pcid(PCID, ISO_15118_2)) == before


def test_the_trail_can_be_read_in_parts(store: Store, trail: Trail) -> None:
    """Of one contract or car, behind a line, and no more lines than asked for."""
    for emaid, pcid in ((EMAID_TEXT, PCID_TEXT), (OTHER, PCID_TEXT), ("FRXYZ999999999", "X" * 17)):
        store.put(record(emaid, pcid), ORIGIN)
    assert [x.emaid for x in trail(emaid=Emaid.parse(OTHER))] == [OTHER]
    assert len(trail(pcid=PCID)) == 2
    assert [x.number for x in trail(after=1)] == [2, 3]
    assert trail(emaid=EMAID, pcid=Pcid.parse("X" * 17)) == []


def test_reader_that_pauses_holds_up_no_checkpoint(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `ccp audit | less` does; the lines are those that were there when it began."""
    monkeypatch.setattr("ccp.store.audit._BATCH", 2)
    for number in range(5):
        store.put(record(f"DEABC{number:09}"), ORIGIN)
    lines = read_audit_trail(tmp_path / "ccp.db")
    seen = [next(lines)]
    for _ in range(2):
        store.put(record("NLZZZ123456789"), ORIGIN)
        with closing(sqlite3.connect(tmp_path / "ccp.db")) as connection:
            checkpoint = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        assert checkpoint == (0, 0, 0)
        seen.append(next(lines))
    seen += lines
    assert [line.number for line in seen] == [1, 2, 3, 4, 5]
    assert [line.emaid for line in seen] == [f"DEABC{number:09}" for number in range(5)]
    assert [line.number for line in read_audit_trail(tmp_path / "ccp.db", after=6)] == [7]


@pytest.mark.parametrize("kind", ["none", "no database", "older"])
def test_reading_makes_and_changes_nothing(tmp_path: Path, kind: str) -> None:
    """What has no trail is told, and left as it is: a pool of an older version still runs on it."""
    path = tmp_path / "other.db"
    if kind == "no database":
        path.write_bytes(b"x" * 100)
    elif kind == "older":
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE signed_contract_data (emaid_key)")
    before = path.read_bytes() if path.exists() else None
    with pytest.raises(StoreUnusable, match=r"audit trail of .*other\.db"):
        list(read_audit_trail(path))
    assert (path.read_bytes() if path.exists() else None) == before
    assert {found.name for found in tmp_path.iterdir()} <= {"other.db"}


def test_each_record_that_is_removed_leaves_a_line(store: Store, trail: Trail) -> None:
    """Which record, and why; also where its certificate is kept as revoked. Nothing, no line."""
    store.put(record(), CPS)
    store.put(record(root=ROOT_B), CPS)
    records = store.find_by_emaid(EMAID, ISO_15118_2)
    store.remove(records[:1], "cleanse-expired", ORIGIN)
    store.remove(records, "cleanse-revoked", ORIGIN, revoke=True)
    lines = trail(after=2)
    assert [(x.action, x.subject, x.namespace, x.v2g_root_fingerprint) for x in lines] == [
        ("cleanse-expired", None, ISO_15118_2, ROOT_B),
        ("cleanse-revoked", None, ISO_15118_2, ROOT_A),
    ]
    assert {(x.emaid, x.pcid) for x in lines} == {(EMAID.key, PCID.key)}
