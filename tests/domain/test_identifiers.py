"""EMAID, PCID, fingerprints, session ids, namespaces."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccp.domain.identifiers import (
    ISO_15118_2,
    ISO_15118_20,
    Emaid,
    Pcid,
    emaid_check_digit,
    parse_fingerprint,
    parse_namespace,
    parse_session_id,
)
from tests.contract.conformance import SPEC

# ISO 15118-2 Annex H, and EMAIDs with their check digits as real providers print them.
CHECK_DIGITS = {
    "NN123ABCDEFGHI": "T",
    "FRXYZ123456789": "2",
    "ITA1B2C3E4F5G6": "4",
    "ESZU8WOX834H1D": "R",
    "PT73902837ABCZ": "Z",
    "DE83DUIEN83QGZ": "D",
    "DE83DUIEN83ZGQ": "M",
    "DE8AA001234567": "0",
    "NLTNM000122045": "U",
    "GBTWK012345678": "V",
    "GBTWK123456789": "B",
    "CSKTH5U8TC90A1": "S",
    "IHRFRNPCZVPPVE": "W",
}
BODIES = st.text(string.digits + string.ascii_uppercase, min_size=14, max_size=14).filter(
    lambda text: text[:2].isalpha()
)


@pytest.mark.parametrize(("body", "digit"), CHECK_DIGITS.items())
def test_the_check_digit_is_that_of_annex_h(body: str, digit: str) -> None:
    """The check digit agrees with known EMAIDs."""
    assert emaid_check_digit(body) == digit


@pytest.mark.parametrize("body", ["", "DE8AA00123456", "DE8AA0012345678", "de8aa001234567"])
def test_a_check_digit_needs_fourteen_capitals_and_digits(body: str) -> None:
    """Anything but 14 characters of the alphabet is a ValueError, not a wrong digit."""
    with pytest.raises(ValueError, match=r"14 characters|not found"):
        emaid_check_digit(body)


@pytest.mark.parametrize(("body", "digit"), CHECK_DIGITS.items())
def test_an_emaid_with_and_without_check_digit_is_one_contract(body: str, digit: str) -> None:
    """The valid 15th character does not count, in whichever spelling."""
    hyphened = f"{body[:2]}-{body[2:5]}-{body[5:]}-{digit}"
    assert Emaid.parse(body) == Emaid.parse(body + digit) == Emaid.parse(hyphened.lower())
    assert hash(Emaid.parse(body)) == hash(Emaid.parse(hyphened))
    assert Emaid.parse(hyphened.lower()).text == body + digit


@given(BODIES, st.sampled_from(string.digits + string.ascii_uppercase))
def test_a_fifteenth_character_that_is_no_check_digit_is_part_of_the_emaid(
    body: str, last: str
) -> None:
    """Of all 36 possible last characters exactly the check digit is left out of the key."""
    same = Emaid.parse(body + last) == Emaid.parse(body)
    assert same == (last == emaid_check_digit(body))


def test_serial_emaids_of_real_pools_are_different_contracts() -> None:
    """EMP99CQATEST001 and …002 are two contracts: a check digit would make one of them wrong."""
    assert Emaid.parse("EMP99CQATEST001") != Emaid.parse("EMP99CQATEST002")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "DEICECOPNCCER",  # 13
        "D1ICECOPNCCERT",  # a digit in the country
        "DE-ICE-COPNCCERß",
        "DE-ICE-COPNCCER٣",  # an Arabic digit
        "DEICECOPNCCERT\n",
        " DEICECOPNCCERT",
        "DE--ICECOPNCCERT",
        "DEICE" + "C" * 32,  # 37
    ],
)
def test_what_does_not_match_the_pattern_is_no_emaid(text: str) -> None:
    """Letters and digits are ASCII, and nothing may follow the end."""
    with pytest.raises(ValueError, match="EMAID"):
        Emaid.parse(text)


def test_the_provider_id_is_country_and_provider() -> None:
    """The first five characters, normalised, name the owning eMSP."""
    assert Emaid.parse("de-ice-copnccert").provider_id == "DEICE"


def test_an_emaid_with_underscores_has_no_check_digit() -> None:
    """The pattern admits the underscore, the check digit's alphabet does not."""
    assert Emaid.parse("DE_IC_COPNCCER0").key == "DE_IC_COPNCCER0"


def test_a_pcid_is_compared_without_case_and_kept_as_given() -> None:
    """Two spellings are one car; each keeps its text."""
    given_text, other = Pcid.parse("wauzzz4b0cc012345"), Pcid.parse("WAUZZZ4B0CC012345")
    assert given_text == other
    assert hash(given_text) == hash(other)
    assert (given_text.text, given_text.wmi) == ("wauzzz4b0cc012345", "WAU")


@pytest.mark.parametrize(
    "text", ["", "A" * 16, "A" * 19, "A" * 16 + "_", "A" * 17 + "\n", "Ä" * 17]
)
def test_what_does_not_match_the_pattern_is_no_pcid(text: str) -> None:
    """17 or 18 ASCII letters and digits, and nothing else."""
    with pytest.raises(ValueError, match="PCID"):
        Pcid.parse(text)


@given(st.from_regex(SPEC["components"]["schemas"]["emaidParamV1"]["pattern"], fullmatch=True))
def test_every_emaid_of_the_spec_is_read(text: str) -> None:
    """The spec's pattern and the parser's are the same, ASCII and the length apart."""
    fits = text.isascii() and not text.endswith("\n") and 14 <= len(text) <= 36
    try:
        Emaid.parse(text)
    except ValueError:
        assert not fits
    else:
        assert fits


def test_a_fingerprint_is_lower_case() -> None:
    """64 hex digits in any case are one fingerprint; anything else is none."""
    assert parse_fingerprint("AB" * 32) == "ab" * 32
    for text in ("", "ab" * 31, "ab" * 33, "g" * 64, "a" * 64 + "\n"):
        with pytest.raises(ValueError, match="fingerprint"):
            parse_fingerprint(text)


def test_a_session_id_has_one_to_eight_bytes() -> None:
    """Whole bytes as hex, at most eight; anything else is none."""
    assert parse_session_id("00") == b"\0"
    assert parse_session_id("2a3dC6D75411F647") == bytes.fromhex("2A3DC6D75411F647")
    for text in ("", "0", "0g", "00" * 9, "0x00", " 00", "00\n", "٣٣"):
        with pytest.raises(ValueError, match="session id"):
            parse_session_id(text)


@pytest.mark.parametrize(
    ("text", "namespace"),
    [
        (ISO_15118_2, ISO_15118_2),
        ("urn:iso:15118:20:2020:MsgDef", ISO_15118_20),
        ("urn:iso:15118:20:2022:MsgDef", ISO_15118_20),
        ("urn:iso:std:iso:15118:-20:CommonMessages", ISO_15118_20),
        ("urn:nobody:knows", "urn:nobody:knows"),
    ],
)
def test_namespaces_in_the_spellings_of_the_wild(text: str, namespace: str) -> None:
    """ISO 15118-20 has three names in the field and one in the contract."""
    assert parse_namespace(text) == namespace
