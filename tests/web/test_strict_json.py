"""JSON that could mean two things, or costs more than it says, is refused."""

import contextlib
import json

import pytest

from ccp.config.settings import Variables
from ccp.web.strict_json import MOST_DEPTH, MOST_VALUES, JsonInvalid, parse_json
from tests.builders import BASE, put_body
from tests.contract.conformance import assert_error
from tests.work import lines_of

URL = f"{BASE}/signedcontractdata"
JSON = {"Content-Type": "application/json"}
LIMIT = 65536  # bytes of a body
TWICE = "The request body has a field twice."
DEEP = "The request body is nested deeper than 32 levels."


def nested(levels, opening=b"[", closing=b"]", inside=b""):
    """So many arrays or objects inside one another."""
    return opening * levels + inside + closing * levels


@pytest.mark.parametrize(
    "value", [put_body(), {"a": [1, 2.5, -1, 2**70, True, None, "ä\n\u2028"]}, [], "x", 0]
)
def test_json_is_parsed(value):
    """What is right is read as it is meant."""
    assert parse_json(json.dumps(value).encode()) == value


def test_byte_order_mark_is_ignored():
    """Some editors and shells put one before UTF-8; RFC 8259, 8.1 allows to ignore it."""
    assert parse_json(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}
    with pytest.raises(JsonInvalid, match=TWICE):
        parse_json(b'\xef\xbb\xbf{"a": 1, "a": 2}')


def test_body_with_a_byte_order_mark_is_stored(client):
    """As PowerShell's Out-File writes it."""
    body = b"\xef\xbb\xbf" + json.dumps(put_body()).encode()
    assert client.put(URL, content=body, headers=JSON).status_code == 201


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"{} {}",
        b"NaN",
        b"[1e999]",
        b"[" + b"9" * 5000 + b"]",
        b'"\xff"',
        b'"\\ud800"',
        b"\xef\xbb\xbf",
        b"\xef\xbb\xbf\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
        b"{'a': 1}",
        b'{"a": 1,}',
        b'{"a": 1} // why',
        nested(2000),
    ],
    ids=lambda text: text[:12],
)
def test_what_is_no_json_is_refused(text):
    """Halves, extensions, other encodings and numbers without end are no JSON here."""
    with pytest.raises(JsonInvalid, match="The request body is not valid JSON"):
        parse_json(text)


@pytest.mark.parametrize(
    "text",
    [
        b'{"a": 1, "a": 2}',
        b'{"a": 1, "a": 1}',
        b'{"a": 1, "\\u0061": 2}',
        b'{"a": {}, "b": [{"c": 1, "d": 2, "c": 3}]}',
        b'[{"": 1, "": 2}]',
    ],
)
def test_a_field_twice_is_refused(text):
    """Whether written alike or escaped, at any depth: others may read the other value."""
    with pytest.raises(JsonInvalid, match="has a field twice"):
        parse_json(text)


@pytest.mark.parametrize(
    "text",
    [
        nested(MOST_DEPTH + 1),
        nested(1000),
        nested(MOST_DEPTH + 1, b'{"a":', b"}", b"0"),
        b'{"a": 1, "b": [' + nested(MOST_DEPTH) + b"]}",
    ],
    ids=["just", "far", "objects", "on one side"],
)
def test_depth_is_limited(text):
    """No more than 32 levels, of arrays or objects, wherever they are."""
    with pytest.raises(JsonInvalid, match="nested deeper than 32 levels"):
        parse_json(text)


def test_depth_at_the_limit():
    """32 levels are not too many."""
    parse_json(nested(MOST_DEPTH))
    parse_json(nested(MOST_DEPTH, b'{"a":', b"}", b"0"))


@pytest.mark.parametrize(
    "value",
    [
        [0] * (MOST_VALUES + 1),
        dict.fromkeys(map(str, range(MOST_VALUES + 1))),
        [[0]] * 1024 + [0],
        [[]] * 1025,
        {"a": [[0] * 1023] * 2, "b": {}},
    ],
    ids=["array", "object", "arrays", "empty arrays", "at different depths"],
)
def test_the_number_of_values_is_limited(value):
    """No more than 2048 in all objects and arrays together: each of them costs time."""
    with pytest.raises(JsonInvalid, match="has too many values"):
        parse_json(json.dumps(value).encode())


def test_values_at_the_limit():
    """2048 are not too many."""
    text = ",[{]}" * 1000
    for value in ([0] * MOST_VALUES, {"a": [[0] * 1022, [0] * 1023]}, {text: text + '\\"' + text}):
        assert parse_json(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    ("hidden", "told"),
    [
        (nested(950), "nested deeper"),
        (nested(MOST_DEPTH), "nested deeper"),
        (b"[" + b"0," * 5000 + b"0]", "too many values"),
    ],
    ids=["far too deep", "just too deep", "too much"],
)
def test_a_field_that_another_hides_counts_too(hidden, told):
    """orjson keeps the last of two alone; whoever looks at both has to be spared the first."""
    with pytest.raises(JsonInvalid, match=told):
        parse_json(b'{"a": ' + hidden + b', "a": 1}')


def test_violations_are_told_in_the_answer(empty_client):
    """Both are 400, in words that repeat nothing of what was sent, and other violations too."""
    twice = b'{"<script>": 1, "<script>": 2}'
    assert_error(empty_client.put(URL, content=twice, headers=JSON), 400, TWICE)
    deep = b'{"metaData": ' + nested(40) + b"}"
    assert_error(empty_client.post(URL, content=deep, headers=JSON), 400, DEEP)
    response = empty_client.put(
        URL, content=twice, headers=JSON | {"OPNC-from-party-type": "nobody"}
    )
    assert len(response.json()["errorMessages"]) == 2


def test_unknown_fields_may_hold_what_they_like(client):
    """What the pool does not know is ignored, down to the same limit."""
    inside = json.loads(nested(MOST_DEPTH - 1))
    assert client.put(URL, json=put_body(later=inside)).status_code == 201
    assert_error(client.put(URL, json=put_body(later=[inside])), 400, DEEP)


LABORIOUS = {
    "numbers": b"[" + b"0," * 32_000 + b"0]",
    "objects": b"[" + b",".join([b'{"":{"":{"":{}}}}'] * 3500) + b"]",
    "fields": b"{" + b",".join(b'"%d":0' % i for i in range(7000)) + b"}",
    "equal fields": b"{" + b",".join([b'"":{}'] * 10_900) + b"}",
    "hidden": b'{"a":[' + b",".join([b"{}"] * 20_000) + b'],"a":1}',
    "escapes": b'["' + b"\\u0041" * 10_000 + b'"]',
    "long numbers": b"[" + b",".join([b"9" * 250] * 250) + b"]",
    "depth": nested(32_000),
}
"""The most laborious bodies within the size limit; `make proof` measures the time they take."""


@pytest.mark.parametrize("text", LABORIOUS.values(), ids=LABORIOUS)
def test_no_body_takes_long(text):
    """However much is in a body, little of it comes to be looked at outside of C."""
    assert len(text) <= LIMIT
    assert lines_of(lambda: parsed(text)) < 4 * MOST_VALUES


def largest(unit):
    """The largest body of such units, where an operator allows all that the setting can be."""
    most = Variables().fields["CCP_MAX_BODY_BYTES"].validate.max
    return b"[" + b",".join([unit] * ((most - 2) // (len(unit) + 1))) + b"]"


UNITS = [b"0", b"[]", b'{"":{}}', nested(30)]


@pytest.mark.parametrize("unit", UNITS, ids=len)
def test_the_largest_body_that_can_be_set_takes_no_long_either(unit):
    """It takes no more than others do: it has too many values."""
    assert lines_of(lambda: parsed(largest(unit))) < 4 * MOST_VALUES


def parsed(text):
    """Parse a text, whatever comes of it."""
    with contextlib.suppress(JsonInvalid):
        parse_json(text)
