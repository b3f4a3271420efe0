"""One browser, and a pool for it to look at, for all tests in this folder."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.pages.browser.chromium import chromium, watched
from tests.pages.browser.furnished import Furnished, furnished

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

        def open_one(**options: Any) -> Page:
            page = stack.enter_context(watched(browser, pool.url, **options))
            page.context.add_cookies([pool.cookie])
            return page

        yield open_one


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """One such window."""
    return open_page()
