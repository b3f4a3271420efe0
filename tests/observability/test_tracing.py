"""Trace Context: what is a `traceparent`, and what is passed on of it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccp.observability.tracing import Trace, Tracer, parse_traceparent

# The examples of W3C Trace Context, 3.2.
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN_ID = "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("text", "is_sampled"),
    [
        (f"00-{TRACE_ID}-{SPAN_ID}-01", True),
        (f"00-{TRACE_ID}-{SPAN_ID}-00", False),
        (f"00-{TRACE_ID}-{SPAN_ID}-ff", True),
        (f"00-{TRACE_ID}-{SPAN_ID}-02", False),
        # A version that is not known is read as far as it is (3.2.4 of the recommendation).
        (f"cc-{TRACE_ID}-{SPAN_ID}-01", True),
        (f"cc-{TRACE_ID}-{SPAN_ID}-01-what-the-future-will-be-like", True),
    ],
)
def test_a_traceparent_is_read(text, is_sampled):
    """Its trace id, and whether the trace is kept; its span is the caller's own."""
    assert parse_traceparent([text.encode()]) == Trace(TRACE_ID, is_sampled)


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
        f"00-{TRACE_ID}-{SPAN_ID}-01\n",
        f" 00-{TRACE_ID}-{SPAN_ID}-01",
    ],
)
def test_what_is_none_is_ignored(text):
    """As the recommendation has it: no trace, and no error."""
    assert parse_traceparent([text.encode()]) is None


def test_one_is_enough():
    """Of two nobody knows which is true; without any there is no trace."""
    text = f"00-{TRACE_ID}-{SPAN_ID}-01".encode()
    assert parse_traceparent([text, text]) is None
    assert parse_traceparent([]) is None


@given(st.lists(st.binary(max_size=80), max_size=2))
def test_any_bytes_are_a_trace_or_none(values):
    """Whatever is sent, what the log gets of it is 32 hexadecimal digits or nothing."""
    trace = parse_traceparent(values)
    assert trace is None or re.fullmatch("[0-9a-f]{32}", trace.trace_id)


@pytest.mark.parametrize("flags", ["00", "01"])
def test_what_is_asked_is_a_span_of_the_same_trace(flags):
    """Each with an id of its own; it is what we would read ourselves."""
    tracer = Tracer()
    with tracer.request("POST", [f"00-{TRACE_ID}-{SPAN_ID}-{flags}".encode()]) as request:
        assert request.trace_id == TRACE_ID
        sent = []
        for _ in range(3):
            with tracer.call("POST", "pool.example") as call:
                sent.append(call.headers["traceparent"])
    assert all(text.startswith(f"00-{TRACE_ID}-") for text in sent)
    assert all(text.endswith(f"-{flags}") for text in sent)
    assert len({text.split("-")[2] for text in sent} | {SPAN_ID}) == 4
    assert None not in [parse_traceparent([text.encode()]) for text in sent]


def test_without_a_trace_none_is_begun():
    """A pool that nobody traces says nothing of traces; the next request knows of no last one."""
    tracer = Tracer()
    with tracer.request("GET", [f"00-{TRACE_ID}-{SPAN_ID}-01".encode()]):
        pass
    with tracer.request("GET", []) as request, tracer.call("POST", "pool.example") as call:
        assert (request.trace_id, dict(call.headers)) == (None, {})
