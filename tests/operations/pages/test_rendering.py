"""What a page is filled with: whatever was sent, it says what it is and does nothing there."""

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from ccp.operations.pages.rendering import name_of
from ccp.pki.names import distinguished_name
from tests.operations.pages.looking import Page, looking


def test_what_cannot_be_seen_is_written_out(tmp_path: Path) -> None:
    """A change of direction would turn around what stands behind it too."""
    with looking(tmp_path) as (_, operators):
        answer = operators.get("/search", params={"q": "A\u202eB\u200bC\u2066Ü"})
    assert not {"\u202e", "\u200b", "\u2066"} & set(answer.text)
    assert r"A\u202eB\u200bC\u2066Ü is neither an EMAID" in Page(answer).text


def test_what_was_pasted_can_be_sent_again(tmp_path: Path) -> None:
    """Its lines are as they were."""
    with looking(tmp_path) as (_, operators):
        answer = operators.post("/inspector", files={"message": (None, "gJgC\r\n\tAAAA")})
    (given,) = (texts for name, _, texts in Page(answer).elements if name == "textarea")
    assert "".join(given) == "gJgC\r\n\tAAAA"


@pytest.mark.parametrize("common_name", ["Mallory", "Mallory, CN=V2G Root"])
@pytest.mark.parametrize("organization", ["x, CN=V2G Root", "x,CN=V2G Root", "x\\, CN=V2G Root"])
def test_nobody_is_called_by_a_part_of_another_name(common_name: str, organization: str) -> None:
    """A comma in a value parts nothing."""
    names = (NameOID.COMMON_NAME, common_name), (NameOID.ORGANIZATION_NAME, organization)
    name = x509.Name([x509.NameAttribute(oid, value) for oid, value in names])
    text = distinguished_name(name)
    assert name_of(text).replace("\\", "") in (common_name, text.replace("\\", ""))


@pytest.mark.parametrize(
    ("distinguished", "called"),
    [
        ("DC=V2G, CN=V2G Root CA A, O=CCP Workshop, C=DE", "V2G Root CA A"),
        ("CN=V2G Root, C=DE", "V2G Root"),
        ("O=Nobody, C=DE", "O=Nobody, C=DE"),
        ("CN=, O=Nobody", "CN=, O=Nobody"),
    ],
)
def test_a_name_is_that_of_its_holder(distinguished: str, called: str) -> None:
    """The common name, or all there is."""
    assert name_of(distinguished) == called
