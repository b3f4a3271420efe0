"""Durability: a pool is killed at any moment, over and over, and loses nothing acknowledged."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx2

from ccp.commands.checking import all_problems
from tests.proof.writer import Writer
from tests.running import Server, serving

WRITERS = 4
_LONGEST_SECONDS = 0.6


def kill_over_and_over(
    folder: Path, kills: int, seed: int, note: Callable[[str], None] = lambda _: None
) -> int:
    """
    Start a pool, write from several clients, kill it; again and again on the same database.

    After each restart every acknowledged write is there, no other one is half there, a car has one
    default at most, and the database is sound.

    Args:
        note: Told after each kill what was killed.
    Returns: How many writes were acknowledged.
    """
    chance = random.Random(seed)  # noqa: S311 - to be repeated
    writers = [Writer(number, seed) for number in range(WRITERS)]
    for number in range(1, kills + 1):
        with serving(folder, workers=2) as pool, clients(pool) as connected:
            for writer, client in zip(writers, connected, strict=True):
                writer.verify(client)
            with ThreadPoolExecutor(WRITERS) as threads:
                writing = [
                    threads.submit(writer.call_until_it_breaks, client)
                    for writer, client in zip(writers, connected, strict=True)
                ]
                try:
                    kill(pool, chance)
                finally:  # or they would write for ever
                    pool.process.kill()
                for future in writing:
                    future.result()
        problems = list(all_problems(folder / "ccp.db"))
        assert problems == [], problems
        note(f"kill {number}: {sum(writer.acknowledged for writer in writers)} writes held")
    with serving(folder, workers=2) as pool, clients(pool) as connected:
        for writer, client in zip(writers, connected, strict=True):
            writer.verify(client)
    return sum(writer.acknowledged for writer in writers)


@contextmanager
def clients(pool: Server) -> Iterator[list[httpx2.Client]]:
    """A client for each writer, with connections of its own."""
    with ExitStack() as stack:
        yield [stack.enter_context(pool.client()) for _ in range(WRITERS)]


def kill(pool: Server, chance: random.Random) -> None:
    """Kill a worker, or none, and then the master and all workers, in any order."""
    pause(chance)
    if chance.random() < 0.5:
        _kill(chance.choice(sorted(pool.workers)))
        pause(chance)
    victims = [pool.process.pid, *sorted(pool.workers)]
    chance.shuffle(victims)
    for pid in victims:
        _kill(pid)


def pause(chance: random.Random) -> None:
    """Wait for any moment."""
    time.sleep(chance.uniform(0.01, _LONGEST_SECONDS))


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
