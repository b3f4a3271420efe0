"""What a pool has answered lately: all its workers together, whichever is asked."""

import asyncio
import os
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

import orjson
import structlog

from ccp.observability.measures import Measures, Refusal
from ccp.web.opcp import TRANSLATIONS

log = structlog.get_logger()

SERVED = "served"
GONE = "client gone"

_POST = "getSignedContractDataByCertificateInstallationReqV1"
_POSTS = {_POST} | {name for name, each in TRANSLATIONS.items() if each.served_by == _POST}
_HOURS = 24
_MOST_OF_A_REASON = 10
_MOST_MESSAGES = 5
_LONGEST_MESSAGE = 300  # characters; callers have a part in them
_SAVE_SECONDS = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(Refusal):
    """
    A refusal that is kept; of what callers have a part in, what has room on a page.

    Attributes:
        at: When it was told, aware UTC.
    """

    at: datetime


@dataclass(slots=True)
class Lately:
    """
    What was answered within the last 24 hours, and the last refusals.

    Of each reason some are kept, so that a frequent one hides no other.

    Attributes:
        since: When the first worker began to take notice, aware UTC.
        posts: How many requests of cars came to what, by the hour of the answer: SERVED, GONE
            where the client did not wait for it, or the name of an error's class.
        refusals: Those of all operations by reason, the latest last.
    """

    since: datetime
    posts: defaultdict[datetime, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    refusals: defaultdict[str, list[Refused]] = field(default_factory=lambda: defaultdict(list))

    def count(self, outcome: str, at: datetime) -> None:
        """Count one request of a car."""
        hour = at.replace(minute=0, second=0, microsecond=0)
        if hour not in self.posts:
            self._forget_before(hour - timedelta(hours=_HOURS - 1))
        self.posts[hour][outcome] += 1

    def note(self, refused: Refused) -> None:
        """Keep one more, and one less of the same reason where there are many."""
        of_reason = self.refusals[refused.reason]
        of_reason.append(refused)
        del of_reason[:-_MOST_OF_A_REASON]

    def add(self, other: "Lately") -> None:
        """Add what another worker has heard."""
        self.since = min(self.since, other.since)
        for hour, outcomes in other.posts.items():
            self.posts[hour].update(outcomes)
        for reason, refusals in other.refusals.items():
            both = sorted((*self.refusals[reason], *refusals), key=lambda one: one.at)
            self.refusals[reason] = both[-_MOST_OF_A_REASON:]

    def hours(self, at: datetime) -> list[tuple[datetime, Mapping[str, int]]]:
        """Give the counts of each of the last 24 hours, the present one last."""
        hour = at.replace(minute=0, second=0, microsecond=0)
        last = [hour - timedelta(hours=ago) for ago in reversed(range(_HOURS))]
        return [(each, self.posts.get(each, {})) for each in last]

    def latest_refusals(self) -> list[Refused]:
        """Give them all, the latest first."""
        everything = (refused for refusals in self.refusals.values() for refused in refusals)
        return sorted(everything, key=lambda refused: refused.at, reverse=True)

    def _forget_before(self, hour: datetime) -> None:
        for each in [each for each in self.posts if each < hour]:
            del self.posts[each]


class Recent(Measures):
    """
    Takes notice for one worker; see `kept` for how others learn of it.

    Told in any thread; nothing is written then, but once a second at most.

    Args:
        clock: Gives the present moment, aware UTC.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._lock = Lock()
        self._heard = Lately(clock())
        self._file: Path | None = None
        self._is_saved = self._is_failing = False

    def request(self, operation: str | None, status: int | None, seconds: float) -> None:
        if operation in _POSTS and (status is None or status < 400):
            with self._lock:
                self._heard.count(GONE if status is None else SERVED, self._clock())
                self._is_saved = False

    def refusal(self, refusal: Refusal) -> None:
        at = self._clock()
        with self._lock:
            if refusal.operation in _POSTS:
                self._heard.count(refusal.reason, at)
            self._heard.note(
                Refused(
                    reason=refusal.reason,
                    operation=refusal.operation,
                    status=refusal.status,
                    messages=_short(refusal.messages),
                    caller=dict(refusal.caller),
                    trace_id=refusal.trace_id,
                    at=at,
                )
            )
            self._is_saved = False

    def lately(self) -> Lately:
        """Put together what all workers have heard: this one until now, others up to a second."""
        with self._lock:
            found = Lately(self._heard.since)
            found.add(self._heard)
        if self._file:
            for other in heard_in(self._file.parent, besides=self._file):
                found.add(other)
        return found

    @asynccontextmanager
    async def kept(self, folder: Path, slot: int) -> AsyncIterator[None]:
        """
        Keep it for the block in a file that all workers read, and what there is at its end.

        Args:
            folder: Of the files; private, for they have in them what the log has.
            slot: No other worker's in this folder. What the last one of it has heard is gone on
                with.
        """
        self._file = folder / f"recent_{slot}.json"
        self._heard = _load(self._file) or Lately(self._clock())
        keeping = asyncio.create_task(self._keep(self._file))
        try:
            yield
        finally:
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping
            self._save(self._file)

    async def _keep(self, file: Path) -> None:
        while True:
            self._save(file)
            await asyncio.sleep(_SAVE_SECONDS)

    def _save(self, file: Path) -> None:
        """Write what is new; the file appears whole, for others read it at any moment."""
        with self._lock:
            if self._is_saved:
                return
            content = orjson.dumps(self._heard, option=orjson.OPT_NON_STR_KEYS)
            self._is_saved = True
        draft = file.with_suffix(".new")
        try:
            with open(draft, "wb", opener=_private) as written:
                written.write(content)
            draft.rename(file)
        except OSError as error:
            self._is_saved = False
            if not self._is_failing:
                log.warning("other workers do not learn what happens", reason=error.strerror)
            self._is_failing = True
        else:
            self._is_failing = False


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def heard_in(folder: Path, *, besides: Path | None = None) -> Iterator[Lately]:
    """Give what each worker has kept in a folder, but for one file."""
    for file in folder.glob("recent_*.json"):
        if file != besides and (heard := _load(file)):
            yield heard


def _load(file: Path) -> Lately | None:
    """Read what a worker has heard; None where it cannot be read."""
    with suppress(OSError, ValueError, LookupError, TypeError):
        return _lately(orjson.loads(file.read_bytes()))
    return None


def _lately(told: dict[str, Any]) -> Lately:
    lately = Lately(datetime.fromisoformat(told["since"]))
    for hour, outcomes in told["posts"].items():
        lately.posts[datetime.fromisoformat(hour)].update(outcomes)
    for reason, refusals in told["refusals"].items():
        lately.refusals[reason] = [
            Refused(**each | {"at": datetime.fromisoformat(each["at"])}) for each in refusals
        ]
    return lately


def _short(messages: Sequence[str]) -> list[str]:
    """Give the first messages, their beginnings, and nothing in them that cannot be printed."""
    short = [_printable(message) for message in messages[:_MOST_MESSAGES]]
    more = len(messages) - len(short)
    return [*short, f"... and {more} more"] if more else short


def _printable(message: str) -> str:
    text = message[:_LONGEST_MESSAGE]
    if not text.isprintable():
        text = "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
    return text if len(message) <= _LONGEST_MESSAGE else f"{text}..."
