"""All that the pages can show, by name, and how somebody gets there."""

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Locator, Page, Response

from ccp.workshop import EDITION_2, EDITION_20, Edition
from tests.operations.pages.browser.chromium import watched
from tests.operations.pages.browser.furnished import CARS, CONTRACTS, Furnished
from tests.vectors import genuine_res

View = Callable[[Page, Furnished], Response | None]
"""Opens a page; returns what the pool has answered."""

UNKNOWN = "DE8AAC99999999"
"""An EMAID that nothing is stored under."""


@contextmanager
def logged_in(browser: Browser, pool: Furnished, **options: Any) -> Iterator[Page]:
    """Open a window of an operator of a pool; see `watched`."""
    with watched(browser, pool.url, **options) as page:
        page.context.add_cookies([pool.cookie])
        yield page


def inspect(page: Page, text: str) -> Response:
    """Paste something into the inspector, and send it."""
    page.goto("/inspector")
    page.get_by_label("Message", exact=True).fill(text)
    return sent(page)


def sent(page: Page) -> Response:
    """Press the inspector's button; what is answered."""
    return click(page.get_by_role("button", name="Inspect"))


def click(target: Locator) -> Response:
    """Use a link or a button that leads to another page; what is answered."""
    with target.page.expect_navigation() as navigation:
        target.click()
    return navigation.value


def contract_exi(pool: Furnished, edition: Edition) -> bytes:
    """A CertificateInstallationRes that has nothing wrong."""
    workshop = pool.workshops[edition]
    return workshop.contract(UNKNOWN, workshop.car(CARS[edition])).exi()


def request_exi(pool: Furnished, edition: Edition) -> bytes:
    """A CertificateInstallationReq that has nothing wrong."""
    workshop = pool.workshops[edition]
    return workshop.request(workshop.car(CARS[edition])).exi()


def _at(path: str) -> View:
    return lambda page, _: page.goto(path)


def _inspected(make: Callable[[Furnished], bytes]) -> View:
    return lambda page, pool: inspect(page, b64encode(make(pool)).decode())


VIEWS: Mapping[str, View] = {
    "at a glance": _at("/"),
    "search": _at("/search"),
    "not stored": _at(f"/search?q={UNKNOWN}"),
    "no identifier": _at("/search?q=nonsense"),
    "contract": _at(f"/contracts/{CONTRACTS[EDITION_2][-1]}"),
    "vehicle": _at(f"/vehicles/{CARS[EDITION_2]}"),
    "inspector": _at("/inspector"),
    "genuine message": _inspected(lambda _: genuine_res()),
    "request": _inspected(lambda pool: request_exi(pool, EDITION_20)),
    "cut off": _inspected(lambda _: genuine_res()[:2000]),
    "no message": lambda page, _: inspect(page, "certificate!"),
    "no page": _at("/nowhere"),
    "login": _at("/login"),
}
