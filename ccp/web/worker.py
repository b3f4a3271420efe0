"""gunicorn's ASGI worker, with an end to its patience with slow clients and to their number."""

import asyncio
from http import HTTPStatus

from gunicorn.asgi.protocol import ASGIProtocol
from gunicorn.workers import gasgi

# Of 64 KiB of an answer, beyond what the kernel takes at once.
_UNREAD_SECONDS = 10


class BoundedConnection(ASGIProtocol):
    """
    One connection: it has to send headers, and take its answers, in time.

    gunicorn gives the headers of a connection's later requests `keepalive` seconds, the first one's
    all the time there is. And it waits for ever until an answer is read.
    """

    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begin to wait for headers; beyond `worker_connections`, end at once."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=0)  # so that all that is not taken is told of
        if self.worker.nr_conns > self.cfg.worker_connections:
            self._request_ready.set()  # lets the task of the connection end too
            transport.abort()
        else:
            self._arm_keepalive_timer()

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
        self._forget_unread()

    def _forget_unread(self) -> None:
        if self._unread:
            self._unread.cancel()
            self._unread = None

    def _send_error_response(
        self, status: int, _message: str, extra_headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        """Refuse what is no HTTP in general words, for gunicorn's own quote what was sent."""
        super()._send_error_response(status, HTTPStatus(status).phrase, extra_headers)


class BoundedWorker(gasgi.ASGIWorker):
    """A worker whose connections are bounded."""

    def init_process(self) -> None:
        """Begin as gunicorn's worker, which has no other way to choose its connections."""
        gasgi.ASGIProtocol = BoundedConnection
        super().init_process()
