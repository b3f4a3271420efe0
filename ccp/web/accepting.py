"""How workers that listen to the same sockets share who comes."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import structlog
import uvloop

log = structlog.get_logger()

Factory = Callable[[], asyncio.BaseProtocol]

# Long enough for another worker to wake up and be faster, short for whoever waits meanwhile.
_HESITATION_SECONDS = 0.001
# Of the connections that a worker is used to.
_MEMORY_SECONDS = 0.1
# Where there is no file or memory for one more.
_PAUSE_SECONDS = 0.2


class SharingLoop(uvloop.Loop):
    """
    An event loop whose servers leave connections to those of other workers.

    uvloop's own take whatever comes. Of sixteen connections that are made at once, as by a load
    balancer that begins, one of two workers had all in a fifth of the cases, and the other had
    nothing to do for as long as they were kept. And they listen anew, so that a hundred may wait
    however many the socket was to keep.

    Args:
        connections: Tells how many its worker has, with those whose handshake goes on.
    """

    def __init__(self, connections: Callable[[], int]) -> None:
        super().__init__()
        self._connections = connections

    async def create_server(  # type: ignore[override]  # as much of it as gunicorn's worker needs
        self,
        protocol_factory: Factory,
        *,
        sock: socket.socket,
        ssl: ssl.SSLContext | None = None,
        **_: Any,
    ) -> "Acceptor":
        """
        Begin to accept connections.

        Args:
            sock: Is listening already, and does not block.
            ssl: What TLS is spoken with, if it is.
        """
        return Acceptor(self, protocol_factory, sock, ssl, self._connections)


class Acceptor:
    """
    A server that takes one connection at a time.

    One by which its worker has more than it has had just before makes it hesitate to take the next:
    another worker, which has fewer, is faster then. Those that take the place of others, as of
    clients that make a new one for each request, do not.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        make_protocol: Factory,
        listener: socket.socket,
        tls: ssl.SSLContext | None,
        connections: Callable[[], int],
    ) -> None:
        self._loop = loop
        self._make_protocol = make_protocol
        self._listener = listener
        self._tls = tls
        self._connections = connections
        self._used_to = 0
        self._remembered_until = 0.0
        self._beginning: set[asyncio.Task[None]] = set()
        self._pause: asyncio.TimerHandle | None = None
        self._closed = False
        self._go_on()

    def _go_on(self) -> None:
        self._pause = None
        self._loop.add_reader(self._listener, self._accept)

    def _wait(self, seconds: float) -> None:
        self._loop.remove_reader(self._listener)
        self._pause = self._loop.call_later(seconds, self._go_on)

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # another worker has it, or nobody any more
        except OSError as error:
            log.error("no connection can be accepted for a moment", reason=str(error))
            self._wait(_PAUSE_SECONDS)
            return
        # The protocol is there at once: a worker that ends waits for those that there are.
        beginning = begin(self._loop, connection, self._make_protocol(), self._tls)
        task = self._loop.create_task(beginning)
        self._beginning.add(task)
        task.add_done_callback(self._beginning.discard)
        if self._has_more_than_usual():
            self._wait(_HESITATION_SECONDS)

    def _has_more_than_usual(self) -> bool:
        number, now = self._connections(), self._loop.time()
        if now > self._remembered_until:
            self._remembered_until = now + _MEMORY_SECONDS
            self._used_to = number - 1
        if number <= self._used_to:
            return False
        self._used_to = number
        return True

    def close(self) -> None:
        """Accept nothing more, and close the socket; what has been accepted goes on."""
        if self._closed:
            return
        self._closed = True
        if self._pause:
            self._pause.cancel()
        else:
            self._loop.remove_reader(self._listener)
        self._listener.close()

    async def wait_closed(self) -> None:
        """There is nothing to wait for: connections are the worker's."""


async def begin(
    loop: asyncio.AbstractEventLoop,
    connection: socket.socket,
    protocol: asyncio.BaseProtocol,
    tls: ssl.SSLContext | None,
) -> None:
    """Let a protocol speak on an accepted connection; one whose handshake fails is gone."""
    connection.setblocking(False)
    with suppress(OSError):
        await loop.connect_accepted_socket(lambda: protocol, connection, ssl=tls)
