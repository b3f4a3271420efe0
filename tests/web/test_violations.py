"""What a value breaks, in the words of the published contract."""

import pytest

from ccp.web.violations import Schema

EMAID = {
    "type": "string",
    "minLength": 14,
    "maxLength": 36,
    "pattern": r"^[A-Za-z]{2}[-]?\w{3}[-]?\w{9,28}[-]?(\w{1})?$",
}
OBJECT = {
    "type": "object",
    "required": ["emaid", "pcid"],
    "properties": {"emaid": EMAID, "edition": {"type": "string", "enum": ["a", "b"]}},
}


def told(schema, value, name="x"):
    """The violations of *value*, sorted."""
    return sorted(Schema(schema).violations(name, value))


@pytest.mark.parametrize(
    "value", ["DEICECOPNCCERT", "DE-ICE-COPNCCERT", "de-ice-c_________-1", "A" * 34]
)
def test_what_fits_breaks_nothing(value):
    """An EMAID in any of its spellings passes."""
    assert told(EMAID, value) == []


@pytest.mark.parametrize(
    "value",
    [
        "DEICECOPNCCER\N{LATIN SMALL LETTER SHARP S}",
        "DEICECOPNCCER\N{ARABIC-INDIC DIGIT ONE}",
        "DEICECOPNCCER\N{FULLWIDTH LATIN CAPITAL LETTER T}",
        "DEICECOPNCCERT\n",
        "\nDEICECOPNCCERT",
        "DEICECOPNCCERT\nDEICECOPNCCERT",
        "DEICECOPNCC RT",
    ],
)
def test_patterns_are_ecma(value):
    r"""`\w` is ASCII and `$` the very end, unlike in Python."""
    assert told(EMAID, value, "emaid") == [f'emaid : must match "{EMAID["pattern"]}"']


def test_digits_are_ascii():
    r"""`\d` is 0 to 9."""
    assert told({"pattern": r"^\d$"}, "\N{ARABIC-INDIC DIGIT ONE}")
    assert not told({"pattern": r"^\d$"}, "1")


def test_escaped_dollar_is_a_dollar():
    """A dollar sign that is part of the text stays one."""
    assert not told({"pattern": r"^US\$"}, "US$")
    assert told({"pattern": r"^US\$"}, "US")


def test_missing_fields_are_told_one_by_one():
    """Each required field that is missing has its message."""
    assert set(told(OBJECT, {})) == {"emaid : must not be null", "pcid : must not be null"}
    assert set(told(OBJECT, {"emaid": "DEICECOPNCCERT"})) == {"pcid : must not be null"}


def test_everything_is_told():
    """Wrong fields and missing ones are told together, each field by its own name."""
    assert set(told(OBJECT, {"emaid": 5, "edition": "c"}, "body")) == {
        "emaid : must be of type string",
        "edition : must be one of a, b",
        "pcid : must not be null",
    }


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        (OBJECT, [], "x : must be of type object"),
        ({"type": "boolean"}, "yes", "x : must be true or false"),
        ({"type": "string", "maxLength": 2}, "abc", "x : size must be between 0 and 2"),
        ({"type": "string", "minLength": 2}, "a", "x : size must be between 2 and any"),
        ({"minProperties": 2}, {}, "x : must have at least 2 fields"),
        ({"multipleOf": 2}, 3, "x : is invalid"),
    ],
)
def test_words(schema, value, message):
    """Each kind of violation has its sentence; one that nobody thought of too."""
    assert told(schema, value) == [message]


def test_session_id_has_the_published_words():
    """A malformed session id is told in the published sentence."""
    schema = {"type": "string", "pattern": "^([0-9a-fA-F]{2}){0,8}$"}
    assert told(schema, "0", "sessionID") == [
        "Invalid SessionID format, make sure the length is maximum 8 characters"
        " and it is represented in HEX binary"
    ]


def test_values_are_not_repeated():
    """No message has a part of the value: it may be an EMAID, or a script."""
    value = {"emaid": "SECRET<script>", "edition": "SECRET", "pcid": 1, "SECRET": "SECRET"}
    assert "SECRET" not in "".join(told(OBJECT, value, "body"))


def test_of_alternatives_the_first_is_told():
    """Where one of several fields is needed, a caller is told of the one that is named first."""
    schema = {
        "type": "object",
        "anyOf": [{"required": ["new"]}, {"required": ["old"]}],
        "properties": {"new": {"type": "string"}},
    }
    assert told(schema, {}) == ["new : must not be null"]
    assert told(schema, {"old": 1}) == []
    assert told(schema, {"new": 1}) == ["new : must be of type string"]
    assert told(schema, []) == ["x : must be of type object"]
