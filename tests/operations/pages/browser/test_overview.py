"""Somebody looks at the pool as a whole."""

import pytest
from playwright.sync_api import Page

from tests.operations.pages.browser.conftest import OpenPage
from tests.operations.pages.browser.furnished import CONTRACTS, OTHERS, REFUSALS, Furnished

CARS = len(OTHERS) + sum(OTHERS.values())
STORED = sum(map(len, CONTRACTS.values())) + sum(OTHERS.values())
RECORDS = STORED + len(CONTRACTS)  # the last contract of each edition is there under two roots


@pytest.mark.parametrize("java_script", [True, False])
def test_what_is_stored_is_counted(open_page: OpenPage, java_script: bool) -> None:
    """Contracts, cars and records; and whose they are."""
    page = open_page(java_script_enabled=java_script)
    page.goto("/")
    totals = {
        one.get_by_role("term").inner_text(): one.get_by_role("definition").inner_text()
        for one in page.locator(".totals > div").all()
    }
    assert (totals["contracts"], totals["cars"], totals["records"]) == (
        str(STORED),
        str(CARS),
        str(RECORDS),
    )
    for name in ("eMSP", "OEM", "V2G root", "edition of ISO 15118"):
        table = page.get_by_role("table", name=f"Records by {name}", exact=True)
        numbers = table.get_by_role("row").locator("td:nth-of-type(1)").all_inner_texts()
        assert sum(map(int, numbers)) == RECORDS


def test_answers_to_cars_are_drawn_and_told(page: Page) -> None:
    """As a picture with a name, and as a table that unfolds, whose numbers add up."""
    page.goto("/")
    name = "Answers to CertificateInstallationReqs in the last 24 hours, by the hour"
    assert page.get_by_role("img", name=name).is_visible()
    figure = page.get_by_role("figure", name=name)
    figure.get_by_text("The same in numbers").click()
    table = figure.get_by_role("table", name=name)
    heads = table.get_by_role("columnheader").all_inner_texts()[1:]
    rows = [row.locator("td").all_inner_texts() for row in table.locator("tbody tr").all()]
    sums = [sum(map(int, column)) for column in zip(*rows, strict=True)]
    assert dict(zip(heads, sums, strict=True)) == {
        "served": CARS,
        "nothing found": len(OTHERS),
        "refused": REFUSALS * len(OTHERS),
        "failed": 0,
        "client gone": 0,
    }


def test_who_was_refused_is_found_by_trace_id(page: Page, pool: Furnished) -> None:
    """The latest first; each with its reason, and what its token says of the party."""
    page.goto("/")
    rows = page.get_by_role("table", name="The last ones of each reason").locator("tbody tr").all()
    shown = [row.locator("td").all_inner_texts() for row in rows]
    trace_ids = [cells[-1] for cells in shown]
    assert trace_ids[0] == pool.refused[-1]
    refused = [one for one in trace_ids if one in pool.refused]
    assert refused == [one for one in reversed(pool.refused) if one in trace_ids]
    assert "(400)" in shown[0][1]
    assert "token of cpo: DE8CP" in shown[0][3]
