"""gunicorn's ASGI worker, with an end to its patience with slow clients and to their number."""

import asyncio
import os
import socket
import weakref
from collections.abc import Iterator
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from gunicorn.asgi.protocol import ASGIProtocol
from gunicorn.workers import gasgi

from ccp.web.accepting import SharingLoop, begin_connection
from ccp.web.security_headers import OF_REFUSALS

_HEADER_SECONDS = 5
# Idle connections of a worker that ends; a request that is on its way is still answered.
_ENDING_SECONDS = 3
# Before `graceful_timeout`, when the master kills what still goes on.
_SPARE_SECONDS = 2
# Of 64 KiB of an answer, beyond what the kernel takes at once.
_UNREAD_SECONDS = 10


class BoundedConnection(ASGIProtocol):
    """
    One connection: it has to send headers, and take its answers, in time.

    gunicorn gives the headers of a connection's later requests `keepalive` seconds, the first one's
    all the time there is. And it waits for ever until an answer is read. Here `keepalive` is how
    long a connection may be idle; headers that have begun, and the first ones, have less.
    """

    _headers_begun = True  # of a new connection they are due at once
    _keepalive_handle: asyncio.TimerHandle | None
    _unread: asyncio.TimerHandle | None = None

    def __init__(self, worker: "BoundedWorker") -> None:
        """Begin with what comes before HTTP: the handshake of TLS."""
        super().__init__(worker)
        worker.shaking_hands.add(self)

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begin to wait for headers; beyond `worker_connections` one that is idle has to go."""
        self.worker.shaking_hands.discard(self)
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=0)  # so that all that is not taken is told of
        if self.worker.nr_conns > self.cfg.worker_connections and not self.worker.end_an_idle_one():
            self._request_ready.set()  # lets the task of the connection end too
            transport.abort()
        else:
            self._arm_keepalive_timer()

    @property
    def is_idle(self) -> bool:
        """Whether a request has been answered, and nothing of a next one is there."""
        waits = self._keepalive_handle is not None and self._current_request is None
        return waits and not self._headers_begun and not self._closed

    def _feed_callback_parser(self, data: bytes) -> bool:
        """Begin to wait for the rest of headers."""
        goes_on: bool = super()._feed_callback_parser(data)
        if goes_on and self._current_request is None and not self._headers_begun:
            self._headers_begun = True
            self._arm_keepalive_timer()
        return goes_on

    def _arm_keepalive_timer(self) -> None:
        connections = self.worker.connections
        connections[self] = connections.pop(self, None)  # the last one now
        idle_seconds = _ENDING_SECONDS if self.worker.is_ending else self.cfg.keepalive
        self.wait_for_headers(_HEADER_SECONDS if self._headers_begun else idle_seconds)

    def _will_close(self, request: object, response_requires_close: bool) -> bool:
        """Tell clients of a worker that ends not to send anything more on this connection."""
        wants: bool = super()._will_close(request, response_requires_close)
        return wants or self.worker.is_ending

    def close(self) -> None:
        """Close an idle connection."""
        self._keepalive_timeout()

    def wait_for_headers(self, seconds: float) -> None:
        """Close the connection if there are none within so many seconds."""
        if self._keepalive_handle:
            self._keepalive_handle.cancel()
        self._keepalive_handle = self.worker.loop.call_later(seconds, self._keepalive_timeout)

    def _cancel_keepalive_timer(self) -> None:
        """The headers are there."""
        super()._cancel_keepalive_timer()
        self._headers_begun = False

    def _build_http_scope(
        self, request: object, sockname: object, peername: object
    ) -> dict[str, Any]:
        """Name a Unix socket as ASGI does, by its path; gunicorn gives two letters of that."""
        scope: dict[str, Any] = super()._build_http_scope(request, sockname, peername)
        if isinstance(sockname, str):
            scope["server"] = (sockname, None)
        return scope

    def _is_websocket_upgrade(self, _request: object) -> bool:
        """Take no upgrade: such a request is answered as any other (RFC 9110, 7.8)."""
        return False

    def pause_writing(self) -> None:
        """Give the client some time to take its answer."""
        super().pause_writing()
        self._unread = self.worker.loop.call_later(_UNREAD_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """The client has taken it."""
        super().resume_writing()
        self._forget_unread()

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave nothing behind."""
        super().connection_lost(exc)
        self.worker.connections.pop(self, None)
        self._forget_unread()

    def _forget_unread(self) -> None:
        if self._unread:
            self._unread.cancel()
            self._unread = None

    def _send_error_response(
        self, status: int, _message: str, extra_headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        """Refuse what is no HTTP in general words, for gunicorn's own quote what was sent."""
        super()._send_error_response(
            status, HTTPStatus(status).phrase, (*extra_headers, *OF_REFUSALS)
        )


class BoundedWorker(gasgi.ASGIWorker):
    """A worker whose connections are bounded, and that ends without dropping any of them."""

    is_ending = False

    def init_process(self) -> None:
        """Begin as gunicorn's worker, which has no other way to choose its connections."""
        gasgi.ASGIProtocol = BoundedConnection
        self.connections: dict[BoundedConnection, None] = {}  # the longest idle first
        # A handshake that fails tells nobody; the connection is just gone.
        self.shaking_hands = weakref.WeakSet[BoundedConnection]()
        super().init_process()

    def _setup_event_loop(self) -> None:
        """Take a loop that shares connections with the other workers."""
        self.loop = SharingLoop(
            backlog=self.cfg.backlog,
            connections=lambda: int(self.nr_conns) + len(self.shaking_hands),
            most=self.cfg.worker_connections,
        )
        asyncio.set_event_loop(self.loop)

    def end_an_idle_one(self) -> bool:
        """Make room for a connection; tell whether there was one to spare."""
        for connection in self.connections:
            if connection.is_idle:
                connection.close()
                return True
        return False

    def handle_exit_signal(self) -> None:
        """
        Finish, at SIGTERM.

        `alive` stays true until all is answered. gunicorn's connections close when it is not, also
        where they have just told a client that it may go on; and its servers accept until it is
        next looked at, then leave whoever waits to be reset.
        """
        if not self.is_ending:
            self._finishing = self.loop.create_task(self._finish())

    async def _finish(self) -> None:
        try:
            await self._drain()
        finally:
            self.alive = False

    async def _shutdown(self) -> None:
        """End also where it was not asked to, as when its master has gone."""
        await self._drain()
        await super()._shutdown()

    async def _drain(self) -> None:
        """Accept nothing more than what has come, and wait until it is answered."""
        if self.is_ending:  # done already, or being done
            return
        self.is_ending = True
        self.state["is_ending"] = True  # each request has a copy
        begun = self.loop.time()
        tls = self._get_ssl_context()
        late = [
            self.loop.create_task(
                begin_connection(self.loop, connection, BoundedConnection(self), tls)
            )
            for connection in self._close_servers()
        ]
        for connection in self.connections:
            if connection.is_idle:
                connection.wait_for_headers(_ENDING_SECONDS)
        while not self._quick_shutdown:
            passed = self.loop.time() - begun
            is_awaited = self.nr_conns or (self.shaking_hands and passed < _HEADER_SECONDS)
            if not is_awaited or passed > self.cfg.graceful_timeout - _SPARE_SECONDS:
                break
            await asyncio.sleep(0.05)
        for task in late:
            task.cancel()
        for connection in list(self.connections):
            connection.transport.abort()

    def _close_servers(self) -> list[socket.socket]:
        """Stop listening; give the connections that nobody has accepted yet."""
        listeners = [listener.sock.dup() for listener in self.sockets] if self.servers else []
        for server in self.servers:
            server.close()
        return [c for listener in listeners for c in waiting(listener, master=self.ppid)]


def waiting(listener: socket.socket, master: int) -> Iterator[socket.socket]:
    """All connections that nobody has accepted; *listener* is closed behind them."""
    with listener:
        listener.setblocking(False)
        if not _has_open(master, listener):  # who comes now has nobody to wait for
            listener.listen(0)  # one, until it is closed; the kernel refuses the others then
        while True:
            try:
                yield listener.accept()[0]
            except OSError:  # nobody waits, or there is no room for one more
                return


def _has_open(process: int, listener: socket.socket) -> bool:
    """
    Tell whether a process has the same socket open; no, where the system knows no such process.

    Of another user's it may not tell, as of a master that is root: then it is taken to.
    """
    same = os.fstat(listener.fileno())
    try:
        with os.scandir(f"/proc/{process}/fd") as files:
            for file in files:
                with suppress(OSError):  # closed meanwhile
                    if os.path.samestat(file.stat(), same):
                        return True
    except OSError as error:
        return isinstance(error, PermissionError)
    return False
