"""How gunicorn serves the pool, so that plain `gunicorn wsgi:app` is right."""

import os

from ccp.log import configure_logging
from ccp.settings import load_settings

_settings = load_settings(os.environ)

bind = f"{_settings.host}:{_settings.port}"
workers = _settings.workers
worker_class = "asgi"
asgi_loop = "uvloop"
asgi_lifespan = "on"  # an operation without a handler stops the start, not the first request
preload_app = True  # half the memory; nothing is open when the workers are forked
keepalive = 15
timeout = 30
graceful_timeout = 20
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108
control_socket_disable = True
logconfig_dict = configure_logging(_settings)


def on_starting(server):
    """Refuse an address of the command line (`--bind`) as one of CCP_HOST is refused."""
    _settings.require_safe_exposure(
        address[0] for address in server.cfg.address if isinstance(address, tuple)
    )
