"""Malformed input: one exception with a reason, in bounded time and memory."""

import tracemalloc
from contextlib import suppress
from random import Random

import pytest

from ccp.iso15118 import (
    ExiError,
    decode,
    encode,
    iso20_failure,
    sniff,
    with_session_id,
    with_time_stamp,
)
from tests.iso15118.bit_strings import (
    BYTE,
    HEADER,
    HEADER20,
    LETTER,
    REQ,
    RES,
    RES_HEADER20,
    SESSION20,
    UNSIGNED20,
    octets,
    unsigned,
)
from tests.iso15118.outcome import outcome
from tests.vectors import (
    genuine_res,
    iso20_requests,
    iso20_shapes,
    requests,
    shapes,
)
from tests.work import lines_of

REQUEST = requests()["WP0ZZZ99ZTS392124"].exi
REQUEST20 = iso20_requests()["WP0ZZZ99ZTS3921244"].exi
NAMED20 = {vector.name: vector.exi for vector in iso20_shapes()}
RES20 = NAMED20["res signed"]
FULL20 = NAMED20["res, every part of a signature"]
FAILURE20 = iso20_failure(bytes(8), "FAILED", time_stamp=1_760_000_000)
SMALL = [vector.exi for vector in shapes() if len(vector.exi) < 200]
SMALL20 = [vector.exi for vector in iso20_shapes() if len(vector.exi) < 400]
small = pytest.mark.parametrize("small", [SMALL, SMALL20], ids=["ISO 15118-2", "ISO 15118-20"])
long = pytest.mark.parametrize("exi", [genuine_res(), REQUEST20, RES20, FULL20], ids=len)
SIGNED_INFO = "01 01 01"  # Signature, SignedInfo, CanonicalizationMethod
METHODS = f"0 {LETTER} 01 0 0 {LETTER} 010"  # its Algorithm and end, SignatureMethod
REFERENCE = f"100 0 {LETTER} 01 0 0 {BYTE} 0 0"  # DigestMethod, DigestValue, ends
TRANSFORM = f"0 {LETTER} 010"  # Algorithm, end


WHOLE = [REQUEST, genuine_res(), *SMALL[:3], REQUEST20, RES20, FAILURE20, *SMALL20[:3]]
WHOLE += [NAMED20["issuer 日本"], NAMED20["EMAIDs of 1 and 255 characters"]]


@pytest.mark.parametrize("exi", WHOLE, ids=len)
def test_cut_off_anywhere(exi: bytes) -> None:
    """A message cut off at any byte is an error."""
    step = 1 if len(exi) < 1000 else 7
    for size in range(0, len(exi), step):
        assert outcome(exi[:size])


@pytest.mark.parametrize(
    "exi", [REQUEST, *SMALL[:6], FAILURE20, NAMED20["EMAIDs 8"], *SMALL20[:3]], ids=len
)
def test_any_bit_wrong(exi: bytes) -> None:
    """With any one bit wrong a message is valid still, or an error."""
    number = int.from_bytes(exi, "big")
    for bit in range(8 * len(exi)):
        outcome((number ^ 1 << bit).to_bytes(len(exi), "big"))


@long
def test_some_bits_wrong_in_a_long_message(exi: bytes) -> None:
    """With some bits of a long message wrong it is valid still, or an error."""
    number = int.from_bytes(exi, "big")
    for bit in range(0, 8 * len(exi), 17):
        outcome((number ^ 1 << bit).to_bytes(len(exi), "big"))


@small
def test_random_tails(small: list[bytes]) -> None:
    """Any bytes behind a plausible beginning are valid, or an error."""
    random = Random(2)  # noqa: S311
    for _ in range(2000):
        exi = random.choice(small)
        kept = random.randrange(2, len(exi))
        outcome(exi[:kept] + random.randbytes(random.randrange(60)))


@small
def test_random_changes(small: list[bytes]) -> None:
    """Bytes replaced, deleted or inserted give a valid message, or an error."""
    random = Random(3)  # noqa: S311
    for _ in range(2000):
        exi = bytearray(random.choice(small))
        for _ in range(random.randrange(1, 4)):
            place = random.randrange(2, len(exi))
            exi[place : place + random.randrange(3)] = random.randbytes(random.randrange(3))
        outcome(bytes(exi))


def test_random_bytes_end_in_no_other_error() -> None:
    """Sniffing and splicing any bytes raise nothing but ExiError."""
    random = Random(4)  # noqa: S311
    starts = [b"", b"\x80", b"\x80\x98", b"\x80\x98\2", b"\x80\x1c", b"\x80\x1c\4"]
    for start in [*starts, b"\x80\x20\4", FAILURE20[:11], FAILURE20[:17]]:
        for _ in range(500):
            exi = start + random.randbytes(random.randrange(40))
            sniff(exi)
            outcome(exi)
            for session_id in (b"\1", bytes(8)):
                with suppress(ExiError):
                    with_session_id(exi, session_id)
            with suppress(ExiError):
                with_time_stamp(exi, 2**64 - 1)


REQ20 = f"{HEADER20} {UNSIGNED20}"
CHAIN20 = f"{REQ20} 0 0 {LETTER} 0 0"  # up to the first certificate
ROOT20 = f"0 0 {LETTER} 0 0 0 0 {unsigned(1)} 0 0"
RES20_BEGIN = f"{RES_HEADER20} {UNSIGNED20} 0 0"  # up to ResponseCode
UP_TO_KEY20 = (  # up to DHPublicKey
    f"{RES20_BEGIN} 000000 0 0 0 00 0 0 0 0 {BYTE} 0 01 0 0 {LETTER}"
    f"0 0 0 {BYTE} 0 0 0 0 {BYTE} 0 01 0 0 0 0 0 0 0"
)
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
    "20: length 2^27": (
        octets(CHAIN20, unsigned(2**27)),
        "Certificate is cut off.",
    ),
    "20: length 2^60": (
        octets(CHAIN20, unsigned(2**60)),
        "Certificate has a number of more than 28 bits.",
    ),
    "20: string of 2^27": (octets(REQ20, "0 0", unsigned(2**27)), "Id is cut off."),
    "20: continued length": (
        octets(CHAIN20, "1" * 8 * 32700),
        "Certificate has a number of more than 28 bits.",
    ),
    "20: continued time stamp": (
        octets(f"10000000 000111 {SESSION20} 0 0", "1" * 8 * 32700),
        "TimeStamp has a number of more than 70 bits.",
    ),
    "20: continued serial": (
        octets(CHAIN20, BYTE, "0 01 0 0 0 0", LETTER, "0 0 0 0", "1" * 261600),
        "X509SerialNumber has a number of more than 259 bits.",
    ),
    "20: references": (
        octets(HEADER20, "00 01 01", METHODS, "0", REFERENCE, f"00 {REFERENCE}" * 4000),
        "SignedInfo has more than 32 items in a list.",
    ),
    "20: transforms": (
        octets(HEADER20, "00 01 01", METHODS, "0 011 0", TRANSFORM, f"00 {TRANSFORM}" * 9000),
        "Transforms has more than 32 items in a list.",
    ),
    "20: roots": (
        octets(CHAIN20, BYTE, "0 01 0 0", ROOT20, f"00 {ROOT20}" * 4000),
        "MaximumContractCertificateChains does not follow its schema",
    ),
    "20: long EMAIDs": (
        octets(
            CHAIN20,
            BYTE,
            "0 01 0 0",
            ROOT20,
            "01 0 0 00000001 0 00 0 0",
            unsigned(16372),
            unsigned(0xE9) * 16200,
        ),
        "EMAID is cut off.",
    ),
    "20: key of 2^27": (
        octets(
            UP_TO_KEY20,
            unsigned(2**27),
        ),
        "DHPublicKey is cut off.",
    ),
    "20: too large": (bytes([0x80, 0x1C]) + bytes(1 << 20), "The message has 1048578 bytes"),
    "20: long string that is refused": (
        octets(REQ20, "0 0", unsigned(16002), unsigned(0xE9) * 16000, "1"),
        "Certificate does not follow its schema",
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
    assert lines_of(lambda: outcome(exi)) < 2000 + 20 * min(len(exi), 32768)
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
    "character written long": (
        unsigned(3) + "11101001 10000001 00000000",
        "has a number that is longer than it need be.",
    ),
    "second character written long": (
        unsigned(4) + unsigned(0xE9) + "11101001 00000000",
        "has a number that is longer than it need be.",
    ),
    "long character": (unsigned(3) + unsigned(2**22), "has a number of more than 21 bits."),
}


@pytest.mark.parametrize("name", STRINGS)
def test_string(name: str) -> None:
    """A string that is none is refused."""
    bits, reason = STRINGS[name]
    for before, path in (
        (f"{HEADER} {REQ} 0", "V2G_Message/Body/CertificateInstallationReq/Id"),
        (f"{REQ20} 0 0", "CertificateInstallationReq/OEMProvisioningCertificateChain/Id"),
    ):
        error = outcome(octets(before, bits) + bytes(8))
        assert error
        assert error.reason == f"Id {reason}"
        assert error.path == path


@pytest.mark.parametrize(
    ("bits", "reason"),
    [
        (f"{HEADER} {RES} 0 0 11010", "ResponseCode has value number 26; there are 26."),
        (f"{RES20_BEGIN} 101000", "ResponseCode has value number 40; there are 40."),
        (f"{RES20_BEGIN} 111111", "ResponseCode has value number 63; there are 40."),
        (f"{RES20_BEGIN} 000000 0 0 0 11", "EVSEProcessing has value number 3; there are 3."),
    ],
)
def test_unknown_enumeration_code(bits: str, reason: str) -> None:
    """A code beyond the last value of an enumeration is refused."""
    error = outcome(octets(bits) + bytes(8))
    assert error
    assert error.reason == reason


def test_unknown_choice() -> None:
    """The fourth code of the choice of three private keys is no key."""
    key = f"10000101 00000001 {'0' * 8 * 133} 0"  # DHPublicKey
    error = outcome(octets(UP_TO_KEY20, key, "11") + bytes(300))
    assert error
    assert error.path == "CertificateInstallationRes/SignedInstallationData"
    assert error.reason.startswith("SignedInstallationData does not follow its schema")


def test_time_stamp_that_is_written_long_is_refused() -> None:
    """A time stamp with a superfluous group of zeros is refused: canonical EXI has none."""
    error = outcome(octets(f"10000000 000111 {SESSION20} 0 0 10000001 00000000") + bytes(300))
    assert error
    assert error.reason == "TimeStamp has a number that is longer than it need be."


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


@pytest.mark.parametrize(
    "exi", [next(iter(requests().values())).exi, genuine_res(), REQUEST20, RES20], ids=len
)
def test_what_decodes_is_what_would_be_encoded(exi: bytes) -> None:
    """No two byte strings mean one message: a mutant that decodes re-encodes to itself."""
    draw = Random(len(exi))  # noqa: S311
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
