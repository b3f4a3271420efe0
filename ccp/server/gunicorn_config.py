"""How gunicorn serves the pool: its configuration, and what it does besides."""

import gc
import os
import ssl
import sys
from typing import Any

from connexion import FlaskApp
from gunicorn.arbiter import Arbiter
from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.util import parse_address

from ccp.app import create_app, utc_now
from ccp.config.settings import AnchorsUnusable, SettingsInvalid, server_settings
from ccp.observability.log import configure_server_logging
from ccp.operations.listener import listener_of
from ccp.server.ports import require_free
from ccp.server.protected_mode import (
    require_no_kind_lost,
    require_safe_exposure,
    require_table_not_lost,
    warnings_of,
)
from ccp.server.tls import read_tls
from ccp.trust.known_kinds import KnownKinds


class _Logger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's log without an access log, whose lines would have EMAIDs; the pool has its own."""

    access_log_enabled = False


try:
    _settings = server_settings()
    _tls = read_tls(_settings)
except SettingsInvalid as error:
    sys.exit(f"The pool cannot start.\n{error}")

_operators = listener_of(_settings)

bind = _settings.bind
certfile = _settings.tls_certificate or None
keyfile = _settings.tls_key or None
workers = _settings.workers
# The pool looks itself at what proxies have forwarded.
forwarded_allow_ips = ""
secure_scheme_headers: dict[str, str] = {}
worker_class = "ccp.web.worker.BoundedWorker"  # "asgi", with bounds and a loop of its own
asgi_lifespan = "on"
# What is wrong stops the start, before there is a worker; half the memory. Nothing is open then.
preload_app = True
# Idle connections; longer than proxies keep them, so that none sends a request into a closing one.
keepalive = 75
worker_connections = 800  # each worker's; below the 1024 files that a process usually may open
# The longest URL of the spec has 1500 characters; a token may have a few kilobytes.
limit_request_line = 4094
limit_request_fields = 64
limit_request_field_size = 8190
graceful_timeout = 20
# gunicorn gives a body up after this long without answering; the pool's 408 has to come first.
timeout = _settings.body_timeout_seconds + 20
# Of Unix sockets, the API's and the operators': 0660, for the pool's user and group alone.
umask = 0o117
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108
control_socket_disable = True
logger_class = _Logger
logconfig_dict, _log_writer = configure_server_logging(_settings)


def ssl_context(_config: Config, _default_context: Any) -> ssl.SSLContext | None:
    """Give workers what was read before them: one that cannot read would speak plain HTTP."""
    return _tls.context


def on_starting(server: Arbiter) -> None:
    """Refuse to serve others than this machine by accident, whoever gave the address."""
    if server.cfg.is_ssl and _tls.context is None:
        sys.exit("The pool cannot start.\nTLS is set up with CCP_TLS_CERTIFICATE and CCP_TLS_KEY.")
    refuse_exposure(server)
    require_free_ports(server)


def when_ready(server: Arbiter) -> None:
    """Look again, now at the sockets: systemd or a former gunicorn may have bound them."""
    _operators.open(server)
    refuse_exposure(server)
    KnownKinds(_settings).save(server.app.wsgi().services.trusted.files)
    log_urls(server, server.app.wsgi())
    warn(server, server.app.wsgi())


def pre_fork(server: Arbiter, worker: Any) -> None:
    """
    Tell workers apart, and leave what they share out of their garbage collections.

    They would look through all of it each time, and so copy it. What a SIGHUP has replaced is not
    kept.
    """
    _operators.before_fork(server, worker)
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def post_fork(_server: Arbiter, worker: Any) -> None:
    """Start the worker's log, and let the operators in, however the API's sockets have come."""
    _log_writer.start()
    _operators.after_fork(worker)


def worker_exit(_server: Arbiter, _worker: Any) -> None:
    """Write what is left of the worker's log."""
    _log_writer.stop()


def on_reload(server: Arbiter) -> None:
    """Give the workers that SIGHUP starts certificate and trust anchors as they are now."""
    global _tls
    _operators.open(server)  # again, if gunicorn has closed all sockets for other ones
    old = server.app.wsgi().services
    before = old.trusted
    try:
        tls = read_tls(_settings)
        app = create_app(_settings)
        after = app.services.trusted
        require_no_kind_lost(before.current.trust, after.current.trust, at=utc_now())
        require_table_not_lost(old.provider_table, app.services.provider_table)
        before.refused_reload = ""
        require_safe(server, app)
    except Exception as error:  # whatever it is, the pool serves on
        server.log.error("The pool goes on as it was.\n%s", error)
        if isinstance(error, AnchorsUnusable):  # the workers that are forked now tell it
            before.refused_reload = str(error)
    else:
        _tls = tls
        server.app.callable = app
        KnownKinds(_settings).save(after.files)
        warn(server, app)


def require_free_ports(server: Arbiter) -> None:
    """End, with the reason, a server whose addresses others listen on; it may inherit its own."""
    if server.cfg.reuse_port or server.master_pid or "LISTEN_FDS" in os.environ:
        return
    is_by_settings = server.cfg.bind == [_settings.bind]
    variables = ("CCP_PORT", "CCP_HOST") if is_by_settings else ("--bind", "--bind")
    wanted = [(address, *variables) for address in server.cfg.address]
    if _settings.operations_bind:
        address = parse_address(_settings.operations_bind)
        wanted.append((address, "CCP_OPERATIONS_BIND", "CCP_OPERATIONS_BIND"))
    try:
        for address, port_variable, host_variable in wanted:
            if isinstance(address, tuple):
                require_free(*address, variable=port_variable, host_variable=host_variable)
    except SettingsInvalid as error:
        sys.exit(f"The pool cannot start.\n{error}")


def refuse_exposure(server: Arbiter) -> None:
    """End, with the reason, a server that would serve others by accident, or has lost anchors."""
    try:
        require_safe(server, server.app.wsgi())
        KnownKinds(_settings).require(server.app.wsgi().services.trusted.current.trust)
    except SettingsInvalid as error:
        sys.exit(f"The pool cannot start.\n{error}")


def require_safe(server: Arbiter, app: FlaskApp) -> None:
    """Raise SettingsInvalid where protected mode forbids what is bound, or is about to be."""
    trust = app.services.trusted.current.trust
    require_safe_exposure(_settings, hosts_of(server), trust)


def hosts_of(server: Arbiter) -> list[str]:
    """Give what is bound, or is about to be: addresses, host names, Unix sockets."""
    addresses = [listener.getsockname() for listener in listeners_of(server)]
    # fd:// is seen once it is a listener, which each worker makes for itself if ports are reused.
    addresses += [a for a in server.cfg.address if server.cfg.reuse_port or not isinstance(a, int)]
    return [a[0] if isinstance(a, tuple) else f"socket {a}" for a in addresses]


def listeners_of(server: Arbiter) -> list[Any]:
    """Give the sockets of the API: what operators see is no contract."""
    return [listener for listener in server.LISTENERS if listener is not _operators.socket]


def log_urls(server: Arbiter, app: FlaskApp) -> None:
    """Log where a browser finds Swagger UI; the operators' pages have a line of their own."""
    for address in map(str, listeners_of(server)):
        if address.startswith("http"):  # not a Unix socket
            for base_path in app.base_paths:
                server.log.info("Swagger UI: %s%s/ui/", address, base_path)


def warn(server: Arbiter, app: FlaskApp) -> None:
    """Say once what this pool does not ask and not verify."""
    served = ", ".join(map(str, listeners_of(server))) or "it"
    trust = app.services.trusted.current.trust
    operators = str(_operators.socket) if _operators.is_open_to_others else ""
    hosts = hosts_of(server)
    warnings = warnings_of(_settings, hosts, trust, served=served, operators=operators)
    if warnings:
        server.log.warning(" ".join(warnings))
    if _tls.warning:
        server.log.warning(_tls.warning)
