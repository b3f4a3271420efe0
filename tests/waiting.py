"""Wait for a condition, up to one bound that a passing test never reaches."""

import asyncio
import time
from collections.abc import Callable

SECONDS = 180
"""
How long a test waits before it fails. Busy machines start a server in 40 seconds.

To show that the pool does not wait for something, a test makes that wait last for `NEVER`. It does
not measure how long the pool takes: that depends on the machine.
"""
NEVER = 4 * SECONDS
"""The length of a wait that a passing test never sees the end of, in seconds."""


def wait_until(condition: Callable[[], object]) -> None:
    """Wait until a condition holds; raise AssertionError if it still does not after `SECONDS`."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


async def until(condition: Callable[[], object]) -> None:
    """Wait as `wait_until` does, while the event loop goes on."""
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.002)
