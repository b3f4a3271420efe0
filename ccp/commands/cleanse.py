"""`ccp cleanse`: what has expired or is revoked leaves the pool."""

import asyncio
import sys
from contextlib import closing
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import click
import orjson
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from ccp.cleansing import Cleansing, Finding, Report
from ccp.commands.database import pool_database
from ccp.log import configure_logging
from ccp.pki.trust import load_trust
from ccp.settings import server_settings
from ccp.store import Store

_BUSY_SECONDS = 10


@click.command()
@click.option("--dry-run", is_flag=True, help="Remove nothing; show what would be.")
@click.option("--json", "as_json", is_flag=True, help="A JSON object a line.")
@click.option(
    "--no-revocation", is_flag=True, help="Remove what has expired, and ask nobody for the rest."
)
def cleanse(dry_run: bool, as_json: bool, no_revocation: bool) -> None:
    """
    Remove contracts that have expired, or that have a revoked certificate.

    The database is that of CCP_DATABASE_URL; the pool may be running. Certificates whose chains end
    in an anchor of CCP_TRUST_DIR are asked about where they say: at OCSP responders, or else in
    CRLs. CCP_REVOCATION_UNREACHABLE says what becomes of contracts for which nobody answers.

    A line has contract and car, why the record leaves, and in a few words the reason; the last one
    counts. The exit status is 1 where something could not be asked about, and was kept.
    """
    with pool_database() as path:
        settings = server_settings()
        # What a pool logs of single messages would drown what is told here.
        configure_logging(replace(settings, log_level="error"))
        trust = load_trust(settings.trust_folder(), at=_now())
        with closing(Store.existing(path, busy_timeout_seconds=_BUSY_SECONDS)) as store:
            removes = settings.revocation_unreachable == "remove"
            cleansing = Cleansing(store, trust, _now, removes_unreachable=removes)
            console = Console(stderr=True)
            with Progress(
                SpinnerColumn(),
                TextColumn("{task.completed} records"),
                console=console,
                disable=not console.is_terminal,
                redirect_stdout=sys.stdout.isatty(),  # so that lines stand above it there
                transient=True,
            ) as progress:
                shown = progress.add_task("", total=None)

                def note(finding: Finding) -> None:
                    # Not click's echo, which passes by what is shown of the progress.
                    print(_json(_members(finding)) if as_json else _row(finding))

                report = asyncio.run(
                    cleansing.run(
                        note,
                        dry_run=dry_run,
                        revocation=not no_revocation,
                        progress=lambda records: progress.update(shown, completed=records),
                    )
                )
    click.echo(_json(asdict(report)) if as_json else _summary(report))
    if report.unreachable and not removes:
        raise click.exceptions.Exit(1)


def _row(finding: Finding) -> str:
    record = finding.record
    kept = "" if finding.leaves else ", and it is kept"
    outcome = finding.outcome.value
    return f"{record.emaid.key} {record.pcid.key} {outcome}: {finding.reason}{kept}"


def _members(finding: Finding) -> dict[str, Any]:
    record = finding.record
    return {
        "emaid": record.emaid.key,
        "pcid": record.pcid.key,
        "namespace": record.namespace,
        "v2g_root_fingerprint": record.v2g_root_fingerprint,
        "outcome": finding.outcome.value,
        "reason": finding.reason,
        "leaves": finding.leaves,
    }


def _json(members: dict[str, Any]) -> str:
    return orjson.dumps(members).decode()


def _summary(report: Report) -> str:
    counts = asdict(report)
    return ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in counts.items())


def _now() -> datetime:
    return datetime.now(UTC)
