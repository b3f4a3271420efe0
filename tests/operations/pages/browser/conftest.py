"""One browser, and a pool for it to look at, for all tests in this folder."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Page

from tests.operations.pages.browser.chromium import chromium
from tests.operations.pages.browser.furnished import Furnished, furnished
from tests.operations.pages.browser.views import logged_in

OpenPage = Callable[..., Page]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium; it ends before tests of other folders, which run event loops of their own."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="package")
def pool(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Furnished]:
    """A pool to look at; none without a browser."""
    with furnished(tmp_path_factory.mktemp("pool")) as pool:
        yield pool


@pytest.fixture
def open_page(browser: Browser, pool: Furnished) -> Iterator[OpenPage]:
    """Opens windows of an operator who is logged in; *options* as `watched` takes them."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(logged_in(browser, pool, **options))


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """One such window."""
    return open_page()
