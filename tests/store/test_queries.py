"""What is read of a whole database, by those who run a pool."""

import sqlite3
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccp.domain.identifiers import ISO_15118_2, ISO_15118_20
from ccp.store import Store, StoreUnusable
from ccp.store.queries import (
    ENDING_WITHIN,
    RECORDS_BY_ROOT,
    RecordsOfRoot,
    records_by_root,
    select,
    summarise,
)
from tests.bench.bulk import put_many
from tests.builders import ORIGIN, ROOT_A, ROOT_B, record

OTHER = "FRXYZ123456789"
NAME = "CN=V2G Root CA, DC=V2G, O=Test, C=DE"


def test_records_are_counted_by_root(store: Store, tmp_path: Path) -> None:
    """Those of no known root too; each record once, whatever else it shares with others."""
    for emaid, root in [(None, ROOT_A), (None, ROOT_B), (OTHER, ROOT_A), (OTHER, None)]:
        one = record(*filter(None, [emaid]), root=root)
        store.put(one, ORIGIN)
        store.put(one, ORIGIN)
    assert records_by_root(tmp_path / "ccp.db") == [
        RecordsOfRoot(None, NAME, 1),
        RecordsOfRoot(ROOT_A, NAME, 2),
        RecordsOfRoot(ROOT_B, NAME, 1),
    ]


def test_no_records_are_under_no_root(store: Store, tmp_path: Path) -> None:
    """An empty pool has none."""
    assert records_by_root(tmp_path / "ccp.db") == []


def test_the_messages_are_not_read(store: Store, tmp_path: Path) -> None:
    """SQLite goes through an index, and not through gigabytes."""
    store.put(record(), ORIGIN)
    with closing(sqlite3.connect(tmp_path / "ccp.db")) as connection:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {RECORDS_BY_ROOT}")]
    (scan,) = [step for step in plan if step.startswith("SCAN signed_contract_data")]
    assert "USING COVERING INDEX" in scan
    assert any(step.startswith("SEARCH c USING INTEGER PRIMARY KEY") for step in plan)


def test_what_is_no_pool_s_is_told(tmp_path: Path) -> None:
    """Nothing is made, and another database is not counted."""
    with pytest.raises(StoreUnusable):
        records_by_root(tmp_path / "nothing.db")
    assert not (tmp_path / "nothing.db").exists()
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        connection.execute("CREATE TABLE other (x)")
    with pytest.raises(StoreUnusable, match="no database of a pool"):
        records_by_root(tmp_path / "other.db")


def test_all_records_come_in_the_order_of_puts(store: Store, tmp_path: Path) -> None:
    """Whatever the size of a batch; one that is replaced while they are read is not missed."""
    emaids = [f"DEABC{number:09}" for number in range(250)]
    for emaid in emaids:
        store.put(record(emaid, f"WAUZZZ{emaid[-11:]}"), ORIGIN)
    records = select(tmp_path / "ccp.db")
    first = [next(records).emaid.text for _ in range(120)]
    store.put(record(emaids[249], f"WAUZZZ{emaids[249][-11:]}", meta_data="new"), ORIGIN)
    rest = list(records)
    assert first + [one.emaid.text for one in rest] == [*emaids[:249], emaids[249]]
    assert rest[-1].meta_data == "new"


def test_whoever_pauses_holds_up_no_checkpoint(store: Store, tmp_path: Path) -> None:
    """As a pager does: the write-ahead log is emptied meanwhile."""
    for number in range(150):
        store.put(record(f"DEABC{number:09}", f"WAUZZZ4B0CC{number:06}"), ORIGIN)
    records = select(tmp_path / "ccp.db")
    next(records)
    store.put(record("NLZZZ123456789"), ORIGIN)
    with closing(sqlite3.connect(tmp_path / "ccp.db")) as connection:
        busy, logged, moved = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert (busy, logged, moved) == (0, 0, 0)
    assert len(list(records)) == 150


RECORD = st.fixed_dictionaries(
    {
        "emaid": st.sampled_from(["DEABC", "DEABD", "FRXYZ", "NL8AA"]),
        "wmi": st.sampled_from(["WAU", "WVW", "VF1"]),
        "car": st.integers(0, 5),
        "namespace": st.sampled_from([ISO_15118_2, ISO_15118_20]),
        "root": st.sampled_from([ROOT_A, ROOT_B, None]),
        "ends": st.timedeltas(timedelta(days=-400), timedelta(days=3000)),
    }
)


@settings(max_examples=30)
@given(
    st.lists(RECORD, max_size=40),
    st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_everything_is_counted(tmp_path_factory, drawn, at):
    """As by hand: by eMSP, OEM, root and namespace, and by the month in which they end."""
    path = tmp_path_factory.mktemp("pool") / "ccp.db"
    records = [
        record(
            f"{one['emaid']}{number:09}",
            f"{one['wmi']}ZZZ4B0CC0{one['car']:05}",
            namespace=one["namespace"],
            root=one["root"],
            v2g_root_distinguished_name=f"CN=Root {one['root']}",
            valid_to=(at + one["ends"]).replace(microsecond=0),
        )
        for number, one in enumerate(drawn)
    ]
    put_many(path, records)
    found = summarise(path, at=at)

    def by(key):
        return Counter(map(key, records))

    assert found.records == found.contracts == len(records)
    assert found.cars == len({one.pcid for one in records})
    assert found.by_namespace == by(lambda one: one.namespace)
    assert found.by_provider_id == by(lambda one: one.emaid.text[:5])
    assert found.by_wmi == by(lambda one: one.pcid.text[:3])
    assert found.by_v2g_root == by(lambda one: one.v2g_root_fingerprint or "")
    roots = {one.v2g_root_fingerprint for one in records}
    assert found.v2g_root_names == {root or "": f"CN=Root {root}" for root in roots}
    assert list(found.by_provider_id.values()) == sorted(found.by_provider_id.values())[::-1]
    second = at.replace(microsecond=0)  # what ends now has not ended yet
    assert found.expired == sum(one.valid_to < second for one in records)
    ends = Counter(f"{one.valid_to:%Y-%m}" for one in records if one.valid_to >= second)
    *months, later = found.ending_by_month
    assert (months[0], months[-1], later) == (f"{at:%Y-%m}", months[23], "later")
    assert months == sorted(set(months))
    assert int(months[-1][:4]) * 12 + int(months[-1][5:]) == at.year * 12 + at.month + 23
    told = {month: found.ending_by_month[month] for month in months}
    assert told == {month: ends[month] for month in months}
    assert found.ending_by_month["later"] == ends.total() - sum(told.values())


def test_what_ends_when_is_told_by_an_index(store: Store, tmp_path: Path) -> None:
    """Only by as much of it as ends then."""
    with closing(sqlite3.connect(tmp_path / "ccp.db")) as connection:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {ENDING_WITHIN}", [0, 1]).fetchall()
    (step,) = [row[3] for row in plan]
    assert "USING COVERING INDEX" in step
    assert "valid_to>? AND valid_to<?" in step
