"""Malformed input: one exception with a reason, in bounded time and memory."""

import time
import tracemalloc
from contextlib import suppress
from random import Random

import pytest

from ccp.iso15118 import ExiError, decode, encode, sniff, with_session_id
from tests.iso15118.bit_strings import BYTE, HEADER, LETTER, REQ, RES, octets, unsigned
from tests.vectors import genuine_res, requests, shapes

REQUEST = requests()["WP0ZZZ99ZTS392124"].exi
SMALL = [vector.exi for vector in shapes() if len(vector.exi) < 200]
SIGNED_INFO = "01 01 01"  # Signature, SignedInfo, CanonicalizationMethod
METHODS = f"0 {LETTER} 01 0 0 {LETTER} 010"  # its Algorithm and end, SignatureMethod
REFERENCE = f"100 0 {LETTER} 01 0 0 {BYTE} 0 0"  # DigestMethod, DigestValue, ends
TRANSFORM = f"0 {LETTER} 010"  # Algorithm, end


def outcome(exi: bytes) -> ExiError | None:
    """The error that decoding *exi* ends in, checked; None if it is valid."""
    try:
        decoded = decode(exi)
    except ExiError as refusal:
        error = refusal
    else:
        encode(decoded)  # what is decoded is what its types allow
        return None
    assert error.reason.endswith(".")
    assert len(error.reason) < 200
    assert error.bit is None or 0 <= error.bit <= 8 * len(exi)
    return error


@pytest.mark.parametrize("exi", [REQUEST, genuine_res(), *SMALL[:3]], ids=len)
def test_cut_off_anywhere(exi: bytes) -> None:
    """A message cut off at any byte is an error."""
    step = 1 if len(exi) < 1000 else 7
    for size in range(0, len(exi), step):
        assert outcome(exi[:size])


@pytest.mark.parametrize("exi", [REQUEST, *SMALL[:6]], ids=len)
def test_any_bit_wrong(exi: bytes) -> None:
    """With any one bit wrong a message is valid still, or an error."""
    number = int.from_bytes(exi, "big")
    for bit in range(8 * len(exi)):
        outcome((number ^ 1 << bit).to_bytes(len(exi), "big"))


def test_some_bits_wrong_in_a_long_message() -> None:
    """With bits of the genuine message wrong it is valid still, or an error."""
    exi = genuine_res()
    number = int.from_bytes(exi, "big")
    for bit in range(0, 8 * len(exi), 17):
        outcome((number ^ 1 << bit).to_bytes(len(exi), "big"))


def test_random_tails() -> None:
    """Any bytes behind a plausible beginning are valid, or an error."""
    random = Random(2)  # noqa: S311
    for _ in range(2000):
        exi = random.choice(SMALL)
        kept = random.randrange(2, len(exi))
        outcome(exi[:kept] + random.randbytes(random.randrange(60)))


def test_random_changes() -> None:
    """Bytes replaced, deleted or inserted give a valid message, or an error."""
    random = Random(3)  # noqa: S311
    for _ in range(2000):
        exi = bytearray(random.choice(SMALL))
        for _ in range(random.randrange(1, 4)):
            place = random.randrange(2, len(exi))
            exi[place : place + random.randrange(3)] = random.randbytes(random.randrange(3))
        outcome(bytes(exi))


def test_random_bytes_end_in_no_other_error() -> None:
    """Sniffing and splicing any bytes raise nothing but ExiError."""
    random = Random(4)  # noqa: S311
    for start in (b"", b"\x80", b"\x80\x98", b"\x80\x98\2"):
        for _ in range(500):
            exi = start + random.randbytes(random.randrange(40))
            sniff(exi)
            outcome(exi)
            with suppress(ExiError):
                with_session_id(exi, b"\1")


BOMBS = {
    "length 2^27": (
        octets(HEADER, REQ, "0", LETTER, "0 0", unsigned(2**27)),
        "OEMProvisioningCert is cut off.",
    ),
    "length 2^60": (
        octets(HEADER, REQ, "0", LETTER, "0 0", unsigned(2**60)),
        "OEMProvisioningCert has a number of more than 28 bits.",
    ),
    "string of 2^27": (octets(HEADER, REQ, "0", unsigned(2**27)), "Id is cut off."),
    "continued length": (
        octets(HEADER, REQ, "0", LETTER, "0 0", "1" * 8 * 32700),
        "OEMProvisioningCert has a number of more than 28 bits.",
    ),
    "continued serial": (
        octets(HEADER, REQ, "0", LETTER, "0 0", BYTE, "0 0 0 0 0", LETTER, "0 0 0 0", "1" * 261600),
        "X509SerialNumber has a number of more than 259 bits.",
    ),
    "references": (
        octets(HEADER, SIGNED_INFO, METHODS, "0", REFERENCE, f"00 {REFERENCE}" * 4000),
        "SignedInfo has more than 32 items in a list.",
    ),
    "transforms": (
        octets(HEADER, SIGNED_INFO, METHODS, "0 011 0", TRANSFORM, f"00 {TRANSFORM}" * 9000),
        "Transforms has more than 32 items in a list.",
    ),
    "long string": (
        octets(HEADER, REQ, "0", unsigned(16372), unsigned(0xE9) * 16370),
        "OEMProvisioningCert is cut off.",
    ),
    "too large": (bytes([0x80, 0x98]) + bytes(1 << 20), "The message has 1048578 bytes"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bomb(name: str) -> None:
    """Promises of much that is not there cost little, and are refused by name."""
    exi, reason = BOMBS[name]
    error = outcome(exi)
    assert error
    assert error.reason.startswith(reason)
    start = time.perf_counter()
    outcome(exi)
    assert time.perf_counter() - start < 0.25  # some 50 times what it takes
    tracemalloc.start()
    outcome(exi)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 * 1024 + 30 * min(len(exi), 32768)


STRINGS = {
    "table hit 0": (unsigned(0), "refers to a string table, which ISO 15118 does not use."),
    "table hit 1": (unsigned(1), "refers to a string table, which ISO 15118 does not use."),
    "NUL": (unsigned(3) + unsigned(0), "has a character that does not exist in XML."),
    "surrogate": (unsigned(3) + unsigned(0xD800), "has a character that does not exist in XML."),
    "U+FFFF": (unsigned(3) + unsigned(0xFFFF), "has a character that does not exist in XML."),
    "U+110000": (unsigned(3) + unsigned(0x110000), "has a character that does not exist in XML."),
    "long character": (unsigned(3) + unsigned(2**22), "has a number of more than 21 bits."),
}


@pytest.mark.parametrize("name", STRINGS)
def test_string(name: str) -> None:
    """A string that is none is refused."""
    bits, reason = STRINGS[name]
    error = outcome(octets(HEADER, REQ, "0", bits) + bytes(8))
    assert error
    assert error.reason == f"Id {reason}"
    assert error.path == "V2G_Message/Body/CertificateInstallationReq/Id"


def test_unknown_enumeration_code() -> None:
    """A code beyond the last value of an enumeration is refused."""
    error = outcome(octets(HEADER, RES, "0 0 11010") + bytes(8))
    assert error
    assert error.reason == "ResponseCode has value number 26; there are 26."


def test_number_that_is_written_long_is_refused() -> None:
    """
    A length with a superfluous group of zeros is refused: canonical EXI has none.

    Else two messages that differ, even in what is signed, would decode to the same.
    """
    root = f"0 0 0 0 {LETTER} 0 0 0 0 {BYTE[:8]} 0 0"  # from the list's start
    ends = "01 0 0 0"  # of the list, the request, the Body, the message
    long = "10000011 00000000 01100001"
    sent, short = (
        octets(HEADER, REQ, "0", id_, "0 0", BYTE, "0", root, ends) for id_ in (long, LETTER)
    )
    assert encode(decode(short)) == short
    error = outcome(sent)
    assert error
    assert error.reason == "Id has a number that is longer than it need be."


@pytest.mark.parametrize("kind", ["req", "res"])
def test_what_decodes_is_what_would_be_encoded(kind: str) -> None:
    """No two byte strings mean one message: a mutant that decodes re-encodes to itself."""
    draw = Random(kind)  # noqa: S311
    exi = genuine_res() if kind == "res" else next(iter(requests().values())).exi
    survivors = 0
    for _ in range(1500):
        mutant = bytearray(exi)
        for _ in range(draw.randint(1, 3)):
            mutant[draw.randrange(len(mutant))] ^= 1 << draw.randrange(8)
        try:
            message = decode(bytes(mutant))
        except ExiError:
            continue
        survivors += 1
        assert encode(message) == bytes(mutant)
    assert survivors > 100
