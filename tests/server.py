"""A real pool for a test: gunicorn as `make run` starts it, on a free port of loopback."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]


def free_port() -> int:
    """Return a port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_pool(folder: Path, **variables: str) -> Iterator[int]:
    """
    Serve a pool until the block ends.

    Args:
        folder: For its database and its log, `pool.log`.
        variables: Settings, with their prefix.
    Returns: Its port.
    """
    port = free_port()
    settings = {"CCP_PORT": f"{port}", "CCP_DATABASE_URL": f"sqlite:///{folder}/ccp.db"}
    with (folder / "pool.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "wsgi:app"],
            cwd=ROOT,
            env={**os.environ, **settings, **variables},
            stdout=log,
            stderr=log,
        )
    try:
        _wait_until_it_listens(server, port, folder)
        yield port
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_until_it_listens(server: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"the pool did not start:\n{(folder / 'pool.log').read_text()}")
