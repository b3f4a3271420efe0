"""Base64 as it is met in the field."""

import base64

import pytest

from ccp.domain.base64_text import read_base64
from ccp.domain.errors import ExiInvalid

BYTES = bytes(range(256)) * 3 + b"!"
TEXT = base64.b64encode(BYTES).decode()


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        TEXT.rstrip("="),
        "\r\n".join(TEXT[i : i + 64] for i in range(0, len(TEXT), 64)),
        f" {TEXT}\t\n",
        " ".join(TEXT),
    ],
)
def test_base64_as_it_is_met(text):
    """White space and missing padding are forgiven."""
    assert read_base64(text) == BYTES


@pytest.mark.parametrize(
    "text", ["-_-_", "AAA\N{LATIN SMALL LETTER SHARP S}", "A", "AA=A", "A\0AA", "AA%3D%3D"]
)
def test_what_is_no_base64(text):
    """Another alphabet, half a byte or padding inside is told as such."""
    with pytest.raises(ExiInvalid) as caught:
        read_base64(text)
    assert caught.value.messages == ["EXI format is invalid!", "The message is not base64."]
