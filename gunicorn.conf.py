"""How gunicorn serves the pool, so that plain `gunicorn wsgi:app` is right."""

import os
import sys
from pathlib import Path

from gunicorn.glogging import Logger

from ccp.app import create_app, utc_now
from ccp.log import configure_logging
from ccp.pki.trust import load_trust
from ccp.settings import SettingsInvalid, load_settings
from ccp.store import StoreUnusable


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
    """Refuse to serve others than this machine by accident, whoever gave the address."""
    hosts = [address[0] for address in server.cfg.address if isinstance(address, tuple)]
    trust = load_trust(Path(_settings.trust_dir), at=utc_now())
    try:
        _settings.require_safe_exposure(hosts, verifies=bool(trust.v2g))
    except SettingsInvalid as error:
        sys.exit(f"The pool cannot start.\n{error}")
    warning = [f"Whoever reaches {', '.join(hosts)} may use this pool (CCP_AUTH=none)."]
    if not trust.v2g:
        warning.append(f"It verifies no chain: {_settings.trust_dir} has no V2G trust anchor.")
    if _settings.lab:
        warning.append("What is wrong with a message is logged, not refused (CCP_CHECKS=lab).")
    server.log.warning(" ".join(warning))


def on_reload(server):
    """Give the workers that SIGHUP starts an application made anew: settings, trust anchors."""
    try:
        server.app.callable = create_app(load_settings(os.environ))
    except (SettingsInvalid, StoreUnusable) as error:
        server.log.error("The pool goes on as it was.\n%s", error)
