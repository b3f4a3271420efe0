"""Endurance: after half an hour of load a pool takes what it took after a few minutes."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import httpx2

from tests.proof.writer import Writer
from tests.running import Server, resident, serving
from tests.waiting import wait_until

CLIENTS = 8
_MOST_WAL = 16 * 2**20
"""Bytes. SQLite writes it back at 4 MB; while somebody reads it may have to wait for a while."""


@dataclass(frozen=True)
class Sample:
    """
    How a pool was during some seconds.

    Attributes:
        memory: Of the fattest worker, resident, in bytes.
        files: Open ones of master and workers.
        wal: Size of the write-ahead log, in bytes.
        milliseconds: The median of all requests.
        slow_milliseconds: Their 99th percentile.
        requests: How many there were.
        work_milliseconds: What some fixed work takes: computers change their speed.
    """

    memory: int
    files: int
    wal: int
    milliseconds: float
    slow_milliseconds: float
    requests: int
    work_milliseconds: float

    def __str__(self) -> str:
        """A line for people."""
        return (
            f"{self.requests} requests, p50 {self.milliseconds:.1f} ms, "
            f"p99 {self.slow_milliseconds:.1f} ms; worker {self.memory / 2**20:.1f} MiB, "
            f"{self.files} files, WAL {self.wal / 2**20:.1f} MiB"
        )


class Load:
    """Clients that call a pool with all seven operations, and hold each answer to be right."""

    def __init__(self, seed: int) -> None:
        self._writers = [Writer(number, seed) for number in range(CLIENTS)]
        self._ended = threading.Event()
        self._durations: list[float] = []

    @contextmanager
    def on(self, pool: Server) -> Iterator[list[Future[None]]]:
        """Call in the background; give what ends only when an answer was wrong, or did not come."""
        with ExitStack() as stack, ThreadPoolExecutor(CLIENTS) as threads:
            clients = [stack.enter_context(pool.client()) for _ in self._writers]
            running = [
                threads.submit(self._call, writer, client)
                for writer, client in zip(self._writers, clients, strict=True)
            ]
            try:
                yield running
            finally:
                self._ended.set()
            for future in running:
                future.result()

    @property
    def has_been_answered(self) -> bool:
        """Whether there has been an answer since `durations` was last asked."""
        return bool(self._durations)

    def durations(self) -> list[float]:
        """Of all requests since this was last asked, in seconds, the shortest first."""
        durations, self._durations = self._durations, []
        return sorted(durations)

    def _call(self, writer: Writer, client: httpx2.Client) -> None:
        while not self._ended.is_set():
            begun = time.monotonic()
            writer.call(client)
            self._durations.append(time.monotonic() - begun)


def soak(
    folder: Path,
    seconds: float,
    every: float,
    seed: int,
    note: Callable[[str], None],
    at_least: int = 0,
) -> list[Sample]:
    """
    Serve a pool under mixed load.

    Args:
        folder: Takes the pool.
        seconds: How long.
        every: So many seconds make a sample, and more if the pool has not answered by then.
        note: Told each sample.
        at_least: It goes on until so many requests have been answered.
    """
    samples: list[Sample] = []
    load = Load(seed)
    with serving(folder, workers=2) as pool, load.on(pool) as running:
        ended = time.monotonic() + seconds
        while time.monotonic() < ended or sum(one.requests for one in samples) < at_least:
            if any(future.done() for future in running):
                break
            time.sleep(every)
            wait_until(lambda: load.has_been_answered or any(future.done() for future in running))
            samples.append(sample(pool, load.durations()))
            note(str(samples[-1]))
    return samples


def sample(pool: Server, durations: list[float]) -> Sample:
    """Look at a pool from outside; *durations* are of its latest requests, sorted."""
    assert durations, "the pool answers nobody"
    processes = [pool.process.pid, *pool.workers]
    wal = pool.folder / "ccp.db-wal"
    return Sample(
        memory=max(map(resident, pool.workers)),
        files=sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in processes),
        wal=wal.stat().st_size if wal.exists() else 0,
        milliseconds=1000 * median(durations),
        slow_milliseconds=1000 * durations[len(durations) * 99 // 100],
        requests=len(durations),
        work_milliseconds=1000 * min(worked() for _ in range(5)),
    )


def worked() -> float:
    """The processor time of some work, in seconds."""
    start = time.thread_time()
    sum(range(10**6))
    return time.thread_time() - start


def growths(samples: list[Sample]) -> list[str]:
    """
    Tell what is not flat: the last quarter of the samples is held against the second.

    The first is left out: caches fill, and threads and connections are made.
    """
    quarter = len(samples) // 4
    early, late = samples[quarter : 2 * quarter], samples[-quarter:]
    found = []
    for what, most in (("memory", 1.02), ("files", 1.0)):
        before, after = (median(getattr(one, what) for one in half) for half in (early, late))
        if after > most * before:
            found.append(f"{what}: {before:.0f}, later {after:.0f}")
    for what, most in (("milliseconds", 1.25), ("slow_milliseconds", 1.5)):
        before, after = (
            median(getattr(one, what) / one.work_milliseconds for one in half)
            for half in (early, late)
        )
        if after > most * before:
            found.append(f"{what}: {before:.1f} times those of some fixed work, later {after:.1f}")
    worst = max(one.wal for one in samples)
    if worst > _MOST_WAL:
        found.append(f"wal: {worst} bytes")
    return found
