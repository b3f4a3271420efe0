"""The pool ends, and begins anew, under load; `make proof` does it more often."""

import socket
import time
from contextlib import closing
from pathlib import Path

from tests.builders import BASE
from tests.proof.stop import end_under_load, reload_under_load
from tests.running import SECONDS, serving


def test_sigterm_under_load_resets_nobody(tmp_path: Path) -> None:
    """Whoever was let in is answered; whoever comes later is refused; and it ends soon."""
    assert end_under_load(tmp_path, times=3) > 30


def test_sighup_under_load_drops_nothing(tmp_path: Path) -> None:
    """Workers are replaced, and every request is answered."""
    assert reload_under_load(tmp_path, times=1) > 30


def test_it_ends_within_its_deadline(tmp_path: Path) -> None:
    """A client that does not come to an end is left, by the worker itself and not with it."""
    arguments = ("--graceful-timeout", "6", "wsgi:app")
    with serving(tmp_path, *arguments, workers=1, body_timeout_seconds="600") as pool:
        address = ("127.0.0.1", pool.port)
        with closing(socket.create_connection(address, SECONDS)) as connection:
            head = f"PUT {BASE}/signedcontractdata HTTP/1.1\r\nHost: localhost\r\n"
            head += "Content-Length: 9\r\n"
            connection.sendall(f"{head}Content-Type: application/json\r\n\r\n{{".encode())
            begun = time.monotonic()
            assert pool.end() == 0
            assert time.monotonic() - begun > 3.5
        assert "Worker shutting down" in pool.log
