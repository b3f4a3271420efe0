"""The socket of the operators, which gunicorn's workers serve besides those of the API."""

import copy
import ipaddress
import sys
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from gunicorn import sock, util

from ccp.config.addresses import is_loopback
from ccp.config.settings import Settings
from ccp.operations.counts_folder import make_counts_folder

Address = tuple[str, int] | str
"""Host and port, or the path of a Unix socket."""


class Listener:
    """
    One process's view of that socket, and of the folder in which the workers count.

    gunicorn's master opens both, and what it forks has them too. Neither is among gunicorn's own
    settings: whoever gives the API's address, on the command line or as a socket that is there
    already, changes nothing here.

    Args:
        bind: CCP_OPERATIONS_BIND; empty where there are to be none.
    Attributes:
        socket: gunicorn's, among its LISTENERS.
        address: What it is bound to; None where nobody listens.
        folder: Removed when the process that made it ends.
        slot: The number of a worker among those that run at the same time. Who takes the place of
            another goes on with its counts: none is lost, and the folder does not grow.
    """

    def __init__(self, bind: str) -> None:
        self._bind = bind
        self.socket: Any = None
        self.address: Address | None = None
        self._is_everywhere = False
        self.folder: Path | None = None
        self.slot = 0

    def open(self, server: Any) -> None:
        """
        Listen, if that was said and is not done; gunicorn has opened the API's sockets before.

        Args:
            server: gunicorn's arbiter; it ends, with the reason, where it cannot listen.
        """
        if not self._bind or any(listener is self.socket for listener in server.LISTENERS):
            return
        wanted = util.parse_address(self._bind)
        bound = {_address(listener): listener for listener in server.LISTENERS}
        if wanted not in (server.cfg.address if server.cfg.reuse_port else bound):
            alone = copy.deepcopy(server.cfg)
            alone.set("bind", [self._bind])
            alone.set("reuse_port", False)
            (self.socket,) = sock.create_sockets(alone, server.log)
            server.LISTENERS.append(self.socket)
        elif server.master_pid and len(bound) > 1:  # SIGUSR2: the former master has opened it
            self.socket = bound[wanted]
        else:
            sys.exit("The pool cannot start.\nCCP_OPERATIONS_BIND: the pool itself listens there.")
        server.log.info("Operators look at: %s (pages, /health/ready, /metrics)", self.socket)
        folder = self.folder or make_counts_folder(server.cfg.uid, server.cfg.gid)
        self.listen_at(_address(self.socket), folder)

    def listen_at(self, address: Address, folder: Path) -> None:
        """Take what comes in at an address for the operators', and count in a folder."""
        self.address, self.folder = address, folder
        self._is_everywhere = (
            isinstance(address, tuple) and ipaddress.ip_address(address[0]).is_unspecified
        )

    def before_fork(self, server: Any, worker: Any) -> None:
        """Give a worker its number."""
        taken = {other.slot for other in server.WORKERS.values()}
        worker.slot = self.slot = next(slot for slot in count() if slot not in taken)

    def after_fork(self, worker: Any) -> None:
        """Have a worker serve it that has opened the API's sockets by itself (--reuse-port)."""
        if self.socket and all(listener is not self.socket for listener in worker.sockets):
            worker.sockets.append(self.socket)

    @property
    def is_open_to_others(self) -> bool:
        """Whether it can be reached from other machines."""
        return isinstance(self.address, tuple) and not is_loopback(self.address[0])

    def has_accepted(self, server: tuple[str, int | None] | None) -> bool:
        """
        Tell whether a connection has come in here.

        Args:
            server: What ASGI calls so: host and port, or the path of a Unix socket and None.
        """
        if self.address is None or server is None:
            return False
        host, port = server
        if self._is_everywhere:  # nobody else has the port then
            return port == self.address[1]
        return (host if port is None else (host, port)) == self.address


def _address(listener: Any) -> Address:
    name = listener.getsockname()
    return name if isinstance(name, str) else tuple(name[:2])


@cache
def listener_of(settings: Settings) -> Listener:
    """Give the one listener of this process, which gunicorn's hooks and the app both ask for."""
    return Listener(settings.operations_bind)
