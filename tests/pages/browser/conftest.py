"""One browser, and a pool for it to look at, for all tests in this folder."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.pages.browser.chromium import chromium


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium; it ends before tests of other folders, which run event loops of their own."""
    with chromium() as browser:
        yield browser
