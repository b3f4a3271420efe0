"""Workers that share a listening socket: each leaves connections to the others."""

import asyncio
import errno
import socket
import ssl
import weakref
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ccp.web import accepting
from ccp.web.accepting import Acceptor, SharingLoop
from tests.authority import Authority
from tests.waiting import SECONDS, until

BACKLOG = 200
MOST = 40
LONG = 60.0
MOMENT = 0.2


class Recorded(asyncio.Protocol):
    """What is there of an accepted connection."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.is_lost = False

    def connection_made(self, transport: asyncio.Transport) -> None:
        """It may speak now."""
        self.transport = transport

    def connection_lost(self, _: Exception | None) -> None:
        """It is gone."""
        self.transport = None
        self.is_lost = True


class Worker:
    """A worker's part: its loop, one server and the connections that it has."""

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        self.taken: list[Recorded] = []
        self.loop = SharingLoop(backlog=BACKLOG, connections=self.count, most=MOST)

    def count(self) -> int:
        """How many connections it has."""
        return sum(not one.is_lost for one in self.taken)

    def make_protocol(self) -> Recorded:
        """Of a connection that has just been accepted."""
        self.taken.append(Recorded())
        return self.taken[-1]

    def run(
        self, meanwhile: Callable[[Acceptor], Awaitable[None]], tls: ssl.SSLContext | None = None
    ) -> None:
        """Accept until that ends."""

        async def main() -> None:
            server = await self.loop.create_server(
                self.make_protocol,
                sock=self.listener,
                ssl=tls,
                reuse_address=True,
                start_serving=True,
            )
            try:
                await meanwhile(server)
            finally:
                server.close()
                await all_begun()
                for one in self.taken:
                    if one.transport:
                        one.transport.abort()
                await until(lambda: not any(one.transport for one in self.taken))

        self.loop.run_until_complete(main())


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A listening socket that others accept from too."""
    with socket.create_server(("127.0.0.1", 0), backlog=BACKLOG) as listener:
        listener.setblocking(False)
        yield listener


@pytest.fixture
def worker(listener: socket.socket) -> Iterator[Worker]:
    """Accepts in this thread."""
    worker = Worker(listener)
    yield worker
    worker.loop.close()


@pytest.fixture
def clients(listener: socket.socket) -> Iterator[Callable[[int], list[socket.socket]]]:
    """Make so many connections at once; the kernel takes them, whoever accepts."""
    with ExitStack() as stack:

        def connect(number: int) -> list[socket.socket]:
            address = listener.getsockname()
            made = [socket.create_connection(address, timeout=SECONDS) for _ in range(number)]
            for one in made:
                stack.enter_context(one)
            return made

        yield connect


async def all_begun() -> None:
    """Wait until all connections that were accepted have begun, or failed."""
    await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})


async def accepted(worker: Worker, number: int) -> None:
    """Wait until so many connections have been accepted; a moment later there are no more."""
    await until(lambda: len(worker.taken) >= number)
    await asyncio.sleep(MOMENT)
    assert len(worker.taken) == number


def test_the_others_have_time_to_take_the_next(worker, clients, monkeypatch):
    """Of those who come at once a worker takes one, and hesitates."""
    monkeypatch.setattr(accepting, "_HESITATION_SECONDS", LONG)
    clients(3)

    async def meanwhile(_: Acceptor) -> None:
        await accepted(worker, 1)
        for _ in range(2):
            worker.listener.accept()[0].close()

    worker.run(meanwhile)


def test_whom_nobody_else_takes_is_taken(worker, clients):
    """A single worker takes all, one after the other."""
    clients(30)

    async def meanwhile(_: Acceptor) -> None:
        await until(lambda: len(worker.taken) == 30)

    worker.run(meanwhile)


@pytest.mark.parametrize(("window", "at_once"), [(LONG, 4), (0.0, 0)])
def test_who_takes_the_place_of_others_is_taken_at_once(
    worker, clients, monkeypatch, window, at_once
):
    """As many as the worker has had just before, not long ago; one more, and it hesitates."""
    monkeypatch.setattr(accepting, "_WINDOW_SECONDS", window)
    first = clients(4)

    async def meanwhile(_: Acceptor) -> None:
        await accepted(worker, 4)
        await all_begun()
        monkeypatch.setattr(accepting, "_HESITATION_SECONDS", LONG)
        for one in first:
            one.close()
        await until(lambda: worker.count() == 0)
        clients(8)
        await accepted(worker, 4 + at_once + 1)

    worker.run(meanwhile)


def test_as_many_may_wait_as_was_said(worker, clients, monkeypatch):
    """Whatever the socket was told before: a worker that ends lets nobody wait."""
    monkeypatch.setattr(accepting, "_HESITATION_SECONDS", LONG)
    worker.listener.listen(0)
    waiting: list[socket.socket] = []

    async def meanwhile(_: Acceptor) -> None:
        waiting.extend(clients(150))  # while the loop stands still

    worker.run(meanwhile)
    assert len(waiting) == 150


def test_answers_are_not_held_back(worker, clients):
    """No connection waits for more to send (Nagle's algorithm)."""
    clients(1)

    async def meanwhile(_: Acceptor) -> None:
        await until(lambda: worker.taken and worker.taken[0].transport)
        connection = worker.taken[0].transport.get_extra_info("socket")
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

    worker.run(meanwhile)


def test_without_files_it_waits_and_goes_on(worker, clients, monkeypatch):
    """Where the process can have no more files, whoever waits is taken later."""
    monkeypatch.setattr(accepting, "_PAUSE_SECONDS", 0.01)

    class Poor:
        failures = 3

        def close(self) -> None:
            listener.close()

        def fileno(self) -> int:
            return listener.fileno()

        def listen(self, backlog: int) -> None:
            listener.listen(backlog)

        def accept(self) -> tuple[socket.socket, object]:
            if self.failures:
                self.failures -= 1
                raise OSError(errno.EMFILE, "Too many open files")
            return listener.accept()

    listener, worker.listener = worker.listener, Poor()
    clients(1)

    async def meanwhile(_: Acceptor) -> None:
        await accepted(worker, 1)

    with capture_logs() as logged:
        worker.run(meanwhile)
    assert [line["reason"] for line in logged] == ["[Errno 24] Too many open files"]


def test_a_handshake_that_fails_is_no_error(worker, clients, caplog):
    """Who speaks no TLS is gone, and the next one is taken."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    for client in clients(2):
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")

    async def meanwhile(_: Acceptor) -> None:
        await accepted(worker, 2)
        await all_begun()

    worker.run(meanwhile, context)
    assert [one.transport for one in worker.taken] == [None, None]
    assert not caplog.records


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """The CA of the server's certificate."""
    return Authority(tmp_path, "ca")


@pytest.fixture
def tls(authority: Authority) -> ssl.SSLContext:
    """What the server speaks TLS with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("server"))
    return context


class CountingWorker(Worker):
    """A worker that forgets a connection when its handshake has failed, as the real one does."""

    def __init__(self, listener: socket.socket) -> None:
        super().__init__(listener)
        self.known = weakref.WeakSet[Recorded]()

    def make_protocol(self) -> Recorded:
        """Of a connection that has just been accepted."""
        made = Recorded()
        self.known.add(made)
        return made

    def count(self) -> int:
        """How many connections it has, with those whose handshake goes on."""
        return sum(not one.is_lost for one in self.known)


async def closed_by_server(clients: Iterable[socket.socket]) -> int:
    """How many of these clients have lost their connection."""
    closed = 0
    for client in clients:
        client.setblocking(False)
        try:
            closed += client.recv(1) == b""
        except ConnectionResetError:
            closed += 1
        except BlockingIOError:
            pass
    return closed


def test_handshake_without_end_is_given_up_after_some_seconds(
    listener, clients, tls, monkeypatch
) -> None:
    """A client that connects and says nothing keeps no file open for longer."""
    assert accepting.HANDSHAKE_SECONDS == 5
    monkeypatch.setattr(accepting, "HANDSHAKE_SECONDS", 0.05)
    worker = CountingWorker(listener)
    silent = clients(3)

    async def meanwhile(_: Acceptor) -> None:
        async with asyncio.timeout(SECONDS):
            while await closed_by_server(silent) < len(silent) or worker.count():
                await asyncio.sleep(0.01)

    worker.run(meanwhile, tls)
    worker.loop.close()


def test_handshakes_count_in_the_limit_and_the_oldest_is_given_up(
    listener, clients, authority, tls, monkeypatch
) -> None:
    """So no number of silent clients takes all files, and who finishes a handshake is let in."""
    worker = CountingWorker(listener)
    silent = clients(3 * MOST)
    trusting = ssl.create_default_context(cafile=authority.file)

    async def meanwhile(_: Acceptor) -> None:
        async with asyncio.timeout(SECONDS):
            while await closed_by_server(silent) < 2 * MOST:
                assert worker.count() <= MOST + 5  # a few are just being closed
                await asyncio.sleep(0.01)
            host, port = listener.getsockname()
            _, writer = await asyncio.open_connection(
                host, port, ssl=trusting, server_hostname="localhost"
            )
            assert worker.count() <= MOST
            assert await closed_by_server(silent[-MOST + 2 :]) == 0
            for client in (*silent, writer):
                client.close()
            while asyncio.all_tasks() > {asyncio.current_task()}:
                await asyncio.sleep(0.01)

    worker.run(meanwhile, tls)
    worker.loop.close()


@pytest.mark.parametrize("hesitates", [False, True])
def test_a_server_that_is_closed_accepts_nobody(worker, clients, monkeypatch, hesitates):
    """Also where it would have gone on in a moment; who is there stays."""
    if hesitates:
        monkeypatch.setattr(accepting, "_HESITATION_SECONDS", MOMENT / 2)
        clients(1)

    address, kept = worker.listener.getsockname(), worker.listener.dup()

    async def meanwhile(server: Acceptor) -> None:
        await until(lambda: len(worker.taken) == int(hesitates))
        await all_begun()
        server.close()
        server.close()
        await server.wait_closed()
        other = socket.create_connection(address, timeout=SECONDS)
        other.close()
        await asyncio.sleep(MOMENT)
        assert worker.listener.fileno() == -1
        assert len(worker.taken) == int(hesitates)
        assert all(one.transport is not None for one in worker.taken)

    with kept:  # another worker's
        worker.run(meanwhile)
