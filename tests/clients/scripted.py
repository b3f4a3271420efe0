"""A service on loopback that answers as a script says: rightly, badly, late, or not at all."""

import json
import select
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

GONE = 0
"""As a status: the connection is closed without an answer."""


@dataclass(frozen=True)
class Asked:
    """A request that came in."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Its body."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Says:
    """An answer: after some seconds, a status, headers, and a body (JSON, unless it is bytes)."""

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)
    after: float = 0


Script = Callable[[Asked], Says]


class Scripted:
    """
    The service.

    Attributes:
        script: What it answers; may be replaced.
        asked: What came in, in its order.
        given_up: How many have closed the connection while they had to wait.
        cut_off: How many have closed it before they had all of an answer.
    """

    def __init__(self, script: Script) -> None:
        self.script = script
        self.asked: list[Asked] = []
        self.given_up = 0
        self.cut_off = 0
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.do_POST()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(self.path, headers, body)
                service.asked.append(asked)
                says = service.script(asked)
                if select.select([self.connection], [], [], says.after)[0]:
                    service.given_up += 1  # there is nothing to read but the end
                    self.close_connection = True
                    return
                if says.status == GONE:
                    self.close_connection = True
                    return
                content = says.body
                if not isinstance(content, bytes):
                    content = json.dumps(content).encode()
                try:
                    self.send_response(says.status)
                    for name, value in says.headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)
                except OSError:  # who asked has gone
                    service.cut_off += 1
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.root = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.url = f"{self.root}/opnc/v1/ccp"

    def start(self) -> None:
        """Serve until `stop`."""
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Take no more requests, nor on connections that are kept."""
        self.script = lambda _: Says(GONE)
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def scripted(script: Script | Says) -> Iterator[Scripted]:
    """A service for the block."""
    service = Scripted(script if callable(script) else lambda _: script)
    service.start()
    try:
        yield service
    finally:
        service.stop()
