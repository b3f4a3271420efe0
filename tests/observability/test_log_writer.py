"""Log lines: they go to a pipe by a thread, in order, and wait for no reader."""

import os
import re
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx2
import pytest

from ccp.observability.log_writer import LogWriter
from tests.builders import BASE
from tests.running import ROOT, SECONDS, wait_until

LINE = "x" * 999 + "\n"


class Pipe:
    """A pipe with its writer, and the numbers of dropped lines that were reported."""

    def __init__(self) -> None:
        self.reader, self.descriptor = os.pipe()
        self.reported: list[int] = []
        self.writer = LogWriter(self.descriptor, report=self.reported.append, most_lines=100)

    def read(self, size: int) -> bytes:
        """Read so many bytes, as they come."""
        content = b""
        while len(content) < size:
            content += os.read(self.reader, size - len(content))
        return content


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """A pipe that nobody reads before the test does."""
    pipe = Pipe()
    yield pipe
    os.close(pipe.reader)  # whoever still writes is told
    pipe.writer.stop()
    os.close(pipe.descriptor)


def fill(writer: LogWriter, line: str) -> int:
    """Write a line until one is dropped; returns how often."""
    for number in range(1, 10_000):
        writer.write(line)
        if writer.dropped:
            return number
    raise AssertionError("no line was dropped")


def has_room(writer: LogWriter, line: str) -> bool:
    """Write a line; returns whether it was kept."""
    dropped = writer.dropped
    writer.write(line)
    return writer.dropped == dropped


def is_writable(descriptor: int) -> bool:
    """Whether a pipe has room for a piece."""
    return bool(select.select([], [descriptor], [], 0)[1])


def test_write_with_a_thread_keeps_the_order(pipe: Pipe) -> None:
    """All of it, and what cannot be encoded in a readable form."""
    pipe.writer.start()
    for number in range(50):
        pipe.writer.write(f"{number} \ud800 ü\n")
    expected = "".join(f"{number} \\ud800 ü\n" for number in range(50)).encode()
    assert pipe.read(len(expected)) == expected
    assert pipe.reported == []


def test_write_to_a_pipe_that_nobody_reads_drops_lines_and_reports_them(pipe: Pipe) -> None:
    """Lines that wait are bounded; when the pipe is read again, the number of the lost is told."""
    pipe.writer.start()
    written = 0
    while not pipe.writer.dropped:
        pipe.writer.write(LINE)
        written += 1
        assert written < 10_000
    for _ in range(20):
        pipe.writer.write(LINE)
    dropped = pipe.writer.dropped
    assert dropped >= 20
    kept = written + 20 - dropped
    assert pipe.read(kept * len(LINE)) == LINE.encode() * kept
    wait_until(lambda: pipe.reported == [dropped])
    pipe.writer.write("goes on\n")
    assert pipe.read(8) == b"goes on\n"


def test_report_while_lines_wait_is_written(pipe: Pipe) -> None:
    """The report of dropped lines goes through the same writer, and is not dropped itself."""
    writer = LogWriter(
        pipe.descriptor, report=lambda lines: writer.write(f"{lines} dropped\n"), most_lines=100
    )
    writer.start()
    written = fill(writer, LINE)
    wait_until(lambda: not is_writable(pipe.descriptor))  # the thread has taken the first lines
    while (dropped := writer.dropped) < 100:
        writer.write(LINE)
        written += 1
    content = b""
    while not content.endswith(b" dropped\n"):
        content += os.read(pipe.reader, 65536)
    assert content == LINE.encode() * (written - dropped) + b"100 dropped\n"
    writer.stop()


def test_write_by_two_workers_to_one_pipe_keeps_lines_whole(pipe: Pipe) -> None:
    """A pipe mixes what two processes write, unless each piece has at most PIPE_BUF bytes."""
    writers = [
        LogWriter(pipe.descriptor, report=pipe.reported.append, most_lines=1000) for _ in range(2)
    ]
    kept = 0
    for letter, writer in zip("ab", writers, strict=True):
        writer.start()
        kept += fill(writer, line := letter * 998 + "\n") - 1
        wait_until(partial(has_room, writer, line))  # the thread has taken its lines
        kept += 1
    lines = pipe.read(kept * 999).splitlines()
    for writer in writers:
        writer.stop()
    assert set(lines) == {b"a" * 998, b"b" * 998}


def test_write_without_a_thread_drops_what_has_no_room(pipe: Pipe) -> None:
    """As in a server's master, which has no thread that a fork would lose."""
    before = threading.active_count()
    for _ in range(200):  # of 1000 bytes each, where a pipe has room for 64 KiB
        pipe.writer.write(LINE)
    assert threading.active_count() == before
    assert pipe.read(60 * len(LINE)) == LINE.encode() * 60
    os.set_blocking(pipe.reader, False)
    while True:
        try:
            os.read(pipe.reader, 65536)
        except BlockingIOError:
            break
    os.set_blocking(pipe.reader, True)
    long = "y" * 10_000 + "\n"
    pipe.writer.write(long)
    assert pipe.read(len(long)) == long.encode()


def test_stop_writes_what_waits_and_ends_the_thread(pipe: Pipe) -> None:
    """Lines that come later are written at once."""
    pipe.writer.start()
    for _ in range(30):
        pipe.writer.write(LINE)
    pipe.writer.stop()
    assert "log" not in [thread.name for thread in threading.enumerate()]
    pipe.writer.write("last\n")
    assert pipe.read(30 * len(LINE) + 5) == LINE.encode() * 30 + b"last\n"


def test_server_with_a_log_that_nobody_reads_serves_on(tmp_path: Path) -> None:
    """API and health answer, a worker that was killed is replaced, and SIGTERM ends the server."""
    for name in ("wsgi.py", "gunicorn.conf.py"):
        (tmp_path / name).symlink_to(ROOT / name)
    environment = {name: value for name, value in os.environ.items() if name[:4] != "CCP_"}
    settings = {"CCP_PORT": "0", "CCP_WORKERS": "1", "CCP_OPERATIONS_BIND": "127.0.0.1:0"}
    with subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "wsgi:app"],
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": str(ROOT)} | settings,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            assert server.stderr
            log = ""
            while log.count("ASGI server listening") < 2:
                log += (line := server.stderr.readline())
                assert line, log
            urls = re.findall(r"ASGI server listening on (\S+)", log)
            with httpx2.Client(timeout=SECONDS) as client:
                for _ in range(500):  # of 200 bytes each at least, where a pipe has 64 KiB
                    path = f"{BASE}/contractData/emaid/DEICENOBODY001"
                    assert client.get(urls[0] + path).status_code == 404
                for path in ("/health/live", "/health/ready"):
                    assert client.get(urls[1] + path).status_code == 200
            children = Path(f"/proc/{server.pid}/task/{server.pid}/children")
            (worker,) = children.read_text().split()
            os.kill(int(worker), signal.SIGKILL)
            wait_until(lambda: children.read_text().split() not in ([worker], []))
            server.terminate()
            assert server.wait(SECONDS) == 0
        finally:
            server.kill()
