"""Scheduled cleansing: which worker runs it, when, and that it stops at any moment."""

import asyncio
import os
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ccp.cleansing import RegularCleansing
from ccp.cleansing.regular import RunLock
from ccp.domain.errors import StoreBusy
from ccp.workshop import EDITION_2
from tests.builders import NOW, ORIGIN, record
from tests.cleansing.world import EMAIDS, World
from tests.clients.scripted import Says
from tests.waiting import NEVER, SECONDS, until


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ccp.cleansing.regular._LOOK_SECONDS", 0.02)
    monkeypatch.setattr("ccp.cleansing.regular._RETRY_SECONDS", 0.02)


def regular(world: World, folder: Path, *, hours: float = 24) -> RegularCleansing:
    """Cleanses the pool of *world*."""
    cleansing = world.make_cleansing()
    return RegularCleansing(cleansing, folder / "lock", hours=hours, clock=world.clock)


def put_expired(world: World, emaid: str) -> None:
    """Store a contract whose validity has ended."""
    ended = world.now - timedelta(seconds=1)
    world.store.put(record(emaid, EDITION_2.pcid, valid_to=ended), ORIGIN)


def is_noted(folder: Path) -> bool:
    """Whether it is known when the pool was cleansed last."""
    lock = folder / "lock"
    return lock.exists() and bool(lock.read_bytes())


def test_lock_is_held_by_one_process(tmp_path: Path) -> None:
    """Another process gets the lock after its release, and reads the time of the last run."""
    first, second = RunLock(tmp_path / "lock"), RunLock(tmp_path / "lock")
    assert [first.acquire(), second.acquire(), first.acquire()] == [True, False, True]
    assert first.last() is None
    first.done(NOW)
    first.done(NOW + timedelta(hours=1))
    first.release()
    assert [second.acquire(), first.acquire()] == [True, False]
    assert second.last() == NOW + timedelta(hours=1)
    second.release()


def test_lock_file_is_private(tmp_path: Path) -> None:
    """Another user who could open it could lock it, and no pool would cleanse."""
    before = os.umask(0)
    try:
        lock = RunLock(tmp_path / "lock")
        assert lock.acquire()
    finally:
        os.umask(before)
    assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o600
    lock.release()


@pytest.mark.parametrize("content", [b"", b"yesterday", b"\xff\xfe", b"9" * 10_000])
def test_a_spoilt_turn_is_as_a_new_one(tmp_path: Path, content: bytes) -> None:
    """It says nothing of when it was done last."""
    (tmp_path / "lock").write_bytes(content)
    lock = RunLock(tmp_path / "lock")
    assert lock.acquire()
    assert lock.last() is None
    lock.done(NOW)
    assert lock.last() == NOW
    lock.release()


def test_it_is_done_at_once_and_then_every_so_often(world: World, tmp_path: Path) -> None:
    """Also where the server was started anew in between."""

    async def scenario() -> None:
        put_expired(world, EMAIDS[0])
        async with regular(world, tmp_path).kept_fresh():
            await until(lambda: is_noted(tmp_path))
        assert world.emaids() == []
        put_expired(world, EMAIDS[1])
        world.now += timedelta(hours=23)
        async with regular(world, tmp_path).kept_fresh():
            await asyncio.sleep(0.2)
            assert world.emaids() == [EMAIDS[1]]
            world.now += timedelta(hours=1)
            await until(lambda: not world.emaids())

    with capture_logs():
        asyncio.run(scenario())
    assert world.trail() == ["cleanse-expired"] * 2


def test_one_does_it_and_another_takes_over(world: World, tmp_path: Path) -> None:
    """Of several only one, until that ends."""

    async def scenario() -> None:
        second = regular(world, tmp_path, hours=0.000001)
        async with regular(world, tmp_path, hours=1000).kept_fresh():
            await until(lambda: is_noted(tmp_path))
            put_expired(world, EMAIDS[0])
            async with second.kept_fresh():
                world.now += timedelta(hours=1)
                await asyncio.sleep(0.2)
                assert world.emaids() == [EMAIDS[0]]
        async with second.kept_fresh():
            await until(lambda: not world.emaids())

    with capture_logs():
        asyncio.run(scenario())


def test_what_fails_is_told_and_tried_again(world: World, tmp_path: Path, monkeypatch) -> None:
    """The pool may be busy, or anything else."""
    failures = iter([StoreBusy(), RuntimeError("odd")])
    iter_batches = world.store.iter_batches

    def failing(**how):
        for failure in failures:
            raise failure
        return iter_batches(**how)

    monkeypatch.setattr(world.store, "iter_batches", failing)

    async def scenario() -> None:
        put_expired(world, EMAIDS[0])
        async with regular(world, tmp_path).kept_fresh():
            await until(lambda: not world.emaids())

    with capture_logs() as log:
        asyncio.run(scenario())
    failed = [line for line in log if line["event"] == "cleansing failed"]
    assert len(failed) == 2


def test_the_log_counts_and_names_nobody(world: World, tmp_path: Path) -> None:
    """How many, but not which contracts and cars."""

    world.put()
    put_expired(world, EMAIDS[1])

    async def scenario() -> None:
        async with regular(world, tmp_path).kept_fresh():
            await until(lambda: is_noted(tmp_path))

    with capture_logs() as log:
        asyncio.run(scenario())
    (done,) = [line for line in log if line["event"] == "cleansing finished"]
    assert (done["records"], done["expired"], done["kept"]) == (2, 1, 1)
    assert EMAIDS[0] not in str(log)
    assert EDITION_2.pcid not in str(log)


def test_it_ends_while_it_waits_for_a_responder(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once, and what is left is done by the next one."""
    monkeypatch.setattr("ccp.clients.ocsp_crl._OCSP_SECONDS", NEVER)
    world.put()
    answer = world.service.script
    world.service.script = lambda _: Says(200, b"late", after=NEVER)

    async def scenario() -> None:
        async with asyncio.timeout(SECONDS), regular(world, tmp_path).kept_fresh():
            await until(lambda: world.service.asked)
        world.service.script = answer
        world.revoke(world.contract().leaf)
        async with regular(world, tmp_path).kept_fresh():
            await until(lambda: not world.emaids())

    with capture_logs():
        asyncio.run(scenario())
