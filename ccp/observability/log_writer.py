"""Standard error as a stream for log lines that never keeps its caller waiting."""

import os
import select
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from queue import Empty, SimpleQueue

_MOST_LINES = 10_000  # some MB, and seconds of a busy worker's log
_STOPPING_SECONDS = 1.0
# A thread that is woken for each line costs a request some 25 microseconds instead of five.
_GATHERING_SECONDS = 0.005


class LogWriter:
    """
    A stream that drops lines where nothing takes them, instead of waiting.

    A pipe whose reader has stopped takes 64 KiB, and no more. In a worker a thread writes; lines
    wait for it in a bounded queue. In the master, which may not have a thread when it forks, a line
    is written at once if there is room for it.

    Args:
        descriptor: The file descriptor that is written to.
        most_lines: The number of lines that wait at most; more are dropped.
        report: Is called by the thread with the number of lines that were dropped, once lines can
            be written again.
    Attributes:
        dropped: The number of lines that were dropped and not reported yet.
    """

    def __init__(
        self, descriptor: int, *, report: Callable[[int], None], most_lines: int = _MOST_LINES
    ) -> None:
        self._descriptor = descriptor
        self._report = report
        self._most_lines = most_lines
        self.dropped = 0
        # Can be put to in a finalizer too, which may run while something is being put.
        self._lines: SimpleQueue[bytes | None] | None = None
        self._thread: threading.Thread

    @property
    def _is_reporting(self) -> bool:
        """Whether the thread itself writes: a report, which is never dropped."""
        return threading.current_thread() is self._thread

    def start(self) -> None:
        """Start the thread; not before a process that forks has forked."""
        lines: SimpleQueue[bytes | None] = SimpleQueue()
        self._thread = threading.Thread(
            target=self._write_all, args=(lines,), name="log", daemon=True
        )
        self._thread.start()
        self._lines = lines

    def stop(self) -> None:
        """Write the lines that wait, if that is possible within a moment, and end the thread."""
        lines, self._lines = self._lines, None
        if lines is not None:
            lines.put(None)
            self._thread.join(_STOPPING_SECONDS)

    def write(self, text: str) -> None:
        """Write a line, now or soon, or drop it."""
        line = text.encode(errors="backslashreplace")
        if self._lines is None:
            self._write_if_there_is_room(line)
        elif self._lines.qsize() < self._most_lines or self._is_reporting:
            self._lines.put(line)
        else:
            self.dropped += 1

    def flush(self) -> None:
        """Do nothing: no caller waits for a line to be written."""

    def _write_if_there_is_room(self, line: bytes) -> None:
        """Write in pieces that do not wait where the descriptor is ready (POSIX, for pipes)."""
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        with suppress(OSError):
            while line and poll.poll(0):
                line = line[os.write(self._descriptor, line[: select.PIPE_BUF]) :]

    def _write_all(self, lines: SimpleQueue[bytes | None]) -> None:
        goes_on = True
        while goes_on:
            together = [lines.get()]
            time.sleep(_GATHERING_SECONDS)
            with suppress(Empty):
                while True:
                    together.append(lines.get_nowait())
            goes_on = None not in together
            for piece in _join([line for line in together if line is not None]):
                self._write(piece)
            if self.dropped:
                dropped, self.dropped = self.dropped, 0
                self._report(dropped)

    def _write(self, content: bytes) -> None:
        with suppress(OSError):  # a full disk, or a pipe that was closed: these lines are lost
            while content:
                content = content[os.write(self._descriptor, content) :]


def _join(lines: Iterable[bytes]) -> Iterator[bytes]:
    """
    Join whole lines to pieces of at most PIPE_BUF bytes; a longer line is a piece of its own.

    All workers write to one pipe, which does not mix pieces of this size (POSIX).
    """
    piece = b""
    for line in lines:
        if piece and len(piece) + len(line) > select.PIPE_BUF:
            yield piece
            piece = b""
        piece += line
    if piece:
        yield piece
