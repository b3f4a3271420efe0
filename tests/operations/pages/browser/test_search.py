"""Somebody looks for a contract or a car."""

import pytest
from playwright.sync_api import Page

from ccp.workshop import EDITION_2, EDITION_20
from tests.operations.pages.browser.furnished import CARS, CONTRACTS
from tests.operations.pages.browser.views import UNKNOWN, click

EMAID = CONTRACTS[EDITION_2][-1]
HOSTILE = "<img src=/x onerror=alert(1)>\"'&amp;"


def search(page: Page, text: str) -> None:
    """Write something into the field at the top, and press Enter."""
    page.goto("/inspector")
    page.get_by_label("EMAID or PCID").fill(text)
    with page.expect_navigation():
        page.keyboard.press("Enter")


@pytest.mark.parametrize(
    ("text", "heading"),
    [
        (EMAID, EMAID),
        (f" {EMAID.lower()} ", EMAID),
        (f"{EMAID[:2]}-{EMAID[2:5]}-{EMAID[5:]}", EMAID),
        (f"{EMAID[:2]} {EMAID[2:5].lower()} {EMAID[5:]}", EMAID),
        (CONTRACTS[EDITION_20][0].lower(), CONTRACTS[EDITION_20][0]),
        (CARS[EDITION_2].lower(), CARS[EDITION_2]),
        (f"{CARS[EDITION_20]} ", CARS[EDITION_20]),
    ],
)
def test_any_spelling_is_found(page: Page, text: str, heading: str) -> None:
    """The page of the contract or the car comes at once; the address can be kept."""
    search(page, text)
    assert page.get_by_role("heading", level=1).inner_text() == heading
    assert page.url.endswith(f"/{heading}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (UNKNOWN, "Nothing is stored under the EMAID"),
        (CARS[EDITION_2].replace("WAU", "ZZZ"), "Nothing is stored under the EMAID or PCID"),
        ("???", "is neither an EMAID"),
        (HOSTILE, "is neither an EMAID"),
    ],
)
def test_what_is_not_found_is_told(page: Page, text: str, said: str) -> None:
    """With what was asked for, as text, in the page and in the field, to be corrected."""
    search(page, text)
    assert page.get_by_role("main").get_by_text(said).is_visible()
    assert page.get_by_role("main").get_by_text(text, exact=True).is_visible()
    assert page.get_by_label("EMAID or PCID").input_value() == text
    assert page.locator("main img").count() == 0


def test_from_contract_to_car_and_back(page: Page) -> None:
    """The links between them; the car's default is marked, alone of its contracts."""
    search(page, EMAID)
    click(page.get_by_role("link", name=CARS[EDITION_2]).first)
    (default,) = page.get_by_role("row").filter(has_text="default").filter(has_text="★").all()
    assert default.get_by_role("link").inner_text() == CONTRACTS[EDITION_2][0]
    click(default.get_by_role("link"))
    assert page.get_by_role("heading", level=1).inner_text() == CONTRACTS[EDITION_2][0]
    assert page.get_by_text("the car's default contract").is_visible()


def test_a_contract_is_told_under_each_root(page: Page) -> None:
    """A section for each variant, which the links at the top lead to."""
    page.goto(f"/contracts/{EMAID}")
    for letter in ("A", "B"):
        name = f"ISO 15118-2 under V2G Root CA {letter}"
        page.get_by_role("link", name=name).click()
        section = page.get_by_role("region", name=name)
        assert section.get_by_role("heading", name=name).is_visible()
        assert section.get_by_text(f"CN=CPS {letter},").first.is_visible()
