"""How workers that listen to the same sockets share who comes."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Literal

import structlog
import uvloop

log = structlog.get_logger()

Factory = Callable[[], asyncio.BaseProtocol]

# Long enough for another worker to wake up and be faster, short for whoever waits meanwhile.
_HESITATION_SECONDS = 0.001
# In which a worker gets used to as many connections as it has had at most.
_WINDOW_SECONDS = 0.1
# For the handshake of TLS, which takes a few round trips.
HANDSHAKE_SECONDS = 5
# Where there is none to be had: no file or memory is left for one more.
_PAUSE_SECONDS = 0.2


class SharingLoop(uvloop.Loop):
    """
    An event loop whose servers give those of other workers time to take connections too.

    uvloop's own take whatever comes. Of sixteen connections that are made at once, as by a load
    balancer that begins, one of two workers had all in a fifth of the cases, and the other had
    nothing to do for as long as they were kept.

    Args:
        backlog: How many connections may wait in the kernel until they are accepted.
        connections: Tells how many its worker has, with those whose handshake goes on.
        most: How many it may have. Beyond that the oldest handshake is given up for each new
            connection, so that clients which never finish theirs keep others out no longer than
            they have to.
    """

    def __init__(self, *, backlog: int, connections: Callable[[], int], most: int) -> None:
        super().__init__()
        self._backlog = backlog
        self._connections = connections
        self._most = most

    async def create_server(  # type: ignore[override]  # as much of it as gunicorn's worker needs
        self,
        protocol_factory: Factory,
        *,
        sock: socket.socket,
        ssl: ssl.SSLContext | None = None,
        reuse_address: bool,  # of a socket that is bound already
        start_serving: Literal[True],
    ) -> "Acceptor":
        """
        Begin to accept connections.

        The socket listens anew: a worker that ended may have let in nobody any more.

        Args:
            sock: Is bound, and does not block.
            ssl: What TLS is spoken with, if it is.
        """
        sock.listen(self._backlog)
        return Acceptor(self, protocol_factory, sock, ssl, self._connections, self._most)


class Acceptor:
    """
    A server that takes one connection at a time.

    One by which its worker has more than it is used to makes it hesitate to take the next: another
    worker, which has fewer, is faster then. Those that take the place of others, as of clients that
    make a new one for each request, do not.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        make_protocol: Factory,
        listener: socket.socket,
        tls: ssl.SSLContext | None,
        connections: Callable[[], int],
        most: int,
    ) -> None:
        self._loop = loop
        self._make_protocol = make_protocol
        self._listener = listener
        self._tls = tls
        self._connections = connections
        self._most = most
        self._used_to = 0
        self._window_ends = 0.0
        self._beginning: dict[asyncio.Task[None], None] = {}  # the oldest first
        self._goes_on: asyncio.TimerHandle | None = None
        self._failed = False
        self._go_on()

    def _go_on(self) -> None:
        self._goes_on = None
        self._loop.add_reader(self._listener, self._accept)

    def _stop_for(self, seconds: float) -> None:
        self._loop.remove_reader(self._listener)
        self._goes_on = self._loop.call_later(seconds, self._go_on)

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # another worker has it, or nobody any more
        except OSError as error:
            if not self._failed:  # once, until one is accepted
                log.error("no connection can be accepted", reason=str(error))
            self._failed = True
            self._stop_for(_PAUSE_SECONDS)
            return
        self._failed = False
        if self._connections() >= self._most:
            self._give_up_a_handshake()
        # The protocol is there at once: a worker that ends waits for those that there are.
        beginning = begin_connection(self._loop, connection, self._make_protocol(), self._tls)
        task = self._loop.create_task(beginning)
        self._beginning[task] = None
        task.add_done_callback(self._begun)
        if self._has_more_than_usual():
            self._stop_for(_HESITATION_SECONDS)

    def _begun(self, task: asyncio.Task[None]) -> None:
        self._beginning.pop(task, None)

    def _give_up_a_handshake(self) -> None:
        for task in self._beginning:
            task.cancel()
            del self._beginning[task]
            return

    def _has_more_than_usual(self) -> bool:
        number, now = self._connections(), self._loop.time()
        if now > self._window_ends:
            self._window_ends = now + _WINDOW_SECONDS
            self._used_to = number - 1
        if number <= self._used_to:
            return False
        self._used_to = number
        return True

    def close(self) -> None:
        """Accept nothing more, and close the socket; what has been accepted goes on."""
        if self._listener.fileno() == -1:  # done already
            return
        if self._goes_on:
            self._goes_on.cancel()
        else:
            self._loop.remove_reader(self._listener)
        self._listener.close()

    async def wait_closed(self) -> None:
        """There is nothing to wait for: connections are the worker's."""


async def begin_connection(
    loop: asyncio.AbstractEventLoop,
    connection: socket.socket,
    protocol: asyncio.BaseProtocol,
    tls: ssl.SSLContext | None,
) -> None:
    """
    Let a protocol speak on an accepted connection.

    One whose handshake fails, or is not done in time, is just gone.
    """
    connection.setblocking(False)
    seconds = HANDSHAKE_SECONDS if tls else None
    with suppress(OSError):
        await loop.connect_accepted_socket(
            lambda: protocol, connection, ssl=tls, ssl_handshake_timeout=seconds
        )
