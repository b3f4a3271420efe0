"""The session id splice; cutting is tested with encoding, in test_codec and test_vectors."""

from dataclasses import replace

import pytest

from ccp.iso15118 import (
    ExiError,
    cut_fragment,
    decode,
    encode,
    iso2_failure,
    with_session_id,
)
from tests.iso15118.elements import signed_elements
from tests.vectors import Vector, genuine_res, requests, shapes

LENGTHS = [vector for vector in shapes() if vector.name.startswith("session id of")]


@pytest.mark.parametrize("size", range(9))
@pytest.mark.parametrize("vector", LENGTHS, ids=lambda vector: vector.name)
def test_splice_equals_encoding_anew(vector: Vector, size: int) -> None:
    """From any length to any length: the message with the new id, encoded; and back again."""
    message = decode(vector.exi)
    old = message.header.session_id
    new = bytes(range(0xF0, 0xF0 + size))
    spliced = with_session_id(vector.exi, new)
    assert spliced == encode(replace(message, header=replace(message.header, session_id=new)))
    assert decode(spliced).header.session_id == new
    assert with_session_id(spliced, old) == vector.exi


@pytest.mark.parametrize("exi", [genuine_res(), *(v.exi for v in requests().values())])
def test_splice_leaves_what_is_signed(exi: bytes) -> None:
    """A new session id changes no fragment, hence no digest and no signature."""
    spliced = with_session_id(exi, b"12345678")
    before, after = decode(exi), decode(spliced)
    for name in signed_elements(before):
        assert cut_fragment(spliced, after, name) == cut_fragment(exi, before, name)


def test_splice_into_a_failure() -> None:
    """A failure with another session id is the failure made with that id."""
    exi = iso2_failure(b"\1", "FAILED")
    assert with_session_id(exi, b"12345678") == iso2_failure(b"12345678", "FAILED")


@pytest.mark.parametrize(
    "exi",
    [
        b"",
        b"\x80",
        b"\x80\x98",
        b"\x80\x98\x00",
        bytes.fromhex("80980040"),  # cut off behind the length
        bytes.fromhex("809802400000000000000000000000"),  # 9 bytes
        bytes.fromhex("8098804100"),  # a departure from the schema before the length
        bytes.fromhex("801c0400000000000000000000"),  # ISO 15118-20
        b"<V2G_Message>",
    ],
    ids=bytes.hex,
)
def test_splice_refuses_other_beginnings(exi: bytes) -> None:
    """What does not begin with a header and a session id is refused."""
    with pytest.raises(ExiError, match="does not begin like an ISO 15118-2 message"):
        with_session_id(exi, b"\1")


def test_splice_refuses_long_ids() -> None:
    """A session id has at most 8 bytes."""
    with pytest.raises(ExiError, match="cannot have a session id of 9 bytes"):
        with_session_id(genuine_res(), bytes(9))
