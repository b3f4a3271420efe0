"""Limits of a cleansing: how much may leave in a run, and by which clock; and the old trail."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ccp.cleansing import Cleansing, CleansingRefused, Limits, RegularCleansing, Report
from ccp.cleansing.limits import FLOOR
from ccp.store import AuditLine, Store, read_audit_trail
from ccp.workshop import EDITION_2
from tests.builders import NOW, ORIGIN, record
from tests.cleansing.world import LIMITS, World
from tests.conftest import make_settings

DAY = timedelta(days=1)
PCID = EDITION_2.pcid


def emaid(number: int) -> str:
    """One of many contracts."""
    return f"DEWRKC0000{number:04}"


def pcid(number: int) -> str:
    """A car of its own for each contract: one car can have 64 of them."""
    return f"WRKSH0PCAR{number:07}"


def fill(store: Store, expired: int, others: int) -> None:
    """Store contracts that expired a second ago, and others that are valid for years."""
    for number in range(expired + others):
        end = NOW - timedelta(seconds=1) if number < expired else NOW + 1000 * DAY
        store.put(record(emaid(number), pcid(number), valid_to=end), ORIGIN)


def count(world: World) -> int:
    """How many records are stored."""
    return sum(one.stored for one in world.store.count_records(at=NOW, days=()))


@pytest.mark.parametrize(
    ("records", "most"), [(0, FLOOR), (1, FLOOR), (20, FLOOR), (50, FLOOR), (100, 20), (999, 199)]
)
def test_limits_most_is_the_share_with_a_floor(records: int, most: int) -> None:
    """By default 20 %, and ten records in a small pool."""
    assert LIMITS.most(records) == most
    LIMITS.require_few(most, records)
    with pytest.raises(CleansingRefused, match=f"At least {most + 1} of {records} records"):
        LIMITS.require_few(most + 1, records)


def test_limits_clock_ahead_of_the_last_run_is_refused() -> None:
    """By more than the setting; a pool that has never written has nothing to compare with."""
    LIMITS.require_clock(NOW, None)
    LIMITS.require_clock(NOW, NOW + 99 * DAY)
    LIMITS.require_clock(NOW, NOW - 30 * DAY)
    with pytest.raises(CleansingRefused, match=r"The clock says 2025-06-01T12:00:00Z, .*--force"):
        LIMITS.require_clock(NOW, NOW - 30 * DAY - timedelta(seconds=1))


def test_limits_of_settings_schedule_of_the_pool_is_plausible(tmp_path: Path) -> None:
    """A pool that is cleansed once a year does not refuse its second cleansing."""
    given = {"cleanse_max_percent": "2.5", "cleanse_clock_days": "7"}
    limits = Limits.of(make_settings(tmp_path, **given))
    assert (limits.percent, limits.clock_ahead) == (2.5, 7 * DAY)
    yearly = Limits.of(make_settings(tmp_path, cleanse_hours="8760", **given))
    assert yearly.clock_ahead == 730 * DAY


@pytest.mark.parametrize("ahead", [timedelta(days=3652), timedelta(days=29)])
def test_cleansing_clock_ahead_removes_nothing(world: World, ahead: timedelta) -> None:
    """20 of 20 contracts would leave: by the jump of the clock, or by their number."""
    for number in range(20):
        world.store.put(record(emaid(number), PCID, valid_to=NOW + 20 * DAY), ORIGIN)
    world.now = NOW + ahead
    with pytest.raises(CleansingRefused):
        world.run()
    with pytest.raises(CleansingRefused):
        world.run(revocation=False)
    assert count(world) == 20
    assert world.run(dry_run=True)[0] == Report(records=20, expired=20)
    assert count(world) == 20
    assert world.run(force=True)[0] == Report(records=20, expired=20)
    assert count(world) == 0


def test_cleansing_last_run_shows_that_the_clock_is_right(world: World) -> None:
    """A pool that nobody writes into is cleansed all the same, if it was cleansed lately."""
    fill(world.store, expired=0, others=1)
    world.now = NOW + 90 * DAY
    services = world.services

    def cleansing(last_run):
        return Cleansing(
            world.store,
            services.trusted,
            world.clock,
            removes_unreachable=False,
            limits=LIMITS,
            last_run=lambda: last_run,
        )

    for last_run in (None, NOW - DAY, NOW + 59 * DAY):
        with pytest.raises(CleansingRefused):
            world.run(cleansing(last_run))
    assert world.run(cleansing(NOW + 60 * DAY))[0].records == 1


@pytest.mark.parametrize(("expired", "is_refused"), [(20, False), (21, True)])
def test_cleansing_share_of_expired_records_decides(
    world: World, expired: int, is_refused: bool
) -> None:
    """Of 100 records 20 may leave; of one more none does."""
    fill(world.store, expired, 100 - expired)
    if is_refused:
        with pytest.raises(CleansingRefused, match="At least 21 of 100 records"):
            world.run(revocation=False)
    else:
        world.run(revocation=False)
    assert count(world) == (100 if is_refused else 80)


def revoke_many(world: World, number: int) -> None:
    """Store contracts whose certificates the pool knows to be revoked."""
    for n in range(number):
        one = record(emaid(n), PCID, valid_to=NOW + 99 * DAY, contract_certificate_der=b"%d" % n)
        world.store.put(one, ORIGIN)
        world.store.record_revoked(one.emaid, one.contract_certificate_der, ORIGIN)


def test_cleansing_too_many_revoked_records_none_of_them_leaves(world: World) -> None:
    """As where a CA's answers are wrong: what is revoked is counted before it leaves."""
    revoke_many(world, FLOOR + 1)
    with pytest.raises(CleansingRefused, match="At least 11 of 11 records"):
        world.run()
    assert count(world) == FLOOR + 1
    assert world.run(force=True)[0].revoked == FLOOR + 1
    assert count(world) == 0


def test_cleansing_expired_and_revoked_records_count_together(world: World) -> None:
    """Five and six of eleven are too many together."""
    revoke_many(world, 6)
    for number in range(100, 105):
        world.store.put(record(emaid(number), PCID, valid_to=NOW - DAY), ORIGIN)
    with pytest.raises(CleansingRefused, match="At least 11 of 11 records"):
        world.run()
    assert count(world) == 11


def test_cleansing_clock_jumps_during_the_run_nothing_leaves(world: World) -> None:
    """Behind the first hundred records all others have expired, by the clock."""
    fill(world.store, expired=0, others=150)
    world.settings = replace(world.settings, audit_days=10)

    def jump(_: int) -> None:
        world.now = NOW + 3652 * DAY

    with pytest.raises(CleansingRefused, match="At least 50 of 150 records"):
        world.run(world.make_cleansing(), progress=jump)
    assert count(world) == 150
    world.now = NOW
    assert len(lines_of(world)) == 150


def test_cleansing_record_replaced_while_others_are_judged_stays(world: World) -> None:
    """What leaves last is looked at again."""
    revoke_many(world, 2)
    renewed = record(emaid(0), PCID, valid_to=NOW + 99 * DAY, exi=b"renewed")

    def put_renewed(_: int) -> None:
        world.store.put(renewed, ORIGIN)

    report, _ = world.run(progress=put_renewed)
    assert (report.revoked, report.kept) == (1, 1)
    assert [one.installation_res_exi for one in world.records()] == [b"renewed"]


def test_regular_cleansing_refused_is_told_once_and_not_noted(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log says why; a refused run is not the last run, which would excuse the clock."""
    monkeypatch.setattr("ccp.cleansing.regular._LOOK_SECONDS", 0.01)
    fill(world.store, expired=20, others=0)
    lock = tmp_path / "lock"
    regular = RegularCleansing(world.make_cleansing(), lock, hours=24, clock=world.clock)

    async def scenario() -> None:
        async with asyncio.timeout(20), regular.kept_fresh():
            while not any(line["event"] == "cleansing refused" for line in lines):
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)

    with capture_logs() as lines:
        asyncio.run(scenario())
    (refused,) = [line for line in lines if line["event"] == "cleansing refused"]
    assert "20 of 20 records" in refused["error"]
    assert count(world) == 20
    assert lock.read_bytes() == b""


def write_trail(store: Store, *days: int) -> None:
    """Leave a line in the trail so many days ago."""
    for number, ago in enumerate(days):
        store.put(record(emaid(number), PCID, valid_to=NOW + 999 * DAY), at(ago))


def at(days_ago: int):
    """Who wrote something, and when."""
    return replace(ORIGIN, at=NOW - days_ago * DAY, subject="cps-1")


def lines_of(world: World) -> list[AuditLine]:
    """The trail."""
    return list(read_audit_trail(world.settings.database_path))


@pytest.mark.parametrize("batch", [1000, 3, 1])
def test_cleansing_trims_the_audit_trail_and_notes_it(
    world: World, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    """Old lines leave, in batches of any size; one line says until when."""
    monkeypatch.setattr("ccp.store.audit._TRIM_BATCH", batch)
    monkeypatch.setattr("ccp.cleansing.cleansing._TRIM_REST_SECONDS", 0)
    world.settings = replace(world.settings, audit_days=10)
    write_trail(world.store, 400, 90, 11, 11, 10, 1, 0)
    world.run(world.make_cleansing())
    *kept, note = lines_of(world)
    assert [(one.number, one.action) for one in kept] == [(5, "put"), (6, "put"), (7, "put")]
    assert (note.number, note.action, note.emaid, note.pcid) == (8, "trim", "", "")
    assert note.subject == "removed lines written before 2025-05-22T12:00:00.000Z"
    world.run(world.make_cleansing())
    assert lines_of(world) == [*kept, note]


def test_cleansing_keeps_the_whole_trail_by_default(world: World) -> None:
    """However old it is; and what is only shown trims nothing."""
    write_trail(world.store, 4000, 0)
    world.run()
    world.settings = replace(world.settings, audit_days=10)
    world.run(world.make_cleansing(), dry_run=True)
    assert [one.action for one in lines_of(world)] == ["put", "put"]


def test_cleansing_refused_keeps_the_trail(world: World) -> None:
    """A clock that is ahead makes each line old."""
    world.settings = replace(world.settings, audit_days=10)
    write_trail(world.store, 1, 0)
    world.now = NOW + 31 * DAY
    with pytest.raises(CleansingRefused):
        world.run(world.make_cleansing())
    assert len(lines_of(world)) == 2


def test_cleansing_all_lines_are_old_the_numbers_go_on(world: World) -> None:
    """The note is the one line that is left, and no number is given twice."""
    world.settings = replace(world.settings, audit_days=10)
    write_trail(world.store, 30, 20)
    world.run(world.make_cleansing())
    assert [(one.number, one.action) for one in lines_of(world)] == [(3, "trim")]


@pytest.mark.parametrize("batch", [1, 2, 1000])
def test_cleansing_lines_of_a_future_clock_keep_no_older_one(
    world: World, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    """Lines that were written by a wrong clock stay for their time; those behind them leave."""
    monkeypatch.setattr("ccp.store.audit._TRIM_BATCH", batch)
    monkeypatch.setattr("ccp.cleansing.cleansing._TRIM_REST_SECONDS", 0)
    world.settings = replace(world.settings, audit_days=10)
    write_trail(world.store, -3000, -3000, -3000, 20, 20, 0)
    world.run(world.make_cleansing())
    assert [(one.number, one.action) for one in lines_of(world)] == [
        (1, "put"),
        (2, "put"),
        (3, "put"),
        (6, "put"),
        (7, "trim"),
    ]
