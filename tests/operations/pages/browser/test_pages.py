"""What holds for every page: valid, structured, for narrow windows, keyboards and all people."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from axe_playwright_python.sync_playwright import Axe
from justhtml import JustHTML
from playwright.sync_api import Browser, Locator, Page, Response

from tests.operations.pages.browser.furnished import Furnished
from tests.operations.pages.browser.views import VIEWS, logged_in

STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
WIDE, PAPER, PHONE, NARROWEST = 1280, 718, 390, 320
"""Pixels; what A4 has between its margins is about that of PAPER."""


class View(NamedTuple):
    """
    A page that is open, for all that does not change it.

    Attributes:
        answer: What the pool has answered.
    """

    name: str
    page: Page
    answer: Response


@pytest.fixture(scope="module", params=VIEWS)
def view(request: pytest.FixtureRequest, browser: Browser, pool: Furnished) -> Iterator[View]:
    """Each page in turn."""
    with logged_in(browser, pool) as page:
        answer = VIEWS[request.param](page, pool)
        assert answer
        yield View(request.param, page, answer)


def show(page: Page, width: int, scheme: str = "light", media: str = "screen") -> None:
    """Look at a page in another way."""
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme, media=media)


def fold(page: Page, *, is_open: bool) -> None:
    """Fold all that can be folded, or unfold it."""
    page.locator("details").evaluate_all(
        f"all => all.forEach(one => one.open = {str(is_open).lower()})"
    )


def has_focus(element: Locator) -> bool:
    """Whether it is what the keyboard writes to."""
    return bool(element.evaluate("one => one === document.activeElement"))


def test_its_html_is_valid(view: View) -> None:
    """A parser of the HTML standard finds nothing; ids are unique, and who names one finds it."""
    assert view.answer.headers["content-security-policy"] == POLICY
    JustHTML(view.answer.text(), strict=True)
    ids = view.page.locator("[id]").evaluate_all("all => all.map(one => one.id)")
    named = view.page.locator("*").evaluate_all(
        """all => all.flatMap(one => ["for", "aria-labelledby", "aria-describedby"]
             .flatMap(name => one.getAttribute(name)?.split(" ") ?? [])
             .concat(one.getAttribute("href")?.split("#").slice(1) ?? []))"""
    )
    assert len(ids) == len(set(ids))
    assert {"content"} <= set(named) <= set(ids)


def test_it_has_one_of_each_landmark(view: View) -> None:
    """A main heading, and a title that says the same; navigation and search, for who is in."""
    page = view.page
    heading = page.get_by_role("heading", level=1)
    assert page.title() == f"{heading.inner_text()} · Contract Certificate Pool"
    for role in ("banner", "main", "contentinfo"):
        assert page.get_by_role(role).count() == 1
    is_inside = view.name != "login"
    assert page.get_by_role("navigation", name="Pages").count() == is_inside
    assert page.get_by_role("search").count() == is_inside


def test_it_is_as_wide_as_the_window(view: View) -> None:
    """Nothing needs two directions of scrolling, at the width that WCAG 2.2, 1.4.10 names."""
    show(view.page, NARROWEST)
    fold(view.page, is_open=True)
    assert view.page.evaluate("document.documentElement.scrollWidth") <= NARROWEST


@pytest.mark.parametrize(
    ("width", "scheme", "is_open"), [(WIDE, "light", False), (PHONE, "dark", True)]
)
def test_axe_finds_no_violation(view: View, width: int, scheme: str, is_open: bool) -> None:
    """Of WCAG 2.0 to 2.2, A and AA, and of best practices."""
    show(view.page, width, scheme)
    fold(view.page, is_open=is_open)
    options = {"runOnly": STANDARDS, "resultTypes": ["violations"]}
    found = Axe().run(view.page, options=options)
    assert len(found.response["passes"]) > 20
    assert not found.violations_count, found.generate_report()


def test_it_is_all_within_reach_of_the_keyboard(view: View) -> None:
    """Tab leads to all that can be used, in the order of the page, and shows where it is."""
    show(view.page, WIDE)
    usable = view.page.evaluate(
        """() => {
          const all = "a[href], button, input, textarea, summary, [tabindex='0']";
          const usable = [...document.querySelectorAll(all)].filter(one => one.checkVisibility());
          window.reached = [];
          addEventListener("focusin", ({target}) => {
            const style = getComputedStyle(target);
            const ring = style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth);
            window.reached.push([usable.indexOf(target), ring >= 2]);
          });
          return usable.length;
        }"""
    )
    view.page.evaluate("scrollTo(0, 0)")
    view.page.mouse.click(1, 1)  # so that Tab begins at the top, not where a link has led to
    for _ in range(usable):
        view.page.keyboard.press("Tab")
    assert view.page.evaluate("window.reached") == [[index, True] for index in range(usable)]


def test_it_is_printed_without_what_is_for_screens(view: View) -> None:
    """No forms and no navigation; in black on white, within the sheet, and unfolded."""
    show(view.page, PAPER, "dark", "print")
    fold(view.page, is_open=False)
    assert view.page.evaluate("document.documentElement.scrollWidth") <= PAPER
    assert view.page.locator("nav:visible, form:visible, .der:visible").count() == 0
    assert view.page.get_by_role("heading", level=1).is_visible()
    folded = view.page.locator("details:not(.der) > code")
    assert all(one.is_visible() for one in folded.all())
    colours = "one => [getComputedStyle(one).color, getComputedStyle(one).backgroundColor]"
    black_on_white = ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
    assert view.page.locator("body").evaluate(colours) == black_on_white


def test_the_first_link_skips_the_navigation(page: Page) -> None:
    """It can be seen as soon as it has the focus, and leads to the content."""
    page.goto("/inspector")
    page.keyboard.press("Tab")
    link = page.get_by_role("link", name="Skip to the content")
    assert has_focus(link)
    box = link.bounding_box()
    assert box
    assert min(box["x"], box["y"]) >= 0
    page.keyboard.press("Enter")
    assert has_focus(page.get_by_role("main"))
    page.keyboard.press("Tab")
    assert has_focus(page.get_by_label("Message", exact=True))
