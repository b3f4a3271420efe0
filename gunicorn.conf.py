"""How gunicorn serves the pool, so that plain `gunicorn wsgi:app` is right."""

import os
import sys

from gunicorn.glogging import Logger

from ccp.app import create_app
from ccp.log import configure_logging
from ccp.settings import SettingsInvalid, server_settings


class _Logger(Logger):
    """gunicorn's log without an access log, whose lines would have EMAIDs; the pool has its own."""

    access_log_enabled = False


try:
    _settings = server_settings()
except SettingsInvalid as error:
    sys.exit(f"The pool cannot start.\n{error}")

bind = _settings.bind
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
    try:
        warn(server, server.app.wsgi())
    except SettingsInvalid as error:
        sys.exit(f"The pool cannot start.\n{error}")


def on_reload(server):
    """Give the workers that SIGHUP starts an application made anew, with the anchors of now."""
    try:
        app = create_app(_settings)
        warn(server, app)
    except Exception as error:  # whatever it is, the pool serves on
        server.log.error("The pool goes on as it was.\n%s", error)
    else:
        server.app.callable = app


def warn(server, app):
    """Say once what this pool does not ask and not verify; SettingsInvalid if that is not meant."""
    hosts = [address[0] for address in server.cfg.address if isinstance(address, tuple)]
    trust = app.services.trust
    _settings.require_safe_exposure(hosts, verifies=trust.v2g.configured)
    warning = []
    if _settings.auth == "none":
        served = ", ".join(map(str, hosts)) or "its socket"
        warning.append(f"Whoever reaches {served} may use this pool (CCP_AUTH=none).")
    anchors = {"CPS": trust.v2g, "contracts": trust.contracts, "cars": trust.oem}
    unverified = " and ".join(whose for whose, ends in anchors.items() if not ends.configured)
    if unverified:
        warning.append(f"Chains of {unverified} are not verified: no anchors in CCP_TRUST_DIR.")
    if _settings.lab:
        warning.append("What is wrong with a message is logged, not refused (CCP_CHECKS=lab).")
    if warning:
        server.log.warning(" ".join(warning))
