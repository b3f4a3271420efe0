"""Cleansing every so many hours inside the server, in one of its workers."""

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

_LOOK_SECONDS = 2.0  # whether the worker whose turn it is has gone, and whether it is time
_RETRY_SECONDS = 300.0  # after a cleansing that has failed
_REST = 4  # so that requests have the processor for four fifths of the time, at least


class Turn:
    """
    Whose turn it is to cleanse, and when it was done last: a file that one process has locked.

    The system gives the lock up when that process ends, however it ends.

    Args:
        path: Of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BufferedRandom | None = None

    def take(self) -> bool:
        """
        Try to get the turn, and keep it; tell whether it is ours.

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

    def give_up(self) -> None:
        """Let another one have it."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def last(self) -> datetime | None:
        """
        Return when it was done last, aware UTC; None where that is not known.

        Another process may have the turn.
        """
        with suppress(ValueError, OSError), self._path.open("rb") as file:
            return datetime.fromisoformat(file.read(64).decode()).astimezone(UTC)
        return None

    def done(self, at: datetime) -> None:
        """Note that it has been done."""
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
        clock: Gives the present moment, aware UTC.
    """
    return Cleansing(
        store,
        trusted,
        clock,
        removes_unreachable=settings.revocation_unreachable == "remove",
        limits=Limits.of(settings),
        last_run=Turn(settings.beside_database("cleansing")).last,
        audit_days=settings.audit_days,
    )


class RegularCleansing:
    """
    Cleanses every so often, as long as it is this worker's turn.

    Args:
        turn: A file beside the database.
        hours: From one cleansing to the next.
        clock: Gives the present moment, aware UTC.
    """

    def __init__(
        self, cleansing: Cleansing, turn: Path, *, hours: float, clock: Callable[[], datetime]
    ) -> None:
        self._cleansing = cleansing
        self._turn = Turn(turn)
        self._every = timedelta(hours=hours)
        self._clock = clock

    @asynccontextmanager
    async def kept_fresh(self) -> AsyncIterator[None]:
        """
        Cleanse now and again until the block ends, in a thread and an event loop of its own.

        At the end a cleansing leaves off behind the records that it is at; that takes a moment.
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
            self._turn.give_up()

    async def _look(self) -> float:
        """Cleanse if it is time, and our turn; return in how many seconds to look again."""
        try:
            if self._turn.take() and self._is_due() and self._cleansing.can_prove:
                begun = self._clock()
                log.info("the pool is being cleansed")
                report = await self._cleansing.run(Origin(at=begun), rest=_REST)
                self._turn.done(begun)
                log.info("the pool has been cleansed", **asdict(report))
        except CleansingRefused as error:  # the next one is due when it would be
            log.error("cleansing is refused", reason=str(error))
            return max(_RETRY_SECONDS, self._every.total_seconds())
        except Exception as error:  # whatever it is, nobody else would tell it, or try again
            log.error("cleansing the pool has failed", exc_info=error)
            return _RETRY_SECONDS
        return _LOOK_SECONDS

    def _is_due(self) -> bool:
        last, now = self._turn.last(), self._clock()
        return last is None or not last <= now < last + self._every


def _run(loop: asyncio.AbstractEventLoop, work: asyncio.Task[None]) -> None:
    asyncio.set_event_loop(loop)
    with suppress(asyncio.CancelledError):
        loop.run_until_complete(work)
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
