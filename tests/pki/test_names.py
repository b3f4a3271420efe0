"""Distinguished names, as we write them and as cars do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccp.pki.names import distinguished_name, names_agree
from tests.builders import name

OURS = "CN=V2G Root CA QA G1, DC=V2G, O=Hubject GmbH, C=DE"


def test_a_name_is_written_as_the_published_example() -> None:
    """The order and the spaces are those of the published cpsRootDistinguishedName."""
    assert distinguished_name(name("CN=V2G Root CA QA G1,DC=V2G,O=Hubject GmbH,C=DE")) == OURS


@pytest.mark.parametrize(
    "given_name",
    [
        "CN=V2G Root CA QA G1,DC=V2G,O=Hubject GmbH,C=DE",
        "DC=V2G,C=DE,O=Hubject GmbH,CN=V2G Root CA QA G1",
        "C=DE; O=Hubject GmbH; DC=V2G; CN=V2G Root CA QA G1",
        "CN = V2G Root CA QA G1 , O = Hubject GmbH",
        "cn=v2g root ca qa g1",
        "CN=V2G  Root CA QA G1",
        "V2G Root CA QA G1",
        "<Name(C=DE,O=Hubject GmbH,DC=V2G,CN=V2G Root CA QA G1)>",
        "0.9.2342.19200300.100.1.25=V2G,CN=V2G Root CA QA G1",
        "OID.0.9.2342.19200300.100.1.25=V2G,CN=V2G Root CA QA G1",
    ],
)
def test_cars_write_one_name_in_many_ways(given_name: str) -> None:
    """Order, case, spaces, separators and left-out attributes do not matter."""
    assert names_agree(given_name, OURS)


@pytest.mark.parametrize(
    "given_name",
    [
        "",
        " ",
        ",",
        "CN=",
        "<Name()>",
        "CN=V2G Root CA QA G2",
        "CN=V2G Root CA QA G1,DC=V2G,O=Hubject GmbH,C=FR",
        "CN=V2G Root CA QA G1,OU=Unknown",
        "O=V2G Root CA QA G1",
        "Root",
    ],
)
def test_another_name_does_not_agree(given_name: str) -> None:
    """One attribute that is not ours makes another name, and nothing at all agrees with nothing."""
    assert not names_agree(given_name, OURS)


def test_an_escaped_comma_belongs_to_its_value() -> None:
    """RFC 4514 escapes a comma with a backslash, in ours and in the car's."""
    ours = distinguished_name(name("CN=Root,O=Hubject\\, Inc."))
    assert names_agree("O=Hubject\\, Inc.,CN=Root", ours)
    assert not names_agree("O=Hubject,CN=Root", ours)


@given(st.text(max_size=200))
def test_any_text_is_a_name_or_none(text: str) -> None:
    """A car may send anything: the comparison answers, it does not fail."""
    assert names_agree(text, OURS) in (True, False)
