"""`ccp check-config`: what the settings make of a pool, before it starts."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from logging.config import dictConfig
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from ccp.commands.output import json_option, tell
from ccp.config.addresses import is_near
from ccp.config.settings import Settings, SettingsInvalid, server_settings
from ccp.observability.log import configure_logging
from ccp.store import StoreUnusable
from ccp.store.migrations import steps_missing


@dataclass(slots=True)
class _Findings:
    """
    What was found.

    Attributes:
        problems: Why it would not start; a sentence each.
        warnings: What it would leave unprotected; a sentence each.
        address: Where it would listen.
        database: Its path, and how it is.
        anchors: How many there are of V2G roots, eMSPs and OEMs that are valid now.
    """

    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    address: str = ""
    database: str = ""
    anchors: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Note a problem instead of raising it, to tell it together with others."""
        try:
            yield
        except (SettingsInvalid, StoreUnusable) as error:
            self.problems += str(error).splitlines()


@click.command("check-config")
@json_option
def check_config(as_json: bool) -> None:
    """
    Check the settings: would a pool start with them, and what would it be?

    They are the variables CCP_… of the environment, and those of a file .env in the working folder.
    The pool is put together as by `ccp serve`, but for its database, which is only looked at; no
    port is opened, and no other service is asked. The exit status is 1 where it would not start.
    """
    findings = _Findings()
    with findings.noting():
        _look(server_settings(), findings)
    starts = not findings.problems
    tell(*_lines(findings), as_json=as_json, starts=starts, **asdict(findings))
    if findings.problems:
        raise SystemExit(1)


def _look(settings: Settings, findings: _Findings) -> None:
    # Imported only now: they take half a second, and `--help` needs none of them.
    from ccp.app import read_provider_table, utc_now
    from ccp.server.protected_mode import require_safe_exposure, warnings_of
    from ccp.server.tls import read_tls
    from ccp.trust.folder import KINDS
    from ccp.trust.kept_roots import trusted_at_start
    from ccp.trust.known_kinds import KnownKinds

    dictConfig(configure_logging(settings))
    scheme = "https" if settings.tls_certificate else "http"
    findings.address = f"{scheme}://{settings.bind}"
    with findings.noting():
        findings.database = _state_of(settings.database_path)
    with findings.noting():
        warning = read_tls(settings).warning
        findings.warnings += [warning] if warning else []
    with findings.noting():
        _rehearse(settings)
        now = utc_now()
        trust = trusted_at_start(settings, at=now).current.trust
        findings.warnings += read_provider_table(settings, trust).warnings(trust)
        findings.anchors = {kind: len(getattr(trust, kind).valid_at(now)) for kind in KINDS}
        hosts = [settings.host]
        seen = settings.operations_bind
        operators = "" if not seen or is_near(seen) else seen
        findings.warnings += warnings_of(
            settings, hosts, trust, served=findings.address, operators=operators
        )
        require_safe_exposure(settings, hosts, trust)
        KnownKinds(settings).require(trust)


def _rehearse(settings: Settings) -> None:
    """Put a pool together as when it starts, on a database of its own."""
    from ccp.app import create_app

    with TemporaryDirectory() as folder:
        create_app(replace(settings, database_url=f"sqlite:///{folder}/ccp.db"))


def _state_of(database: Path) -> str:
    """Say how a database is; StoreUnusable where no pool could use it."""
    folder = database.absolute().parent
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StoreUnusable(f"the database {database} cannot be used: {folder} cannot be written")
    if not database.exists():
        return f"{database}, which is made at the start"
    if not os.access(database, os.R_OK | os.W_OK):
        raise StoreUnusable(f"the database {database} cannot be used: it cannot be written")
    missing = steps_missing(database)
    if missing:
        return f"{database}, which is brought up to date at the start, by {', '.join(missing)}"
    return f"{database}, which is up to date"


def _lines(findings: _Findings) -> Iterator[str]:
    if findings.address:
        yield f"address   {findings.address}"
    if findings.database:
        yield f"database  {findings.database}"
    if findings.anchors:
        counts = ", ".join(f"{name} {number}" for name, number in findings.anchors.items())
        yield f"anchors   {counts}"
    for warning in findings.warnings:
        yield f"warning   {warning}"
    for problem in findings.problems:
        yield f"problem   {problem}"
    yield "It would not start." if findings.problems else "It would start."
