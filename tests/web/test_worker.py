"""A worker that stops listening: who has come is taken, who comes now is not kept waiting."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ccp.web.worker import waiting
from tests.waiting import SECONDS

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="asks Linux")


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A listening socket of this process."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        yield listener


@pytest.fixture
def stranger() -> Iterator[int]:
    """A process that has not got it."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process.pid


def connect(listener: socket.socket, stack: ExitStack, number: int) -> None:
    """Make so many connections."""
    for _ in range(number):
        stack.enter_context(socket.create_connection(listener.getsockname(), SECONDS))


def is_let_in(listener: socket.socket, stack: ExitStack) -> bool:
    """Tell whether one more client gets a connection, within a moment."""
    client = stack.enter_context(socket.socket())
    client.settimeout(0.1)
    return client.connect_ex(listener.getsockname()) == 0


@pytest.mark.parametrize("kept", [True, False])
def test_whoever_waits_is_taken(listener: socket.socket, stranger: int, kept: bool) -> None:
    """All whom the kernel has let in are given, and the socket is closed."""
    duplicate = listener.dup()
    with ExitStack() as stack:
        connect(listener, stack, 20)
        given = list(waiting(duplicate, os.getpid() if kept else stranger))
        for connection in given:
            connection.close()
        assert len(given) == 20
    assert duplicate.fileno() == -1


def test_a_socket_that_the_master_keeps_is_left_as_it_is(listener: socket.socket) -> None:
    """Others will accept who comes: after SIGHUP, the next worker."""
    assert list(waiting(listener.dup(), os.getpid())) == []
    with ExitStack() as stack:
        connect(listener, stack, 20)


def test_a_socket_that_nobody_will_accept_from_lets_one_in(
    listener: socket.socket, stranger: int
) -> None:
    """The others try again, and are refused once it is closed."""
    assert list(waiting(listener.dup(), stranger)) == []
    with ExitStack() as stack:
        connect(listener, stack, 1)
        assert not any(is_let_in(listener, stack) for _ in range(19))


def test_a_socket_that_the_master_may_have_is_left_as_it_is(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a master that is root a worker that is not cannot tell."""

    def scandir(path: str) -> None:
        raise PermissionError(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert list(waiting(listener.dup(), os.getppid())) == []
    with ExitStack() as stack:
        connect(listener, stack, 20)
