"""A pool that asks for tokens asks for an operator's before it shows a page."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.operations.pages.browser.chromium import watched
from tests.operations.pages.browser.furnished import Furnished, token
from tests.operations.pages.browser.views import click


@pytest.fixture
def stranger(browser: Browser, pool: Furnished) -> Iterator[Page]:
    """A window of somebody who is not logged in."""
    with watched(browser, pool.url) as page:
        yield page


def log_in(page: Page, token: str) -> None:
    """Write a token into the form, and press Enter."""
    page.get_by_label("Access token").fill(token)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def heading(page: Page) -> str:
    """The main heading."""
    return page.get_by_role("heading", level=1).inner_text()


@pytest.mark.parametrize("path", ["/", "/inspector", "/search?q=DE8AAC00000001", "/nowhere"])
def test_a_stranger_is_asked_for_a_token(stranger: Page, path: str) -> None:
    """Whatever the page; of the pool nothing is told."""
    stranger.goto(path)
    assert heading(stranger) == "Log in"
    assert stranger.get_by_role("search").count() == 0


def test_an_operator_gets_in_and_out(stranger: Page, pool: Furnished) -> None:
    """To the page that was asked for; by a cookie that no script and no other site can use."""
    stranger.goto("/search?q=nonsense")
    log_in(stranger, token(sub="the operator"))
    assert stranger.url == f"{pool.url}/search?q=nonsense"
    assert stranger.get_by_text("the operator", exact=True).is_visible()
    (cookie,) = stranger.context.cookies()
    assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"], cookie["expires"]) == (
        "ccp_operator",
        True,
        "Strict",
        -1,  # until the browser is closed
    )
    assert stranger.evaluate("document.cookie") == ""
    click(stranger.get_by_role("button", name="Log out"))
    assert heading(stranger) == "Log in"
    assert stranger.context.cookies() == []
    stranger.goto("/inspector")
    assert heading(stranger) == "Log in"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (token(role="emsp", ids=["DE8AA"]), "operator's"),
        (token(aud="another pool"), "valid access token"),
        ("nonsense", "valid access token"),
        ("x" * 5_000, "3800 characters"),
    ],
    ids=["another role", "another audience", "none", "too long"],
)
def test_a_token_that_does_not_do_is_refused(stranger: Page, text: str, said: str) -> None:
    """With the reason; no cookie is kept, and the token is not in the page."""
    stranger.goto("/login")
    log_in(stranger, text)
    assert said in stranger.get_by_role("alert").inner_text()
    assert text not in stranger.content()
    assert stranger.context.cookies() == []
    assert stranger.get_by_label("Access token").is_visible()


@pytest.mark.parametrize(
    "target",
    [
        "https://127.0.0.2/",
        "//127.0.0.2/",
        "/\\127.0.0.2/",
        "/%09/127.0.0.2/",
        "javascript:alert(1)",
        "%20//127.0.0.2/",
    ],
)
def test_the_way_in_leads_nowhere_else(stranger: Page, pool: Furnished, target: str) -> None:
    """Whatever a link to the form says about what comes next, as browsers read it."""
    stranger.goto(f"/login?next={target}")
    log_in(stranger, token())
    assert stranger.url.startswith(f"{pool.url}/")
    assert stranger.get_by_role("button", name="Log out").is_visible()


def test_what_strangers_send_is_not_inspected(stranger: Page) -> None:
    """The inspector is behind the door too."""
    answer = stranger.request.post("/inspector", multipart={"message": "gJgA"})
    assert answer.url.endswith("/login?next=%2Finspector")
