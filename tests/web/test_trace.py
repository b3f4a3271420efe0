"""One trace id for each request, on every line of its log."""

import asyncio
import logging

import pytest
import structlog

from ccp.app import create_app
from ccp.handlers import get_contract_data_by_pcid
from ccp.observability.owners import merge_owners
from ccp.web.trace import TraceMiddleware, current_trace_id
from tests.builders import (
    BASE,
    EMAID_TEXT,
    PCID_20_TEXT,
    PCID_TEXT,
    installation_req,
    installation_req_20,
    installation_res_20,
    post_body,
    put_body,
)
from tests.conftest import make_settings
from tests.contract.conformance import conforming_client
from tests.web.asgi import call, scope

URL = f"{BASE}/contractData/pcid/{PCID_TEXT}"


@pytest.fixture
def log():
    """The lines that are logged, with the context of the request."""
    merging = [structlog.contextvars.merge_contextvars, merge_owners]
    with structlog.testing.capture_logs(merging) as lines:
        yield lines


def test_each_request_is_logged(empty_client, log):
    """A line for each request: method, operation, status and duration, under its trace id."""
    response = empty_client.get(URL)
    line = log[-1]
    assert line["event"] == "request"
    assert (line["method"], line["status"]) == ("GET", 404)
    assert line["operation"] == "getContractDataByPcidV1"
    assert line["traceId"] == response.json()["traceId"]
    assert 0 < line["ms"] < 60_000


def test_the_trace_of_the_caller_is_on_every_line(empty_client, log):
    """Besides the trace id that is the pool's own, and only as long as a request goes on."""
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"}
    response = empty_client.get(URL, headers=headers)
    assert [(line["event"], line["trace"]) for line in log] == [
        ("refused", trace_id),
        ("request", trace_id),
    ]
    assert log[-1]["traceId"] == response.json()["traceId"] != trace_id
    empty_client.get(URL)
    empty_client.get(URL, headers={"traceparent": f"00-{EMAID_TEXT}-00f067aa0ba902b7-01"})
    assert not any("trace" in line for line in log[2:])


def test_request_without_an_operation_is_logged(empty_client, log):
    """A path that does not exist is logged too, without an operation."""
    empty_client.get("/nowhere")
    assert (log[-1]["operation"], log[-1]["status"]) == (None, 404)


def test_all_lines_of_a_request_have_its_trace_id(tmp_path, monkeypatch, log):
    """What a handler logs in its thread carries the trace id of the request."""

    def handle(_services, **_):
        structlog.get_logger().info("from a handler")
        raise RuntimeError

    monkeypatch.setattr(get_contract_data_by_pcid, "handle", handle)
    with conforming_client(create_app(make_settings(tmp_path))) as client:
        trace_id = client.get(URL).json()["traceId"]
    assert [line["event"] for line in log] == ["from a handler", "failed", "request"]
    assert {line["traceId"] for line in log} == {trace_id}


def test_log_has_neither_path_nor_body(client, log):
    """Whole EMAIDs, PCIDs and EXI do not get into the log, in success or failure."""
    body = put_body()
    client.put(f"{BASE}/signedcontractdata", json=body)
    client.get(URL)
    client.get(f"{BASE}/contractData/emaid/{EMAID_TEXT}?{PCID_TEXT}=1")
    client.get(f"{BASE}/contractData/emaid/{EMAID_TEXT}X!")
    client.put(f"{BASE}/signedcontractdata", json=body | {"pcid": PCID_TEXT[:-1] + "9"})
    client.delete(f"{BASE}/signedcontractdata/{EMAID_TEXT}")
    text = repr(log)
    assert len(log) >= 9
    for secret in (EMAID_TEXT, PCID_TEXT, body["certificateInstallationRes"][:40]):
        assert secret not in text


@pytest.mark.parametrize(
    ("method", "path", "said"),
    [
        ("GET", f"contractData/emaid/{EMAID_TEXT}", {"provider_id": EMAID_TEXT[:5]}),
        ("GET", "contractData/emaid/de-ice-c00000001", {"provider_id": "DEICE"}),
        ("GET", f"contractData/pcid/{PCID_TEXT.lower()}", {"wmi": PCID_TEXT[:3]}),
        ("GET", f"contractData/pcid/{PCID_TEXT}?x=1", {"wmi": PCID_TEXT[:3]}),
        ("GET", "contractData/pcid/nobody", {}),
        (
            "GET",
            f"signedcontractdata/{EMAID_TEXT}/{PCID_TEXT}",
            {"provider_id": EMAID_TEXT[:5], "wmi": PCID_TEXT[:3]},
        ),
        ("PUT", "signedcontractdata", {"provider_id": EMAID_TEXT[:5], "wmi": PCID_TEXT[:3]}),
        ("PUT", "signedcontractdata?x=1", {"provider_id": EMAID_TEXT[:5], "wmi": PCID_TEXT[:3]}),
        ("DELETE", f"signedcontractdata/{EMAID_TEXT}", {"provider_id": EMAID_TEXT[:5]}),
    ],
)
def test_the_log_says_whose_contract_and_car(empty_client, log, method, path, said):
    """A line has the provider id and the WMI that a request is about, where it names them."""
    body = put_body(emaid=EMAID_TEXT, pcid=PCID_TEXT) if method == "PUT" else None
    empty_client.request(method, f"{BASE}/{path}", json=body)
    assert log[-1]["event"] == "request"
    for line in log:
        assert {name: line[name] for name in ("provider_id", "wmi") if name in line} == said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"xsdMsgDefNamespace": "bad"}, {"provider_id": EMAID_TEXT[:5], "wmi": PCID_TEXT[:3]}),
        ({"certificateInstallationRes": 5}, {"provider_id": EMAID_TEXT[:5], "wmi": PCID_TEXT[:3]}),
        ({"emaid": "bad\n"}, {"wmi": PCID_TEXT[:3]}),
        ({"emaid": 5, "pcid": [PCID_TEXT]}, {}),
        ({"emaid": None, "pcid": "\x1b[3"}, {}),
    ],
    ids=str,
)
def test_put_with_an_invalid_field_is_logged_with_the_valid_owners(
    empty_client, log, changes, said
):
    """Without them, an eMSP's refused PUT is found by its trace id alone."""
    body = put_body(emaid=EMAID_TEXT, pcid=PCID_TEXT) | changes
    assert empty_client.put(f"{BASE}/signedcontractdata", json=body).status_code == 400
    assert [line["event"] for line in log] == ["refused", "request"]
    for line in log:
        assert {name: line[name] for name in ("provider_id", "wmi") if name in line} == said


@pytest.mark.parametrize("path", [f"emaid/{EMAID_TEXT}", f"pcid/{PCID_TEXT}"])
def test_get_of_contract_data_is_logged_with_both_owners(client, log, path):
    """The path names one owner, the contract that is found the other one."""
    assert client.put(f"{BASE}/signedcontractdata", json=put_body()).status_code == 201
    assert client.get(f"{BASE}/contractData/{path}").status_code == 200
    assert (log[-1]["provider_id"], log[-1]["wmi"]) == (EMAID_TEXT[:5], PCID_TEXT[:3])


@pytest.mark.parametrize("always_return_exi", ["true", "false"])
def test_post_of_an_unknown_car_is_refused_with_its_wmi(empty_client, log, always_return_exi):
    """The car's WMI is on the refusal and on the request line, with an EXI answer or without."""
    empty_client.post(
        f"{BASE}/signedcontractdata",
        json=post_body(installation_req("XYZZZZ4B0CC012345")),
        headers={"alwaysReturnEXI": always_return_exi},
    )
    assert [(line["event"], line["wmi"], line["status"]) for line in log] == [
        ("refused", "XYZ", 404),
        ("request", "XYZ", 404),
    ]


def test_post_that_is_not_decoded_has_no_wmi(empty_client, log):
    """A car that is not known has no WMI, and none is left over from the request before."""
    empty_client.post(
        f"{BASE}/signedcontractdata", json=post_body(installation_req("XYZZZZ4B0CC012345"))
    )
    empty_client.post(f"{BASE}/signedcontractdata", json=post_body(b"no EXI"))
    assert [line.get("wmi") for line in log] == ["XYZ"] * 2 + [None] * 2


def test_post_of_a_car_with_contracts_has_the_providers_of_all(client, log):
    """An ISO 15118-20 car may get contracts of several eMSPs."""
    for emaid in ("DEBBBC00000001", "DEAAAC00000001", "DEBBBC00000002"):
        body = put_body(installation_res_20(emaid), emaid=emaid, pcid=PCID_20_TEXT)
        assert client.put(f"{BASE}/signedcontractdata", json=body).status_code == 201
    assert client.post(
        f"{BASE}/signedcontractdata", json=post_body(installation_req_20())
    ).is_success
    line = log[-1]
    assert (line["event"], line["status"]) == ("request", 200)
    assert (line["provider_id"], line["wmi"]) == ("DEAAA,DEBBB", PCID_20_TEXT[:3])


def test_requests_at_the_same_time_do_not_mix():
    """Each of many requests sees its own trace id from beginning to end."""

    async def app(_scope, _receive, _send):
        first = current_trace_id()
        await asyncio.sleep(0.01)
        assert current_trace_id() == first
        seen.append(first)

    async def main():
        traced = TraceMiddleware(app)
        await asyncio.gather(*(traced(scope(), None, None) for _ in range(20)))

    seen: list[str] = []
    asyncio.run(main())
    assert len(set(seen)) == 20
    assert not structlog.contextvars.get_contextvars()


def test_client_that_leaves_is_logged(log):
    """A request that nobody waits for any more is logged without a status."""

    async def app(_scope, _receive, _send):
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        call(TraceMiddleware(app), scope())
    assert [(line["event"], line["status"]) for line in log] == [("request", None)]


def test_other_messages_of_the_server_pass(log):
    """The start of the server, which is no request, is neither traced nor logged."""

    async def app(given, _receive, _send):
        seen.append(given["type"])

    seen: list[str] = []
    call(TraceMiddleware(app), {"type": "lifespan"})
    assert (seen, log) == (["lifespan"], [])


def test_log_is_not_configured_by_an_import():
    """Importing the pool leaves the logging of whoever does so alone."""
    assert not logging.getLogger("ccp").handlers


def test_a_method_of_the_callers_own_making_is_not_logged(empty_client, log):
    """A method is any word, and could be an EMAID."""
    empty_client.request("X-DEICECOPNCCERT", f"{BASE}/contractData/emaid/DEICECOPNCCERT")
    assert "DEICECOPNCCERT" not in str(log)
