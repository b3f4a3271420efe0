"""`ccp stats`: how much the pool has, of whom, and for how long."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime

import click

from ccp.commands.database import pool_database
from ccp.commands.output import json_option, tell
from ccp.store.queries import Summary, summarise

_MOST_SHOWN = 10  # of a list that may have very many


@click.command()
@json_option
def stats(as_json: bool) -> None:
    """
    Count the contracts of the pool.

    The database is that of CCP_DATABASE_URL; it is only read. Records are contracts in all their
    V2G root variants and editions.
    """
    with pool_database() as path:
        summary = summarise(path, at=datetime.now(UTC))
    tell(*_lines(summary), as_json=as_json, **asdict(summary))


def _lines(summary: Summary) -> Iterator[str]:
    yield f"{'records':<28}{summary.records:>12,}"
    yield f"{'contracts':<28}{summary.contracts:>12,}"
    yield f"{'cars':<28}{summary.cars:>12,}"
    yield f"{'expired':<28}{summary.expired:>12,}"
    yield f"{'expiring within 7 days':<28}{summary.expiring_within_7_days:>12,}"
    yield f"{'expiring within 30 days':<28}{summary.expiring_within_30_days:>12,}"
    yield f"{'writes in the audit trail':<28}{summary.audit_lines:>12,}"
    yield f"{'revoked certificates':<28}{summary.revoked_certificates:>12,}"
    yield f"{'bytes':<28}{summary.bytes:>12,}"
    yield from _most("records by edition", summary.by_namespace)
    yield from _most("records by eMSP", summary.by_provider_id)
    yield from _most("records by OEM", summary.by_wmi)
    yield from _most("records by V2G root", summary.by_v2g_root)


def _most(title: str, counts: Mapping[str, int]) -> Iterator[str]:
    """The greatest first, as the store gives them."""
    if counts:
        yield ""
        yield title
    for name, count in list(counts.items())[:_MOST_SHOWN]:
        yield f"{count:>12,}  {name or 'not known'}"
    if len(counts) > _MOST_SHOWN:
        others = sum(list(counts.values())[_MOST_SHOWN:])
        yield f"{others:>12,}  of {len(counts) - _MOST_SHOWN} others"
