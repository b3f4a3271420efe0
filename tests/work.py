"""Measure work by counting it: the same number on every machine, whatever else it does."""

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class Lines:
    """
    A counter of executed lines.

    Attributes:
        number: How many lines of Python this thread has executed while they were counted.
    """

    def __init__(self) -> None:
        self.number = 0

    def trace(self, _frame: FrameType, event: str, _argument: object) -> Any:
        """Count a line; see `sys.settrace`."""
        if event == "line":
            self.number += 1
        return self.trace


@contextmanager
def counted_lines() -> Iterator[Lines]:
    """
    Count the lines that the block executes, outside of its own function.

    The garbage collector waits meanwhile: finalizers of other tests' objects do not count.
    """
    lines = Lines()
    before = sys.gettrace()
    was_enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    sys.settrace(lines.trace)
    try:
        yield lines
    finally:
        sys.settrace(before)
        if was_enabled:
            gc.enable()


def lines_of(call: Callable[[], object]) -> int:
    """
    Return how many lines of Python a call executes, whatever comes of it.

    Time that passes in C is not seen: `make proof` measures that.
    """
    with counted_lines() as lines:
        call()
    return lines.number
