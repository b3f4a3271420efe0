"""`ccp cleanse`: what has expired or is revoked leaves the pool."""

import asyncio
import sys
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from ccp.commands.database import by_command, pool_store
from ccp.commands.output import is_watched, json_lines_option, tell
from ccp.config.settings import server_settings
from ccp.store.queries import count

if TYPE_CHECKING:
    from ccp.cleansing import Removal, Report


@click.command()
@click.option("--dry-run", is_flag=True, help="Remove nothing; show what would be removed.")
@json_lines_option
@click.option(
    "--no-revocation",
    is_flag=True,
    help="Remove expired contracts only; ask for no status.",
)
@click.option("--force", is_flag=True, help="Ignore the limits on share and clock.")
def cleanse(dry_run: bool, as_json: bool, no_revocation: bool, force: bool) -> None:
    """
    Remove contracts that have expired, or that have a revoked certificate.

    The database is that of CCP_DATABASE_URL; the pool may be running. The status of certificates
    whose chains end in an anchor of the pool is looked up where they say: at OCSP responders, or
    else in CRLs. CCP_REVOCATION_UNREACHABLE decides whether contracts without an answer are kept.

    A run is refused if it would remove more than CCP_CLEANSE_MAX_PERCENT of the records, or if the
    clock is more than CCP_CLEANSE_CLOCK_DAYS ahead of the last write and the last run. Check with
    --dry-run; --force ignores both limits.

    Each line has contract, car, result and reason; the last line has the numbers. The exit status
    is 1 if a record was kept because its status is unknown or its chains cannot be proved.
    """
    # Imported only now: they take a while, and `--help` needs none of them.
    from ccp.cleansing import CleansingRefused, make_cleansing
    from ccp.trust.kept_roots import trusted_at_start

    kept = 0

    def note(removal: "Removal") -> None:
        nonlocal kept
        kept += not removal.leaves
        with suppress(OSError):  # the reader of a pipe may have gone; the run goes on
            tell(_row(removal), as_json=as_json, **_facts(removal))

    with pool_store() as store:
        settings = server_settings()
        trusted = trusted_at_start(settings, at=_now())
        cleansing = make_cleansing(settings, store, trusted, _now)
        with click.progressbar(
            length=count(settings.database_path),
            label="Cleansing",
            file=sys.stderr,
            hidden=not is_watched(),
        ) as bar:
            try:
                report = asyncio.run(
                    cleansing.run(
                        by_command("cleanse"),
                        note,
                        dry_run=dry_run,
                        revocation=not no_revocation,
                        force=force,
                        progress=bar.update,
                    )
                )
            except CleansingRefused as error:
                raise click.ClickException(str(error)) from None
    tell(_summary(report), as_json=as_json, **asdict(report))
    if report.unproved or kept:
        raise click.exceptions.Exit(1)


def _row(removal: "Removal") -> str:
    record = removal.record
    kept = "" if removal.leaves else ", and it is kept"
    outcome = removal.outcome.value
    return f"{record.emaid.key} {record.pcid.key} {outcome}: {removal.reason}{kept}"


def _facts(removal: "Removal") -> dict[str, Any]:
    record = removal.record
    return {
        "emaid": record.emaid.key,
        "pcid": record.pcid.key,
        "namespace": record.namespace,
        "v2g_root_fingerprint": record.v2g_root_fingerprint,
        "outcome": removal.outcome.value,
        "reason": removal.reason,
        "leaves": removal.leaves,
    }


def _summary(report: "Report") -> str:
    counts = asdict(report)
    return ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in counts.items())


def _now() -> datetime:
    return datetime.now(UTC)
