"""The pool at a glance: what is stored, and what was answered lately."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any

import structlog
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from ccp.domain import errors
from ccp.domain.errors import CcpError, ContractOrVehicleNotFound
from ccp.operations.pages.charts import Chart, stacked_bars
from ccp.operations.pages.recent import GONE, SERVED, Lately, Recent
from ccp.operations.pages.rendering import render
from ccp.policy.services import Services
from ccp.store import StoreUnusable
from ccp.store.queries import Summary, summarise

log = structlog.get_logger()

_FRESH_SECONDS = 60
_PATIENCE_SECONDS = 10
_MOST_SHOWN = 10  # of a list that may have very many
_ERRORS = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, CcpError)
}
_KINDS = ("served", "nothing found", "refused", "failed", "client gone")


@dataclass(frozen=True, slots=True)
class Shares:
    """
    How many records fall to whom.

    Attributes:
        rows: Names and numbers of those with the most, the most first.
        others: How many more there are.
        records_of_others: And their records.
    """

    rows: Sequence[tuple[str, int]]
    others: int
    records_of_others: int


class Overview:
    """
    The page that the pool begins with.

    Args:
        recent: What was answered lately.
        monotonic: Returns seconds of a monotonic clock.
    """

    def __init__(
        self, services: Services, recent: Recent, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._services = services
        self._recent = recent
        self._monotonic = monotonic
        self._counting = Lock()
        self._counted: tuple[Summary, datetime] | None = None
        self._fresh_until = monotonic()

    def show(self, request: Request, _form: FormData) -> Response:
        """Show it."""
        settings = self._services.settings
        lately = self._recent.lately()
        hours = lately.hours(self._services.clock())
        outcomes = sum((Counter(outcomes) for _, outcomes in hours), Counter())
        view: dict[str, Any] = {
            "mode": "lab" if settings.lab else "strict",
            "asks_tokens": settings.auth == "jwt",
            "anchors": self._anchors(),
            "stored": None,
            "since": lately.since,
            "posts": _posts(lately, hours),
            "outcomes": [(name, words_of(name), n) for name, n in outcomes.most_common()],
            "refusals": lately.latest_refusals(),
        }
        if counted := self._count():
            summary, at = counted
            view |= {"stored": summary, "counted_at": at, "ending": _ending(summary)}
            view["shares"] = {
                "provider_id": _shares(summary.by_provider_id),
                "wmi": _shares(summary.by_wmi),
                "v2g_root": _shares(summary.by_v2g_root),
                "namespace": _shares(summary.by_namespace),
            }
        return render(request, "overview.html", view)

    def _anchors(self) -> list[tuple[str, int, bool]]:
        """Give the names of the sets of anchors, how many are in each, and if there should be."""
        trust, now = self._services.trusted.current.trust, self._services.clock()
        sets = {"V2G": trust.v2g, "eMSP": trust.emsp, "OEM": trust.oem}
        return [(name, len(each.valid_at(now)), each.configured) for name, each in sets.items()]

    def _count(self) -> tuple[Summary, datetime] | None:
        """
        Give what is stored, and when it was counted; None where it cannot be counted.

        It takes some seconds for a million records. Who comes meanwhile gets the last numbers;
        where there are none yet it waits, but not for a disk that hangs.
        """
        if self._counting.acquire(timeout=0 if self._counted else _PATIENCE_SECONDS):
            try:
                if self._monotonic() >= self._fresh_until:
                    at = self._services.clock()
                    database = self._services.settings.database_path
                    self._counted = summarise(database, at=at), at
                    self._fresh_until = self._monotonic() + _FRESH_SECONDS
            except StoreUnusable as error:
                log.warning("the records cannot be counted", exc_info=error)
                self._counted = None
            finally:
                self._counting.release()
        return self._counted


def words_of(outcome: str) -> str:
    """Say what an outcome is; nothing where its name has to do."""
    if outcome == SERVED:
        return "A contract was sent."
    if outcome == GONE:
        return "The client did not wait for the answer."
    return _ERRORS[outcome].message if outcome in _ERRORS else ""


def _kind_of(outcome: str) -> str:
    """Tell which of _KINDS an outcome is."""
    if outcome == SERVED:
        return "served"
    if outcome == GONE:
        return "client gone"
    if outcome == ContractOrVehicleNotFound.__name__:
        return "nothing found"
    return "failed" if outcome in _ERRORS and _ERRORS[outcome].status >= 500 else "refused"


def _posts(lately: Lately, hours: Sequence[tuple[datetime, Mapping[str, int]]]) -> Chart:
    series = {
        kind: [
            sum(number for outcome, number in outcomes.items() if _kind_of(outcome) == kind)
            for _, outcomes in hours
        ]
        for kind in _KINDS
    }
    return stacked_bars(
        [f"{hour:%Y-%m-%d %H:%M}" for hour, _ in hours],
        series,
        labels=[f"{hour:%H:%M}" for hour, _ in hours],
    )


def _ending(summary: Summary) -> Chart:
    months = list(summary.ending_by_month)
    return stacked_bars(months, {"records": list(summary.ending_by_month.values())}, labels=months)


def _shares(counts: Mapping[str, int]) -> Shares:
    """Take those with the most; where as many have the same, in the order of their names."""
    rows = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    others = [number for _, number in rows[_MOST_SHOWN:]]
    return Shares(rows[:_MOST_SHOWN], len(others), sum(others))
