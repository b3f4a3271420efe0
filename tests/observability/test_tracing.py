"""Spans and Trace Context without an SDK: which `traceparent` is accepted, and what is sent on."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccp.observability.tracing import (
    client_span,
    record_result,
    server_span,
    trace_headers,
    trace_id_of,
)

# The examples of W3C Trace Context, 3.2.
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN_ID = "00f067aa0ba902b7"


def trace_of(*values: bytes) -> str | None:
    """The trace id of a request with these `traceparent` headers."""
    with server_span("GET", values) as span:
        return trace_id_of(span)


@pytest.mark.parametrize(
    "text",
    [
        f"00-{TRACE_ID}-{SPAN_ID}-01",
        f"00-{TRACE_ID}-{SPAN_ID}-00",
        f"00-{TRACE_ID}-{SPAN_ID}-ff",
        f"00-{TRACE_ID}-{SPAN_ID}-02",
        # A version that is not known is read as far as it is (3.2.4 of the recommendation).
        f"cc-{TRACE_ID}-{SPAN_ID}-01",
        f"cc-{TRACE_ID}-{SPAN_ID}-01-what-the-future-will-be-like",
    ],
)
def test_server_span_valid_traceparent_joins_the_trace(text):
    assert trace_of(text.encode()) == TRACE_ID


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"ff-{TRACE_ID}-{SPAN_ID}-01",
        f"00-{TRACE_ID.upper()}-{SPAN_ID}-01",
        f"00-{'0' * 32}-{SPAN_ID}-01",
        f"00-{TRACE_ID}-{'0' * 16}-01",
        f"00-{TRACE_ID}-{SPAN_ID}-01-more",
        f"00-{TRACE_ID}-{SPAN_ID}-01-",
        f"cc-{TRACE_ID}-{SPAN_ID}-01.more",
        f"00-{TRACE_ID}-{SPAN_ID}",
        f"00-{TRACE_ID}-{SPAN_ID}-1",
        f"00-{TRACE_ID[1:]}-{SPAN_ID}-01",
        f"00-{TRACE_ID}-{SPAN_ID[1:]}-01",
        f"0-{TRACE_ID}-{SPAN_ID}-01",
        f"00_{TRACE_ID}_{SPAN_ID}_01",
    ],
)
def test_server_span_invalid_traceparent_is_ignored(text):
    assert trace_of(text.encode()) is None


def test_server_span_not_exactly_one_traceparent_is_ignored():
    text = f"00-{TRACE_ID}-{SPAN_ID}-01".encode()
    assert trace_of(text, text) is None
    assert trace_of() is None


@given(st.lists(st.binary(max_size=80), max_size=2))
def test_server_span_any_bytes_give_a_trace_id_or_none(values):
    """The log gets 32 hexadecimal digits or nothing, whatever a caller sends."""
    trace_id = trace_of(*values)
    assert trace_id is None or re.fullmatch("[0-9a-f]{32}", trace_id)


@pytest.mark.parametrize("flags", ["00", "01"])
def test_client_span_without_sdk_sends_the_traceparent_of_the_request(flags):
    text = f"00-{TRACE_ID}-{SPAN_ID}-{flags}"
    with server_span("POST", [text.encode()]), client_span("POST", "pool.example") as call:
        assert trace_headers() == {"traceparent": text}
        record_result(call, 200)


def test_client_span_without_a_trace_sends_no_header():
    """A request does not inherit the trace of an earlier request on the same connection."""
    with server_span("GET", [f"00-{TRACE_ID}-{SPAN_ID}-01".encode()]):
        with server_span("GET", []) as request, client_span("POST", "pool.example"):
            assert (trace_id_of(request), trace_headers()) == (None, {})
        assert trace_headers() != {}
    assert trace_headers() == {}
