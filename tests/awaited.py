"""What a handler answers in the end, where it waits for the disk or for others."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


def awaited(answer: Awaitable[T]) -> T:
    """Wait for an answer, as the server does."""

    async def wait() -> T:
        return await answer

    return asyncio.run(wait())
