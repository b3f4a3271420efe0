"""What a pool counts, for Prometheus: of all its workers together, whichever is asked."""

import asyncio
import functools
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram, values
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from ccp.domain.identifiers import NAMESPACES
from ccp.observability.measures import Measures, Refusal
from ccp.store import Counts, Store

log = structlog.get_logger()

_NONE = "none"
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_DECODE_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1)
_DAYS = (7, 30)
_FRESH_SECONDS = 60
_KINDS = ("counter", "histogram")  # a file for each
_FILE_BYTES = 256 * 1024  # some thousand numbers; there are labels for some hundred


class Metrics(Measures):
    """
    Counts for one worker, in files that all of them read; one in a process at a time.

    prometheus_client has this as its multiprocess mode; it names the files by process ids. Named
    by slots there are no more of them than workers at the same time.

    Args:
        folder: Of the files.
        slot: No other worker's in this folder; see `Listener`.
    Raises:
        OSError: There is no room for the files.
    """

    def __init__(self, folder: Path, slot: int) -> None:
        for kind in _KINDS:
            _make_file(folder / f"{kind}_{slot}.db")
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)  # the library reads it for each file
        self._values = values.MultiProcessValue(lambda: slot)  # type: ignore[no-untyped-call]
        values.ValueClass = self._values
        self._requests = _counter("requests", "Requests answered.", "operation", "status")
        self._durations = _histogram(
            "request_duration_seconds", "From request to whole answer.", _SECONDS, "operation"
        )
        self._refusals = _counter("refusals", "Errors told, by the pool's name for them.", "reason")
        self._cars = _counter(
            "car_answers",
            "ResponseCodes of ISO 15118 for the requests of cars.",
            "namespace",
            "response_code",
        )
        self._decoded = _histogram(
            "exi_decode_duration_seconds",
            "Decoding of one EXI message, or what should be one.",
            _DECODE_SECONDS,
            "message",
        )
        self._calls = _counter(
            "service_calls", "Calls of peer pools and PKI.", "service", "host", "outcome"
        )
        self._call_durations = _histogram(
            "service_call_duration_seconds", "Such a call.", _SECONDS, "service", "host"
        )

    def close(self) -> None:
        """Close the files; what was counted stays in them."""
        self._values.close_all_files()

    def request(self, operation: str | None, status: int | None, seconds: float) -> None:
        self._requests(operation or _NONE, status or _NONE).inc()
        self._durations(operation or _NONE).observe(seconds)

    def refusal(self, refusal: Refusal) -> None:
        self._refusals(refusal.reason).inc()

    def car(self, namespace: str, response_code: str) -> None:
        self._cars(namespace, response_code).inc()

    def decoded(self, message: str, seconds: float) -> None:
        self._decoded(message).observe(seconds)

    def call(self, service: str, host: str, outcome: str, seconds: float) -> None:
        self._calls(service, host, outcome).inc()
        self._call_durations(service, host).observe(seconds)


def _make_file(path: Path) -> None:
    """
    Make the file that is to be counted in, unless another worker has, with all its room.

    It is mapped into memory: where that is full, whoever writes to a page that is not there is
    killed. It gets its name when it is whole, for others read it at any moment.
    """
    if not path.exists():
        draft = path.with_suffix(".new")
        draft.write_bytes(bytes(_FILE_BYTES))
        draft.rename(path)


def _counter(name: str, meaning: str, *labels: str) -> Callable[..., Counter]:
    """Make a counter for each combination of labels, when it is first asked for."""
    return functools.cache(Counter(f"ccp_{name}", meaning, labels, registry=None).labels)


def _histogram(
    name: str, meaning: str, buckets: Sequence[float], *labels: str
) -> Callable[..., Histogram]:
    """Make a histogram for each combination of labels, when it is first asked for."""
    one = Histogram(f"ccp_{name}", meaning, labels, registry=None, buckets=buckets)
    return functools.cache(one.labels)


class Records(Collector):
    """
    What is stored, counted when somebody asks, and not again within a minute.

    Args:
        clock: Gives the present moment, aware UTC.
        monotonic: Returns seconds of a monotonic clock.
    """

    def __init__(
        self,
        store: Store,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._clock = clock
        self._monotonic = monotonic
        self._counts: dict[str, Counts] = {}
        self._fresh_until = monotonic()

    def collect(self) -> Iterator[Metric]:
        """Give the numbers of both editions, also where there is nothing; none, if none is had."""
        try:
            self._renew()
        except Exception as error:  # whatever it is, all the other numbers are needed now
            log.warning("the records cannot be counted", exc_info=error)
            return
        stored = GaugeMetricFamily("ccp_records", "Contract records.", labels=["namespace"])
        expired = GaugeMetricFamily(
            "ccp_records_expired", "Of these, contracts that have ended.", labels=["namespace"]
        )
        expiring = GaugeMetricFamily(
            "ccp_records_expiring",
            "Of these, contracts that end within so many days.",
            labels=["namespace", "days"],
        )
        for namespace in NAMESPACES:
            counts = self._counts.get(namespace) or Counts(namespace, 0, 0, dict.fromkeys(_DAYS, 0))
            stored.add_metric([namespace], counts.stored)
            expired.add_metric([namespace], counts.expired)
            for days, number in counts.expiring.items():
                expiring.add_metric([namespace, str(days)], number)
        yield from (stored, expired, expiring)

    def _renew(self) -> None:
        if self._monotonic() >= self._fresh_until:
            found = self._store.count_records(at=self._clock(), days=_DAYS)
            self._counts = {counts.namespace: counts for counts in found}
            self._fresh_until = self._monotonic() + _FRESH_SECONDS


class Exposition:
    """
    Answers what Prometheus asks for.

    Args:
        folder: Where all workers count.
        records: What is counted in the database.
    """

    def __init__(self, folder: Path, records: Records) -> None:
        self._registry = CollectorRegistry()
        MultiProcessCollector(self._registry, str(folder))  # type: ignore[no-untyped-call]
        self._registry.register(records)
        # One at a time, in a thread that starts with the first, after the server has forked.
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="metrics")

    async def answer(self, request: Request) -> Response:
        """Give it, in the format that is asked for."""
        loop = asyncio.get_running_loop()
        accept = request.headers.get("accept", "")
        text, media_type = await loop.run_in_executor(self._executor, self.text, accept)
        return Response(text, headers={"Content-Type": media_type})

    def text(self, accept: str) -> tuple[bytes, str]:
        """Write all that is counted, in a format that *accept* names or in the usual one."""
        try:
            encode, media_type = choose_encoder(accept)
        except (ValueError, TypeError):  # a version that is no number
            encode, media_type = choose_encoder("")
        return encode(self._registry), media_type
