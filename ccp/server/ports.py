"""Check before the start that the pool's addresses are free."""

import errno
import socket
import time

from ccp.config.settings import SettingsInvalid

_SECONDS = 2  # a server that was asked to end just before gives its port up within these
_PAUSE_SECONDS = 0.1


def require_free(host: str, port: int, *, variable: str, host_variable: str = "") -> None:
    """
    Check that an address can be listened on, before gunicorn tries five times and logs each.

    Args:
        host: An address or a host name.
        variable: The setting that another port is set with.
        host_variable: The setting that another host is set with, if that is a different one.
    Raises:
        SettingsInvalid: The address cannot be listened on, and still not after two seconds.
    """
    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            _bind(host, port)
            return
        except OSError as error:
            if error.errno == errno.EADDRINUSE and time.monotonic() < deadline:
                time.sleep(_PAUSE_SECONDS)
                continue
            shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            if error.errno == errno.EADDRINUSE:
                problem = f"{shown} is in use; stop what listens there, or set another port"
            elif error.errno == errno.EACCES:
                problem = f"{shown} cannot be listened on ({error.strerror}); set another port"
            else:
                variable = host_variable or variable
                problem = f"{shown} cannot be listened on ({error.strerror}); set another address"
            raise SettingsInvalid(f"{variable}: {problem}") from None


def _bind(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as gunicorn does
        one.bind((host, port))
