"""What the workshop's services have in common: HTTP on this machine, until Ctrl-C."""

import json
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ccp.workshop.errors import WorkshopError


class Handler(BaseHTTPRequestHandler):
    """Answers requests, and says nothing of each."""

    protocol_version = "HTTP/1.1"

    def send(self, status: int, content_type: str, body: bytes) -> None:
        """Answer with bytes."""
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def send_json(self, status: int, content: dict[str, Any]) -> None:
        """Answer with JSON."""
        self.send(status, "application/json", json.dumps(content).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing of each request."""


def listen(handler: type[Handler], port: int) -> ThreadingHTTPServer:
    """
    Make a server, on 127.0.0.1 alone.

    Args:
        port: 0 for one that is free.
    Raises:
        WorkshopError: The port cannot be listened on.
    """
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError as error:
        raise WorkshopError(
            f"127.0.0.1:{port} cannot be listened on ({error.strerror}); --port sets another port"
        ) from None
    server.daemon_threads = True
    return server


def serve(server: ThreadingHTTPServer, note: Callable[[str], None]) -> None:
    """
    Serve until Ctrl-C.

    Args:
        note: Told where it listens.
    """
    with server:
        note(f"Listening at: http://127.0.0.1:{server.server_address[1]}")
        with suppress(KeyboardInterrupt):
            server.serve_forever()
