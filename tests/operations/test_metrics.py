"""What is counted: by operation, reason and outcome; over processes, and over their deaths."""

import re
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ccp.app import create_app
from ccp.domain.errors import CcpError
from ccp.domain.identifiers import ISO_15118_2, ISO_15118_20
from ccp.operations.listener import listener_of
from ccp.operations.metrics import Exposition, Metrics, Records
from ccp.store import Store
from tests.builders import (
    BASE,
    EMAID_TEXT,
    NOW,
    ORIGIN,
    PCID_TEXT,
    installation_req,
    installation_req_20,
    post_body,
    put_body,
    record,
)
from tests.conftest import make_settings
from tests.contract.conformance import SPECS, conforming_client
from tests.monotonic import Ticks
from tests.operations.conftest import BIND, refusal
from tests.operations.reading import samples, value

README = Path(__file__).parents[2] / "README.md"
URL = f"{BASE}/signedcontractdata"
PUT, POST = "addSignedContractDataV1", "getSignedContractDataByCertificateInstallationReqV1"
GET = "getContractDataByPcidV1"


@pytest.fixture
def metrics(pool) -> Callable[..., float]:
    """Gives one number, as it is now."""

    def now(name: str, **labels: str) -> float:
        return value(pool.operators.get("/metrics").text, f"ccp_{name}", **labels)

    return now


def test_requests_are_counted_by_operation_and_status(pool, metrics):
    """Whatever becomes of them; one that reaches no operation has none."""
    pool.api.put(URL, json=put_body())
    pool.api.put(URL, json=put_body(pcid="WAUZZZ4B0CC099999"))
    for _ in range(3):
        pool.api.get(f"{BASE}/contractData/pcid/{PCID_TEXT}")
    pool.api.get("/nowhere")
    assert metrics("requests_total", operation=PUT, status="201") == 1
    assert metrics("requests_total", operation=PUT, status="400") == 1
    assert metrics("requests_total", operation=GET, status="200") == 3
    assert metrics("requests_total", operation="none", status="404") == 1


def test_looking_is_not_counted(pool, metrics):
    """A probe every second would hide what callers get."""
    for _ in range(3):
        pool.operators.get("/health/ready")
        pool.operators.get("/nowhere")
    assert not any("requests" in name for name, _ in samples(pool.operators.get("/metrics").text))


def test_durations_are_in_seconds(pool, metrics):
    """A histogram for each operation, whose buckets hold what is shorter."""
    for _ in range(4):
        pool.api.get(f"{BASE}/contractData/pcid/{PCID_TEXT}")
    name = "request_duration_seconds"
    assert metrics(f"{name}_count", operation=GET) == 4
    assert 0 < metrics(f"{name}_sum", operation=GET) < 4 * 60
    edges = ["0.0005", "0.001", "0.0025", "0.005", "0.01", "0.1", "1.0", "5.0", "+Inf"]
    held = [metrics(f"{name}_bucket", operation=GET, le=edge) for edge in edges]
    assert held == sorted(held)
    assert held[-1] == 4


def test_refusals_are_counted_by_reason(pool, metrics):
    """By the names of ccp.domain.errors, whichever layer refuses."""
    pool.api.put(URL, json=put_body(certificateInstallationRes="AAAA"))
    pool.api.put(URL, json=put_body(emaid="x"))
    pool.api.get(f"{BASE}/contractData/pcid/{PCID_TEXT}")
    pool.api.patch(URL)
    pool.api.get("/nowhere")
    pool.api.put(URL, content=b"x" * 100_000)
    reasons = [
        "ExiInvalid",
        "RequestInvalid",
        "ContractsOfPcidNotFound",
        "MethodNotAllowed",
        "PathNotFound",
        "PayloadTooLarge",
    ]
    assert [metrics("refusals_total", reason=reason) for reason in reasons] == [1] * 6


def test_a_failure_is_one_whatever_it_was(pool, metrics, monkeypatch):
    """Its own name may be anything, and is in the log."""
    monkeypatch.setattr(Store, "find_by_pcid", lambda *_: 1 / 0)
    assert pool.api.get(f"{BASE}/contractData/pcid/{PCID_TEXT}").status_code == 500
    assert metrics("refusals_total", reason="InternalError") == 1
    assert metrics("requests_total", operation=GET, status="500") == 1


def test_what_cars_are_told_is_counted(pool, metrics):
    """By edition and ResponseCode of ISO 15118; what is no request of a car is none."""
    pool.api.put(URL, json=put_body())
    pool.api.post(URL, json=post_body())
    pool.api.post(URL, json=post_body(installation_req("VF1AAAAA0AA000001")))
    pool.api.post(URL, json=post_body(installation_req(not_after=NOW - timedelta(days=1))))
    pool.api.post(URL, json=post_body(installation_req_20(), xsdMsgDefNamespace=ISO_15118_20))
    pool.api.post(URL, json=post_body(b"\x80\x98\xff"))
    assert {
        labels: number
        for (name, labels), number in samples(pool.operators.get("/metrics").text).items()
        if name == "ccp_car_answers_total"
    } == {
        (("namespace", ISO_15118_2), ("response_code", "OK")): 1,
        (("namespace", ISO_15118_2), ("response_code", "FAILED_NoCertificateAvailable")): 1,
        (("namespace", ISO_15118_2), ("response_code", "FAILED_CertificateExpired")): 1,
        (
            ("namespace", ISO_15118_20),
            ("response_code", "WARNING_NoContractMatchingPCIDFound"),
        ): 1,
    }
    name = "exi_decode_duration_seconds_count"
    assert metrics(name, message="CertificateInstallationReq") == 5
    assert metrics(name, message="CertificateInstallationRes") == 1


COUNTING = """
import sys
from pathlib import Path
from ccp.operations.metrics import Metrics
metrics = Metrics(Path(sys.argv[1]), int(sys.argv[2]))
for _ in range(int(sys.argv[3])):
    metrics.request("anOperation", 200, 0.002)
"""


def count(folder, slot, times):
    """A worker counts, and dies."""
    subprocess.run([sys.executable, "-c", COUNTING, str(folder), str(slot), str(times)], check=True)


@pytest.fixture
def counts(tmp_path) -> Path:
    """A folder to count in."""
    folder = tmp_path / "counts"
    folder.mkdir()
    return folder


def test_workers_add_up_also_the_dead(counts, store):
    """Who takes the slot of another goes on with its counts; there are no more files for that."""
    for slot, times in ((0, 3), (1, 40), (0, 500), (0, 6000)):
        count(counts, slot, times)
    assert len(list(counts.glob("counter_*.db"))) == 2
    exposition = Exposition(counts, Records(store, lambda: NOW))
    text = exposition.text("")[0].decode()
    labels = {"operation": "anOperation"}
    assert value(text, "ccp_requests_total", status="200", **labels) == 6543
    assert value(text, "ccp_request_duration_seconds_count", **labels) == 6543
    assert value(text, "ccp_request_duration_seconds_bucket", le="0.001", **labels) == 0
    assert value(text, "ccp_request_duration_seconds_bucket", le="0.0025", **labels) == 6543
    assert value(text, "ccp_request_duration_seconds_sum", **labels) == pytest.approx(13.086)


def test_records_are_counted_by_namespace_and_end(pool, tmp_path):
    """All, the expired, and those that end within 7 and within 30 days."""
    store = Store(tmp_path / "ccp.db")
    ends = [(ISO_15118_2, days) for days in (-400, -0.1, 0.1, 6.9, 7.1, 29.9, 30.1, 400)]
    ends += [(ISO_15118_20, days) for days in (-0.5, 1.5, 400)]
    for number, (namespace, days) in enumerate(ends):
        valid_to = NOW + timedelta(days=days)
        emaid = f"DEICE{number:09}"
        store.put(record(emaid, namespace=namespace, valid_to=valid_to), ORIGIN)
    store.close()
    text = pool.operators.get("/metrics").text

    def counted(namespace):
        return (
            value(text, "ccp_records", namespace=namespace),
            value(text, "ccp_records_expired", namespace=namespace),
            value(text, "ccp_records_expiring", namespace=namespace, days="7"),
            value(text, "ccp_records_expiring", namespace=namespace, days="30"),
        )

    assert counted(ISO_15118_2) == (8, 2, 2, 4)
    assert counted(ISO_15118_20) == (3, 1, 1, 1)


def test_records_are_counted_once_a_minute(store):
    """However often somebody asks; and an empty pool has none of either edition."""
    monotonic = Ticks()
    records = Records(store, lambda: NOW, monotonic)

    def stored():
        family = next(iter(records.collect()))
        return {sample.labels["namespace"]: sample.value for sample in family.samples}

    assert stored() == {ISO_15118_2: 0, ISO_15118_20: 0}
    store.put(record(), ORIGIN)
    monotonic.now += 59
    assert stored()[ISO_15118_2] == 0
    monotonic.now += 2
    assert stored()[ISO_15118_2] == 1


def test_what_cannot_be_counted_hides_nothing_else(pool, metrics, monkeypatch):
    """Just when the database is in trouble all the other numbers are needed."""
    pool.api.get(f"{BASE}/contractData/emaid/{EMAID_TEXT}")
    monkeypatch.setattr(Store, "count_records", lambda *_, **__: 1 / 0)
    with capture_logs() as lines:
        text = pool.operators.get("/metrics").text
    assert value(text, "ccp_refusals_total", reason="ContractNotFound") == 1
    assert "ccp_records" not in text
    assert [line["event"] for line in lines] == ["the records cannot be counted"]


@pytest.mark.parametrize("accept", ["", "*/*", "application/openmetrics-text; version=1.0.0", "x"])
def test_it_is_said_in_a_format_that_is_understood(pool, accept):
    """That of Prometheus, or OpenMetrics for whoever asks for it."""
    answer = pool.operators.get("/metrics", headers={"Accept": accept})
    assert answer.status_code == 200
    is_open = "openmetrics" in accept
    assert ("application/openmetrics-text" in answer.headers["content-type"]) is is_open
    assert answer.text.endswith("# EOF\n") is is_open


def test_a_worker_without_room_serves_and_counts_nothing(tmp_path):
    """The log says so; all its files have their room from the start, or are not there."""
    settings = make_settings(tmp_path, operations_bind=BIND)
    app = create_app(settings, clock=lambda: NOW)
    (tmp_path / "counter_0.new").mkdir()  # as root nothing else is denied to a test
    listener_of(settings).listen_at(("127.0.0.1", 9), tmp_path)
    with capture_logs() as lines, conforming_client(app) as client:
        assert client.get(f"{BASE}/contractData/pcid/{PCID_TEXT}").status_code == 404
    (line,) = [line for line in lines if line["event"] == "this worker counts nothing"]
    assert line["reason"] == "Is a directory"


def test_the_readme_tells_every_metric(counts, store):
    """Its table has each with its labels, and no other; its alerts speak of these alone."""
    metrics = Metrics(counts, 0)
    metrics.request("x", 200, 1)
    metrics.refusal(refusal("x"))
    metrics.car("x", "x")
    metrics.decoded("x", 1)
    metrics.call("x", "x", "x", 1)
    metrics.close()
    text = Exposition(counts, Records(store, lambda: NOW)).text("")[0].decode()
    real = {}
    for name, labels in samples(text):
        labels = frozenset(label for label, _ in labels if label != "le")
        real[re.sub("_(bucket|sum|count)$", "", name)] = labels
    section = README.read_text().partition("\n## Looking at it\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(ccp_\w+)` \| (.*?) \|", section, re.M)
    assert {name: frozenset(re.findall(r"`(\w+)`", labels)) for name, labels in rows} == real
    named = {re.sub("_bucket$", "", name) for name in re.findall(r"\bccp_[a-z_]+", section)}
    assert named == set(real)


def test_all_that_can_be_counted_has_room(counts):
    """Every operation of both specs with every status of theirs, and every error that there is."""
    metrics = Metrics(counts, 0)
    sizes = {path: path.stat().st_size for path in counts.iterdir()}
    for spec in SPECS.values():
        operations = [one for path in spec["paths"].values() for one in path.values()]
        for operation in (one for one in operations if isinstance(one, dict)):
            for status in operation["responses"]:
                metrics.request(operation["operationId"], int(status), 1)
    for kind in CcpError.__subclasses__():
        for each in (kind, *kind.__subclasses__()):
            metrics.refusal(refusal(each.__name__))
            for namespace in (ISO_15118_2, ISO_15118_20):
                metrics.car(namespace, each.iso20_code)
    for peer in range(10):
        for outcome in ("answered", "nothing", "unfit", "overtaken", "failed"):
            metrics.call("peer", f"a-rather-long-name-of-a-pool-{peer}.example:8443", outcome, 1)
    metrics.close()
    assert {path: path.stat().st_size for path in counts.iterdir()} == sizes
    used = [int.from_bytes(path.read_bytes()[:4], "little") for path in sizes]
    assert all(20_000 < number < 128 * 1024 for number in used), used
