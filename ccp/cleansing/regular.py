"""Scheduled cleansing in the server: one worker runs it every CCP_CLEANSE_HOURS."""

import asyncio
import fcntl
import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from io import BufferedRandom
from pathlib import Path

import structlog

from ccp.cleansing.cleansing import Cleansing
from ccp.cleansing.limits import CleansingRefused, Limits
from ccp.config.settings import Settings
from ccp.domain.origin import Origin
from ccp.store import Store
from ccp.trust.current import TrustStore

log = structlog.get_logger()

_LOOK_SECONDS = 2.0  # between two looks at the lock and at the clock
_RETRY_SECONDS = 300.0  # after a cleansing that has failed
_REST = 4  # so that requests have the processor for four fifths of the time, at least


class RunLock:
    """
    A lock file: the process that holds the lock cleanses. The file has the time of the last run.

    The system releases the lock when that process ends, however it ends.

    Args:
        path: The path of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BufferedRandom | None = None

    def acquire(self) -> bool:
        """
        Try to take the lock, and keep it; return whether this process holds it.

        Raises:
            OSError: The file cannot be opened.
        """
        if self._file is None:
            # Private: whoever can open the file can lock it.
            file = open(self._path, "a+b", opener=_private)  # noqa: SIM115 - kept
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
            else:
                self._file = file
        return self._file is not None

    def release(self) -> None:
        """Release the lock."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def last(self) -> datetime | None:
        """
        Return the moment of the last run, aware UTC; None if it is unknown.

        No lock is needed.
        """
        with suppress(ValueError, OSError), self._path.open("rb") as file:
            return datetime.fromisoformat(file.read(64).decode()).astimezone(UTC)
        return None

    def done(self, at: datetime) -> None:
        """Record the moment of a run; the lock has to be held."""
        assert self._file is not None  # noqa: S101 - as above
        self._file.truncate(0)
        self._file.write(at.isoformat().encode())
        self._file.flush()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def make_cleansing(
    settings: Settings, store: Store, trusted: TrustStore, clock: Callable[[], datetime]
) -> Cleansing:
    """
    Build the cleansing of a pool.

    Args:
        clock: Returns the present moment, aware UTC.
    """
    return Cleansing(
        store,
        trusted,
        clock,
        removes_unreachable=settings.revocation_unreachable == "remove",
        limits=Limits.of(settings),
        last_run=RunLock(settings.beside_database("cleansing")).last,
        audit_days=settings.audit_days,
    )


class RegularCleansing:
    """
    Cleanses regularly, as long as this worker holds the lock.

    Args:
        lock: The path of the lock file, beside the database.
        hours: The time from one run to the next.
        clock: Returns the present moment, aware UTC.
    """

    def __init__(
        self, cleansing: Cleansing, lock: Path, *, hours: float, clock: Callable[[], datetime]
    ) -> None:
        self._cleansing = cleansing
        self._lock = RunLock(lock)
        self._every = timedelta(hours=hours)
        self._clock = clock

    @asynccontextmanager
    async def kept_fresh(self) -> AsyncIterator[None]:
        """
        Cleanse regularly until the block ends, in a thread with an event loop of its own.

        At the end of the block a run stops after the batch that it is at.
        """
        loop = asyncio.new_event_loop()
        work = loop.create_task(self._go_on())
        thread = threading.Thread(target=_run, args=(loop, work), name="cleansing", daemon=True)
        thread.start()
        try:
            yield
        finally:
            loop.call_soon_threadsafe(work.cancel)
            await asyncio.to_thread(thread.join)

    async def _go_on(self) -> None:
        try:
            while True:
                await asyncio.sleep(await self._look())
        finally:
            self._lock.release()

    async def _look(self) -> float:
        """Cleanse if a run is due and the lock is held; return the seconds until the next look."""
        try:
            if self._lock.acquire() and self._is_due() and self._cleansing.can_prove:
                begun = self._clock()
                log.info("cleansing started")
                report = await self._cleansing.run(Origin(at=begun), rest=_REST)
                self._lock.done(begun)
                log.info("cleansing finished", **asdict(report))
        except CleansingRefused as error:  # the next run is due as usual
            log.error("cleansing refused", error=str(error))
            return max(_RETRY_SECONDS, self._every.total_seconds())
        except Exception as error:  # any error: log it, and try again later
            log.error("cleansing failed", exc_info=error)
            return _RETRY_SECONDS
        return _LOOK_SECONDS

    def _is_due(self) -> bool:
        last, now = self._lock.last(), self._clock()
        return last is None or not last <= now < last + self._every


def _run(loop: asyncio.AbstractEventLoop, work: asyncio.Task[None]) -> None:
    asyncio.set_event_loop(loop)
    with suppress(asyncio.CancelledError):
        loop.run_until_complete(work)
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
