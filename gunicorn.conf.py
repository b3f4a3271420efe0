"""How gunicorn serves the pool, so that plain `gunicorn wsgi:app` is right."""

import os
import sys

from gunicorn.glogging import Logger

from ccp.log import configure_logging
from ccp.settings import SettingsInvalid, load_settings


class _Logger(Logger):
    """gunicorn's log without an access log, whose lines would have EMAIDs; the pool has its own."""

    access_log_enabled = False


try:
    _settings = load_settings(os.environ)
except SettingsInvalid as error:
    sys.exit(f"The pool cannot start.\n{error}")

bind = f"{_settings.host}:{_settings.port}"
workers = _settings.workers
worker_class = "asgi"
asgi_loop = "uvloop"
asgi_lifespan = "on"
# What is wrong stops the start, before there is a worker; half the memory. Nothing is open then.
preload_app = True
keepalive = 5  # an idle connection holds up the end of a worker for so long
graceful_timeout = 20
# gunicorn gives a body up after this long without answering; the pool's 408 has to come first.
timeout = _settings.body_timeout_seconds + 20
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108
control_socket_disable = True
logger_class = _Logger
logconfig_dict = configure_logging(_settings)


def on_starting(server):
    """Refuse an address of the command line (`--bind`) as one of CCP_HOST is refused."""
    try:
        _settings.require_safe_exposure(
            address[0] for address in server.cfg.address if isinstance(address, tuple)
        )
    except SettingsInvalid as error:
        sys.exit(f"The pool cannot start.\n{error}")
