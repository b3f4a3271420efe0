"""Values overwritten in the bits; cutting is tested with encoding, in test_codec, test_vectors."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ccp.iso15118 import (
    ExiError,
    Message,
    Reference,
    Signature,
    SignatureMethod,
    SignatureValue,
    SignedInfo,
    Transform,
    cut_fragment,
    decode,
    encode,
    iso2_failure,
    iso20,
    iso20_failure,
    with_session_id,
    with_time_stamp,
    with_value,
)
from ccp.iso15118.iso20_schema import EVSE_PROCESSING, RESPONSE_CODES
from tests.iso15118.elements import signed_elements
from tests.vectors import (
    Vector,
    genuine_res,
    iso20_requests,
    iso20_shapes,
    requests,
    shapes,
)

LENGTHS = [vector for vector in shapes() if vector.name.startswith("session id of")]
SIGNED20 = [vector.exi for vector in iso20_requests().values()]
SIGNED20 += [v.exi for v in iso20_shapes() if v.name.endswith(("signed", "signature"))]
TIMED = [vector for vector in iso20_shapes() if vector.name.startswith("time stamp")]
TIME_STAMPS = [0, 1, 127, 128, 2**14 - 1, 2**14, 2**21, 2**28, 1_760_000_000, 2**35, 2**42]
TIME_STAMPS += [1_760_000_000_000_000, 2**49 - 1, 2**56, 2**63 - 1, 2**63, 2**64 - 1]
VALUES: dict[str, tuple[str, Any]] = {
    "ResponseCode": ("response_code", RESPONSE_CODES),
    "EVSEProcessing": ("evse_processing", EVSE_PROCESSING),
    "RemainingContractCertificateChains": ("remaining_contract_certificate_chains", range(256)),
}


def with_header(message: Message, **changes: object) -> Message:
    return replace(message, header=replace(message.header, **changes))


def assert_same_fragments(before: bytes, after: bytes) -> None:
    """Assert that every signed element of a message has the same bits as before."""
    old, new = decode(before), decode(after)
    assert signed_elements(old).keys() == signed_elements(new).keys()
    for name in signed_elements(old):
        for form in (False, True):
            fragment = cut_fragment(after, new, name, message_grammar=form)
            assert fragment == cut_fragment(before, old, name, message_grammar=form)


@pytest.mark.parametrize("size", range(9))
@pytest.mark.parametrize("vector", LENGTHS, ids=lambda vector: vector.name)
def test_splice_equals_encoding_anew(vector: Vector, size: int) -> None:
    """From any length to any length: the message with the new id, encoded; and back again."""
    message = decode(vector.exi)
    old = message.header.session_id
    new = bytes(range(0xF0, 0xF0 + size))
    spliced = with_session_id(vector.exi, new)
    assert spliced == encode(with_header(message, session_id=new))
    assert decode(spliced).header.session_id == new
    assert with_session_id(spliced, old) == vector.exi


@pytest.mark.parametrize("vector", iso20_shapes(), ids=lambda vector: vector.name)
def test_splice_equals_encoding_anew_in_iso20(vector: Vector) -> None:
    """Any message with a new session id is that message, encoded; and back again."""
    message = decode(vector.exi)
    for new in (bytes(8), b"\xff" * 8, bytes(range(0xF0, 0xF8))):
        spliced = with_session_id(vector.exi, new)
        assert spliced == encode(with_header(message, session_id=new))
        assert decode(spliced).header.session_id == new
        assert with_session_id(spliced, message.header.session_id) == vector.exi


@pytest.mark.parametrize(
    "exi", [genuine_res(), *(v.exi for v in requests().values()), *SIGNED20], ids=len
)
def test_splice_leaves_what_is_signed(exi: bytes) -> None:
    """A new session id changes no fragment, hence no digest and no signature."""
    assert_same_fragments(exi, with_session_id(exi, b"12345678"))


def test_splice_into_a_failure() -> None:
    """A failure with another session id is the failure made with that id."""
    exi = iso2_failure(b"\1", "FAILED")
    assert with_session_id(exi, b"12345678") == iso2_failure(b"12345678", "FAILED")
    exi = iso20_failure(bytes(8), "FAILED", time_stamp=1)
    expected = iso20_failure(b"12345678", "FAILED", time_stamp=2**40)
    assert with_time_stamp(with_session_id(exi, b"12345678"), 2**40) == expected


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
        bytes.fromhex("801c"),  # from here on ISO 15118-20
        bytes.fromhex("801c0400"),
        bytes.fromhex("801c040000000000000000"),  # cut off in the id
        bytes.fromhex("801c0380000000000000000000000000"),  # 7 bytes
        bytes.fromhex("801c0480000000000000000000000000"),  # 9 bytes
        bytes.fromhex("801c8400000000000000000000000000"),  # a departure before the length
        bytes.fromhex("80180400000000000000000000000000"),  # another message
        bytes.fromhex("80400400000000000000000000000000"),  # a fragment
        b"<V2G_Message>",
    ],
    ids=bytes.hex,
)
def test_splice_refuses_other_beginnings(exi: bytes) -> None:
    """What does not begin with a header and a session id is refused."""
    problem = "does not begin like a message of ISO 15118 with a session id"
    with pytest.raises(ExiError, match=problem) as caught:
        with_session_id(exi, b"\1")
    assert caught.value.bit == 0
    if exi[:1] != b"<":
        with pytest.raises(ExiError, match="does not begin like a message of ISO 15118-20"):
            with_time_stamp(exi, 1)


def test_splice_refuses_long_ids() -> None:
    """A session id has at most 8 bytes."""
    with pytest.raises(ExiError, match="cannot have a session id of 9 bytes"):
        with_session_id(genuine_res(), bytes(9))


@pytest.mark.parametrize("size", [0, 1, 7, 9])
def test_splice_refuses_ids_of_another_length_in_iso20(size: int) -> None:
    """A session id of ISO 15118-20 has 8 bytes."""
    for exi in SIGNED20:
        with pytest.raises(ExiError, match=f"cannot have a session id of {size} bytes"):
            with_session_id(exi, bytes(size))


@pytest.mark.parametrize("vector", TIMED, ids=lambda vector: vector.name)
def test_time_stamp_equals_encoding_anew(vector: Vector) -> None:
    """From any time to any time: the message with the new one, encoded; and back again."""
    message = decode(vector.exi)
    for time_stamp in TIME_STAMPS:
        changed = with_time_stamp(vector.exi, time_stamp)
        assert changed == encode(with_header(message, time_stamp=time_stamp))
        assert decode(changed).header.time_stamp == time_stamp
        assert with_time_stamp(changed, message.header.time_stamp) == vector.exi


@pytest.mark.parametrize("exi", SIGNED20, ids=len)
def test_time_stamp_leaves_what_is_signed(exi: bytes) -> None:
    """A new time stamp and session id change no fragment, in whatever order they are put in."""
    for time_stamp in TIME_STAMPS:
        changed = with_time_stamp(with_session_id(exi, b"12345678"), time_stamp)
        assert changed == with_session_id(with_time_stamp(exi, time_stamp), b"12345678")
        assert decode(changed).header.session_id == b"12345678"
        assert_same_fragments(exi, changed)


@pytest.mark.parametrize("exi", [genuine_res(), *(v.exi for v in requests().values())], ids=len)
def test_iso2_has_no_time_stamp(exi: bytes) -> None:
    """A message of ISO 15118-2 is refused."""
    with pytest.raises(ExiError, match="does not begin like a message of ISO 15118-20"):
        with_time_stamp(exi, 1)


@pytest.mark.parametrize("time_stamp", [-1, 2**64, 2**70])
def test_time_stamp_has_64_bits(time_stamp: int) -> None:
    """A time stamp that is none is refused."""
    with pytest.raises(ExiError, match="TimeStamp is not a number of at most 64 bits"):
        with_time_stamp(SIGNED20[0], time_stamp)


def test_time_stamp_that_does_not_end_is_refused() -> None:
    """A message that is cut off in its time stamp, or has an endless one, is refused."""
    (exi,) = (vector.exi for vector in TIMED if vector.name == f"time stamp {2**64 - 1}")
    for size in range(12, 22):  # the last octet of ten ends within this byte
        with pytest.raises(ExiError, match="does not begin like a message of ISO 15118-20"):
            with_time_stamp(exi[:size], 1)
    assert with_time_stamp(exi[:22], 2**64 - 1) == exi[:22]
    with pytest.raises(ExiError, match="does not begin like a message of ISO 15118-20"):
        with_time_stamp(exi[:12] + b"\xff" * 32000, 1)


def signed_with(transforms: int, hmac_output_length: int | None) -> Message:
    """A response; how many transforms it has, and whether a length, moves what follows by bits."""
    reference = Reference("a", b"\1", [Transform("a")] * transforms)
    info = SignedInfo("a", SignatureMethod("a", hmac_output_length), [reference])
    chain = iso20.CertificateChain(b"\1", [b"\1"])
    data = iso20.SignedInstallationData("a", chain, "X448", bytes(133), None, bytes(84))
    body = iso20.CertificateInstallationRes("OK", "Finished", chain, data, 0)
    return Message(iso20.Header(bytes(8), 1, Signature(info, SignatureValue(b"\1"))), body)


SHIFTED = [signed_with(count, length) for length in (None, 1) for count in range(1, 5)]


@pytest.mark.parametrize("name", VALUES)
def test_values_lie_at_any_bit(name: str) -> None:
    """The messages of the next test have each value at all eight bits of a byte."""
    starts = [decode(encode(message)).spans[name][0] for message in SHIFTED]
    assert {start & 7 for start in starts} == set(range(8))


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("message", SHIFTED, ids=range(8))
def test_value_equals_encoding_anew(message: Message, name: str) -> None:
    """Any value over any other: the message with the new one, encoded; and back again."""
    field, values = VALUES[name]
    exi = encode(message)
    bit, _ = decode(exi).spans[name]
    for value in values:
        changed = with_value(exi, name, bit, value)
        assert changed == encode(replace(message, body=replace(message.body, **{field: value})))
        assert decode(changed).spans == decode(exi).spans
        assert with_value(changed, name, bit, getattr(message.body, field)) == exi


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("exi", SIGNED20, ids=len)
def test_value_leaves_what_is_signed(exi: bytes, name: str) -> None:
    """Another value changes no fragment, and no other field; a request has no such value."""
    message = decode(exi)
    if isinstance(message.body, iso20.CertificateInstallationReq):
        assert name not in message.spans
        return
    field, values = VALUES[name]
    changed = with_value(exi, name, message.spans[name][0], values[-1])
    body = replace(message.body, **{field: values[-1]})
    assert decode(changed) == replace(message, body=body)
    assert_same_fragments(exi, changed)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("ResponseCode", "FAILED_NoCertificateAvailable", "cannot be 'FAILED_NoCertificateAvail"),
        ("ResponseCode", "", "cannot be ''"),
        ("EVSEProcessing", "OK", "cannot be 'OK'"),
        ("RemainingContractCertificateChains", -1, "is not a number from 0 to 255"),
        ("RemainingContractCertificateChains", 256, "is not a number from 0 to 255"),
    ],
)
def test_value_of_another_type_is_refused(name: str, value: Any, reason: str) -> None:
    """A value that the type does not have is refused by the field's name."""
    exi = iso20_failure(bytes(8), "FAILED", time_stamp=1)
    with pytest.raises(ExiError) as caught:
        with_value(exi, name, decode(exi).spans[name][0], value)
    assert caught.value.reason.startswith(f"{name} {reason}")


@pytest.mark.parametrize(
    "change",
    [
        lambda exi: with_session_id(exi, b"12345678"),
        lambda exi: with_time_stamp(exi, 2**64 - 1),
        lambda exi: with_value(exi, "ResponseCode", decode(exi).spans["ResponseCode"][0], "FAILED"),
    ],
    ids=["session id", "time stamp", "value"],
)
def test_changing_twice_is_changing_once(change: Callable[[bytes], bytes]) -> None:
    """The same change again changes nothing, and the original is left as it was."""
    exi = iso20_failure(bytes(8), "WARNING_NoCertificateAvailable", time_stamp=1)
    copy = bytes(bytearray(exi))
    changed = change(exi)
    assert changed != exi == copy
    assert change(changed) == changed
