"""The log of a running pool: one format, a trace id on every line of a request, no secrets."""

import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from ccp.iso15118 import decode
from ccp.observability.log import _without_colours, printable_values
from tests.builders import (
    BASE,
    EMAID_TEXT,
    PCID_TEXT,
    installation_req,
    post_body,
    put_body,
    signed,
)
from tests.contract.conformance import BASE_PATH
from tests.running import SECONDS, refused_start, serving

# A pool whose contracts cannot be looked up by PCID.
CRASHING = """
from ccp.handlers import get_contract_data_by_pcid
def handle(services, *, pcid, namespace):
    secret = pcid.text
    raise RuntimeError("out of order")
get_contract_data_by_pcid.handle = handle
from wsgi import app
"""
URL = f"{BASE}/signedcontractdata"
CONSOLE_LINE = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z \[(info|warning|error|debug) *\] .+")


def odd_request():
    """A request with a certificate that libraries warn of: its serial number is negative."""
    message = decode(installation_req())
    der = bytearray(message.body.oem_provisioning_cert)
    der[der.index(b"\xa0\x03\x02\x01\x02\x02") + 7] |= 0x80  # behind the version
    message.body.oem_provisioning_cert = bytes(der)
    return signed(message)


def logged(folder, **variables):
    """Serve successes, refusals and a crash; returns the log, and the answers."""
    (folder / "crashing.py").write_text(CRASHING)
    body = put_body()
    with serving(folder, "crashing:app", checks="lab", workers=1, **variables) as server:
        port = server.port
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=SECONDS) as client:
            answers = [
                client.put(URL, json=body),
                client.put(URL, json=body | {"pcid": "WAUZZZ4B0CC099999"}),
                client.put(URL, json=body | {"emaid": f"{EMAID_TEXT}!", "pcid": f"{PCID_TEXT}!!"}),
                client.put(URL, json=body | {"certificateInstallationRes": "AAAA"}),
                client.get(f"{URL}/{EMAID_TEXT}/{PCID_TEXT}"),
                client.get(f"{BASE}/contractData/emaid/{EMAID_TEXT}?{PCID_TEXT}"),
                client.get(f"{BASE}/contractData/pcid/{PCID_TEXT}"),
                client.post(URL, json=post_body()),
                client.post(URL, json=post_body(odd_request())),
                client.post(f"{URL}/{EMAID_TEXT}/{PCID_TEXT}/setdefault"),
                client.request("BREW", f"{URL}/{EMAID_TEXT}"),
                client.get(f"/{EMAID_TEXT}"),
                client.head(f"{BASE_PATH}/openapi.json"),
                client.delete(f"{URL}/{EMAID_TEXT}"),
            ]
        with socket.create_connection(("127.0.0.1", port), SECONDS) as connection:
            connection.sendall(f"GET /{EMAID_TEXT}\xff HTTP/1.1\r\n\r\n".encode("latin1"))
            connection.recv(1000)
        server.end()
        return server.log, answers, body


@pytest.fixture(scope="module")
def as_json(tmp_path_factory):
    """A log for machines at its most talkative, with the answers that it is about."""
    return logged(tmp_path_factory.mktemp("json"), log_format="json", log_level="debug")


@pytest.fixture(scope="module")
def as_text(tmp_path_factory):
    """A log for people, with the answers that it is about."""
    return logged(tmp_path_factory.mktemp("console"))


def test_every_line_is_json(as_json):
    """Each line is an object with time, level and event: gunicorn's own lines too."""
    log, _, _ = as_json
    lines = [json.loads(line) for line in log.splitlines()]
    assert all({"timestamp", "level", "event"} <= set(line) for line in lines)
    assert all(line["timestamp"].endswith("Z") for line in lines)
    events = " ".join(line["event"] for line in lines)
    assert "Listening at" in events
    assert "Worker exiting" in events


def test_every_line_is_for_people(as_text):
    """Each line has time, level and event in columns, gunicorn's own too; tracebacks follow."""
    log, _, _ = as_text
    lines = log.splitlines()
    assert CONSOLE_LINE.fullmatch(lines[0])
    assert all(CONSOLE_LINE.fullmatch(line) for line in lines if re.match(r"\d{4}-", line))
    assert any("Listening at" in line for line in lines)
    assert "\x1b" not in log, "colours are for terminals"


def test_each_request_has_its_lines(as_json):
    """Each answer's trace id is on its line, with method, operation and status."""
    log, answers, _ = as_json
    lines = [json.loads(line) for line in log.splitlines()]
    requests = [line for line in lines if line["event"] == "request"]
    assert [line["status"] for line in requests] == [answer.status_code for answer in answers]
    assert len({line["traceId"] for line in requests}) == len(answers)
    for line, answer in zip(requests, answers, strict=True):
        if answer.status_code >= 400:
            trace_id = answer.json()["traceId"]
            assert line["traceId"] == trace_id
            own = [other for other in lines if other.get("traceId") == trace_id]
            assert len(own) >= 2


def test_lines_without_a_trace_id_are_the_servers(as_json):
    """No line that the pool writes while it serves a request is without the trace id."""
    log, _, _ = as_json
    for line in map(json.loads, log.splitlines()):
        assert "traceId" in line or line["event"].startswith(
            (
                "Starting",
                "Whoever reaches",
                "Listening",
                "Using",
                "Booting",
                "ASGI",
                "Worker",
                "Handling",
                "Shutting",
                "Swagger",
            )
        ), line


def test_warning_of_a_handler_has_the_trace_id(as_json):
    """What lab mode lets pass is found under the trace id of the request that was let pass."""
    log, _, _ = as_json
    lines = [json.loads(line) for line in log.splitlines()]
    warnings = [line for line in lines if line["event"].startswith("lab mode")]
    requests = {line["traceId"]: line for line in lines if line["event"] == "request"}
    assert warnings
    assert all(line["traceId"] in requests for line in warnings)


@pytest.mark.parametrize("kind", ["as_json", "as_text"])
def test_crash_is_explained(request, kind):
    """The traceback of a crash is in the log, under the trace id that the caller was told."""
    log, answers, _ = request.getfixturevalue(kind)
    trace_id = answers[6].json()["traceId"]
    assert answers[6].status_code == 500
    assert "out of order" not in answers[6].text
    assert "out of order" in log
    assert "crashing.py" in log
    (line,) = [line for line in log.splitlines() if trace_id in line and "failed" in line]
    assert "error" in line


@pytest.mark.parametrize("kind", ["as_json", "as_text"])
def test_no_secret_is_logged(request, kind):
    """No EMAID, PCID, EXI or certificate is in the log, nor in a traceback, nor at level debug."""
    log, answers, body = request.getfixturevalue(kind)
    assert {answer.status_code for answer in answers} >= {200, 201, 400, 404, 405, 500}
    message = body["certificateInstallationRes"]
    for secret in (EMAID_TEXT, PCID_TEXT, message[:24], message[400:424], "WAUZZZ4B0CC099999"):
        assert secret not in log
    assert not re.search(r"[A-Za-z0-9+/]{100}", log), "something like base64"


def test_level_is_the_operators(tmp_path):
    """CCP_LOG_LEVEL=error leaves successes and refusals out, of gunicorn too."""
    (tmp_path / "quiet.py").write_text(
        "import structlog\n"
        "from wsgi import app\n"
        "structlog.get_logger().error('loud')\n"
        "structlog.get_logger().warning('quiet')\n"
        "raise SystemExit(7)\n"
    )
    status, log = refused_start(tmp_path, "quiet:app", log_level="error", log_format="json")
    assert status == 7
    assert [json.loads(line)["event"] for line in log.splitlines()] == ["loud"]


NAMES = st.from_regex("[a-z_]{1,9}", fullmatch=True).map("x_{}".format)
PRINTABLE = st.text(
    st.characters(categories=["L", "N", "P", "S"], include_characters=" "), max_size=12
)
VALUES = PRINTABLE | st.integers() | st.floats() | st.booleans() | st.none() | st.lists(PRINTABLE)


@given(st.sampled_from(["info", "warning", "error"]), PRINTABLE, st.dictionaries(NAMES, VALUES))
def test_a_line_without_colours_is_structlogs_own(level, event, values):
    """Written faster, for requests have one each; ConsoleRenderer says what it has to be."""
    line = {"timestamp": "2025-06-01T12:00:00Z", "level": level, "event": event, **values}
    renderer = structlog.dev.ConsoleRenderer(colors=False)
    assert _without_colours(None, level, dict(line)) == renderer(None, level, dict(line))


@pytest.mark.parametrize("character", ["\n", "\r", "\x1b", "\x00", "\u2028", "\x85"])
def test_no_value_begins_a_line_of_its_own(character):
    """Nor does one change what a terminal shows of the lines before."""
    line = {"timestamp": "t", "level": "info", "event": "e", "value": f"a{character}b"}
    assert character not in _without_colours(None, "info", line)


LOGGING = """
import os, sys
import structlog
from ccp.observability.log import configure_logging
from ccp.config.settings import Settings
configure_logging(Settings.from_environment({"CCP_LOG_FORMAT": sys.argv[1]}))
for _ in range(1000):
    structlog.get_logger().error("a line", text="x" * 100)
print("goes on", flush=True)
os._exit(0)
"""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no disk that is always full")
@pytest.mark.parametrize("log_format", ["console", "json"])
def test_a_log_that_cannot_be_written_is_no_error(log_format):
    """Nobody is answered 500 because the disk of the log is full."""
    with Path("/dev/full").open("wb") as full:
        told = subprocess.run(
            [sys.executable, "-c", LOGGING, log_format],
            stdout=subprocess.PIPE,
            stderr=full,
            text=True,
            check=True,
            timeout=SECONDS,
        )
    assert told.stdout == "goes on\n"


def test_console_log_of_hostile_text_is_printable() -> None:
    """A terminal shows what was sent, and obeys nothing in it."""
    render = structlog.dev.ConsoleRenderer(colors=False)
    event = {"event": "a\nb\x1b[2J", "party": "\x1b]0;title\x07", "id": "x\x9b31m\u202e", "n": 5}
    line = render(None, "info", printable_values(None, "info", event))
    assert [one for one in line if not one.isprintable()] == ["\n"]
    assert "n=5" in line
