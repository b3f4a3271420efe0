"""What holds for every page: valid, structured, for narrow windows, keyboards and all people."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from justhtml import JustHTML
from playwright.sync_api import Page

from tests.pages.browser.furnished import Furnished
from tests.pages.browser.views import VIEWS

STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
WIDE, PHONE, NARROWEST = ({"width": width, "height": 800} for width in (1280, 390, 320))
every_view = pytest.mark.parametrize("view", VIEWS)


@every_view
def test_its_html_is_valid(page: Page, pool: Furnished, view: str) -> None:
    """A parser of the HTML standard finds nothing; ids are unique, and what names one finds it."""
    answer = VIEWS[view](page, pool)
    assert answer
    assert answer.headers["content-security-policy"] == POLICY
    JustHTML(answer.text(), strict=True)
    ids = page.locator("[id]").evaluate_all("all => all.map(one => one.id)")
    named = page.locator("[href^='#'], [for], [aria-labelledby], [aria-describedby]").evaluate_all(
        """all => all.flatMap(one => ["href", "for", "aria-labelledby", "aria-describedby"]
           .map(name => one.getAttribute(name)).filter(value => value && !value.includes("/"))
           .flatMap(value => value.replace("#", "").split(" ")))"""
    )
    assert len(ids) == len(set(ids))
    assert set(named) <= set(ids)


@every_view
def test_it_has_one_of_each_landmark(page: Page, pool: Furnished, view: str) -> None:
    """One main heading, a title that says the same, banner, navigation, search, main, footer."""
    VIEWS[view](page, pool)
    heading = page.get_by_role("heading", level=1)
    assert page.title() == f"{heading.inner_text()} · Contract Certificate Pool"
    expected = {"banner": 1, "main": 1, "contentinfo": 1}
    expected |= dict.fromkeys(("navigation", "search"), 0 if view == "login" else 1)
    assert {role: page.locator("body").get_by_role(role).count() for role in expected} == expected


@every_view
def test_it_is_as_wide_as_the_window(open_page, pool: Furnished, view: str) -> None:
    """Nothing needs two directions of scrolling, at the width that WCAG 2.2, 1.4.10 names."""
    page = open_page(viewport=NARROWEST)
    VIEWS[view](page, pool)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROWEST["width"]


@every_view
def test_axe_finds_no_violation(page: Page, pool: Furnished, view: str) -> None:
    """Of WCAG 2.0 to 2.2, A and AA, and of best practices; wide and narrow, light and dark."""
    VIEWS[view](page, pool)
    options = {"runOnly": STANDARDS, "resultTypes": ["violations"]}
    reports = []
    for size in (WIDE, PHONE):
        for scheme in ("light", "dark"):
            page.set_viewport_size(size)
            page.emulate_media(color_scheme=scheme)
            found = Axe().run(page, options=options)
            assert len(found.response["passes"]) > 10
            if found.violations_count:
                reports.append(f"{size['width']}, {scheme}: {found.generate_report()}")
    assert not reports, "\n".join(reports)
