"""The audit trail: a line for each write, and none for what was not written."""

import re
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ccp.errors import EmaidBelongsToOtherPcid
from ccp.identifiers import ISO_15118_2, Emaid, Pcid
from ccp.origin import Origin
from ccp.store import Store
from tests.builders import EMAID_TEXT, PCID_TEXT, ROOT_A, record

EMAID, PCID = Emaid.parse(EMAID_TEXT), Pcid.parse(PCID_TEXT)
OTHER = "FRXYZ123456789"
CPS = Origin("cps-1", ("cps",), "trace-1")
OEM = Origin("oem-1", ("oem", "operator"), "trace-2")


def actions(store: Store) -> list[str]:
    """What was done, in its order."""
    return [line.action for line in store.audit_trail()]


def test_each_write_leaves_a_line(store: Store) -> None:
    """Who, what, which record, in which request: for each of the writing operations."""
    store.put(record(), CPS)
    store.put(record(), CPS)
    store.set_default(EMAID, PCID, OEM)
    store.delete(EMAID, OEM)
    lines = store.audit_trail()
    assert [(x.action, x.subject, x.roles, x.trace_id, x.namespace) for x in lines] == [
        ("put", "cps-1", "cps", "trace-1", ISO_15118_2),
        ("replace", "cps-1", "cps", "trace-1", ISO_15118_2),
        ("set-default", "oem-1", "oem,operator", "trace-2", None),
        ("delete", "oem-1", "oem,operator", "trace-2", None),
    ]
    assert {(x.emaid, x.pcid) for x in lines} == {(EMAID.key, PCID.key)}
    assert [x.v2g_root_fingerprint for x in lines] == [ROOT_A, ROOT_A, None, None]
    assert [x.number for x in lines] == [1, 2, 3, 4]


def test_a_line_has_its_moment(store: Store) -> None:
    """UTC, to the millisecond, in a form that sorts."""
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    store.put(record())
    (line,) = store.audit_trail()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.at)
    assert before <= datetime.fromisoformat(line.at) <= datetime.now(UTC)


def test_what_was_not_written_leaves_no_line(store: Store) -> None:
    """Nothing to delete, nothing to make a default, and an EMAID of another car."""
    store.put(record())
    assert not store.delete(Emaid.parse(OTHER))
    assert not store.set_default(Emaid.parse(OTHER), PCID)
    with pytest.raises(EmaidBelongsToOtherPcid):
        store.put(record(pcid="VF1AAAAA0AA000001"))
    assert actions(store) == ["put"]


@pytest.mark.parametrize("action", ["put", "set_default", "delete"])
def test_a_write_without_its_line_is_undone(store: Store, tmp_path: Path, action: str) -> None:
    """Both are one transaction: where the trail cannot be kept, nothing is written."""
    store.put(record())
    store.put(record(OTHER))
    connection = sqlite3.connect(tmp_path / "ccp.db")
    connection.execute(
        "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'full'); END"
    )
    connection.close()
    before = store.find_by_pcid(PCID, ISO_15118_2)
    write = {
        "put": lambda: store.put(record(exi=b"other")),
        "set_default": lambda: store.set_default(Emaid.parse(OTHER), PCID),
        "delete": lambda: store.delete(EMAID),
    }[action]
    with pytest.raises(sqlite3.IntegrityError, match="full"):
        write()
    assert store.find_by_pcid(PCID, ISO_15118_2) == before


def test_the_trail_can_be_read_in_parts(store: Store) -> None:
    """Of one contract or car, behind a line, and no more lines than asked for."""
    for emaid, pcid in ((EMAID_TEXT, PCID_TEXT), (OTHER, PCID_TEXT), ("FRXYZ999999999", "X" * 17)):
        store.put(record(emaid, pcid))
    assert [x.emaid for x in store.audit_trail(emaid=Emaid.parse(OTHER))] == [OTHER]
    assert len(store.audit_trail(pcid=PCID)) == 2
    assert [x.number for x in store.audit_trail(after=1, most=1)] == [2]
    assert store.audit_trail(emaid=EMAID, pcid=Pcid.parse("X" * 17)) == []
