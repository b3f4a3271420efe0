"""`ccp stats`: how much there is, counted by hand here."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ccp.domain.identifiers import ISO_15118_2, ISO_15118_20
from ccp.store import Store
from ccp.store.queries import summarise
from tests.builders import NOW, ORIGIN, ROOT_A, ROOT_B, record
from tests.commands.conftest import run


def test_everything_is_counted(here: Path, store: Store) -> None:
    """By edition, eMSP, OEM, root and validity; variants are records of one contract."""
    for emaid, pcid, namespace, root, days in [
        ("DEABC000000001", "WAUZZZ4B0CC012345", ISO_15118_2, ROOT_A, -1),
        ("DEABC000000001", "WAUZZZ4B0CC012345", ISO_15118_2, ROOT_B, 3),
        ("DEABC000000002", "WAUZZZ4B0CC012345", ISO_15118_20, ROOT_A, 20),
        ("FRXYZ000000003", "WVWZZZ4B0CC012345", ISO_15118_2, None, 40),
    ]:
        valid_to = NOW + timedelta(days=days)
        store.put(record(emaid, pcid, namespace=namespace, root=root, valid_to=valid_to), ORIGIN)
    found = summarise(here / "ccp.db", at=NOW)
    assert (found.records, found.contracts, found.cars) == (4, 3, 2)
    assert found.by_namespace == {ISO_15118_2: 3, ISO_15118_20: 1}
    assert found.by_provider_id == {"DEABC": 3, "FRXYZ": 1}
    assert found.by_wmi == {"WAU": 3, "WVW": 1}
    assert found.by_v2g_root == {ROOT_A: 2, ROOT_B: 1, "": 1}
    assert (found.expired, found.expiring_within_7_days, found.expiring_within_30_days) == (1, 1, 2)
    assert (found.audit_lines, found.revoked_certificates) == (4, 0)


def test_people_read_it_and_programs_do(here: Path, store: Store) -> None:
    """The same counts, in columns or in one object."""
    for number in range(12):
        pcid = f"W{number:02}ZZZ4B0CC012345"
        store.put(record(f"DEABC0000000{number:02}", pcid, root=None), ORIGIN)
    told = run("stats").stdout
    counts = json.loads(run("stats", "--json").stdout)
    assert counts["records"] == 12
    assert "records                               12\n" in told
    assert "          12  not known\n" in told
    assert told.count("  W") == 10
    assert "           2  of 2 others" in told
    assert counts["bytes"] == (here / "ccp.db").stat().st_size


def test_an_empty_pool_has_nothing(here: Path, store: Store) -> None:
    """Zeros, and no tables."""
    told = run("stats").stdout
    assert "records                                0\n" in told
    assert "records by" not in told
    assert summarise(here / "ccp.db", at=datetime.now(UTC)).by_wmi == {}
