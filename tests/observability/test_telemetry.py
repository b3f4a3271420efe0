"""OpenTelemetry: what a collector gets of a pool, over OTLP as it goes over the wire."""

import re

import pytest

from ccp.observability.telemetry import is_set_up
from tests.builders import BASE, EMAID_TEXT, PCID_TEXT, VALID_TODAY, installation_req, post_body
from tests.clients.scripted import Says, scripted
from tests.running import free_port, serving
from tests.waiting import wait_until

TRACE_ID, SPAN_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
URL = f"{BASE}/signedcontractdata"
POST = "getSignedContractDataByCertificateInstallationReqV1"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, False),
        ({"OTEL_SERVICE_NAME": "pool"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://127.0.0.1:4318/v1/metrics"}, False),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, False),
        ({"OTEL_SDK_DISABLED": "TRUE", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
    ],
    ids=str,
)
def test_it_is_set_up_by_its_own_variables(environment, expected):
    """An empty one is as good as none, as the specification has it."""
    assert is_set_up(environment) is expected


def spans_in(asked):
    """The spans that a collector was sent, with the name of their service."""
    trace_service = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
    found = []
    for each in asked:
        assert each.path == "/v1/traces"
        request = trace_service.ExportTraceServiceRequest.FromString(each.body)
        for resource in request.resource_spans:
            (service,) = [
                one.value.string_value
                for one in resource.resource.attributes
                if one.key == "service.name"
            ]
            found += [(service, span) for scope in resource.scope_spans for span in scope.spans]
    return found


def attributes(span):
    """What a span says besides its name."""
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


@pytest.fixture
def sdk():
    """OpenTelemetry's SDK, which a pool need not have."""
    pytest.importorskip("opentelemetry.sdk", reason="the extra `otel` is not installed")
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")


def test_requests_and_calls_are_spans_of_the_caller_s_trace(tmp_path, monkeypatch, sdk):
    """By operationId, with status; the peer is told the call's own span; no EMAID, no PCID."""
    request = post_body(installation_req(**VALID_TODAY))
    headers = {"traceparent": f"00-{TRACE_ID}-{SPAN_ID}-01", "broadcast": "true"}
    with scripted(Says(200, {})) as collector, scripted(Says(404, {})) as peer:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.root)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")  # milliseconds
        variables = {"peers": peer.url, "peer_timeout_seconds": "4"}
        with serving(tmp_path, workers=1, **variables) as server, server.client() as client:
            assert client.post(URL, json=request, headers=headers).status_code == 404
            assert client.get(f"{BASE}/contractData/pcid/{PCID_TEXT}").status_code == 404
            client.get(f"{BASE}/contractData/emaid/{EMAID_TEXT}")
            wait_until(lambda: len(spans_in(collector.asked)) == 4)
            assert server.end() == 0
        spans = {span.name: (service, span) for service, span in spans_in(collector.asked)}
    assert {service for service, _ in spans.values()} == {"ccp"}
    post, call, get = (spans[name][1] for name in (POST, "POST", "getContractDataByPcidV1"))
    assert (post.trace_id.hex(), post.parent_span_id.hex()) == (TRACE_ID, SPAN_ID)
    assert attributes(post) == {"http.request.method": "POST", "http.response.status_code": 404}
    assert (call.trace_id, call.parent_span_id) == (post.trace_id, post.span_id)
    assert attributes(call) == {
        "http.request.method": "POST",
        "http.response.status_code": 404,
        "server.address": peer.root.removeprefix("http://"),
    }
    assert post.start_time_unix_nano < call.start_time_unix_nano
    assert call.end_time_unix_nano < post.end_time_unix_nano
    (asked,) = peer.asked
    assert asked.headers["traceparent"] == f"00-{TRACE_ID}-{call.span_id.hex()}-01"
    assert get.trace_id.hex() != TRACE_ID
    assert get.parent_span_id == b""
    assert f"trace={get.trace_id.hex()}" in server.log
    sent = b"".join(each.body for each in collector.asked)
    assert EMAID_TEXT.encode() not in sent
    assert PCID_TEXT.encode() not in sent


def test_a_collector_that_is_not_there_costs_nothing(tmp_path, monkeypatch, sdk):
    """Requests are answered, and the pool ends in time."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    with serving(tmp_path, workers=2) as server, server.client() as client:
        for _ in range(20):
            assert client.get(f"{BASE}/contractData/pcid/{PCID_TEXT}").status_code == 404
        client.close()
        assert server.end() == 0
        assert re.search("Exporter already shutdown|Shutdown in progress, aborting", server.log)


WITHOUT = """
import sys
sys.modules["opentelemetry.sdk"] = None
from wsgi import app
"""


def test_without_the_sdk_the_pool_serves_and_says_so(tmp_path, monkeypatch):
    """What was set up and cannot be done is told, and is no reason not to serve."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    (tmp_path / "without.py").write_text(WITHOUT)
    with serving(tmp_path, "without:app", workers=1) as server, server.client() as client:
        assert client.get(f"{BASE}/contractData/pcid/{PCID_TEXT}").status_code == 404
        assert "OpenTelemetry's SDK is not installed (opnc-ccp[otel])" in server.log
