"""Debian's Chromium without a screen; no browser is downloaded."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, WebError, sync_playwright

from tests.waiting import SECONDS

# It cannot even look up the name of another host.
_FLAGS = ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--disable-quic"]
_STATUS = "Failed to load resource: the server responded with a status of"
_MILLISECONDS = 1000 * SECONDS


@contextmanager
def chromium() -> Iterator[Browser]:
    """
    Start a Chromium that knows nothing of any other.

    While it runs, this thread has an event loop that runs: `asyncio.run` fails in it.

    Raises:
        pytest.skip.Exception: Chromium is not installed.
        pytest.fail.Exception: The same, where CHROMIUM_REQUIRED is set.
    """
    path = shutil.which("chromium")
    if path is None:
        refuse = pytest.fail if os.environ.get("CHROMIUM_REQUIRED") else pytest.skip
        refuse("Chromium is not installed: apt install chromium")
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(
            executable_path=path, args=_FLAGS, timeout=_MILLISECONDS
        ) as browser,
    ):
        yield browser


@contextmanager
def watched(browser: Browser, url: str, **options: Any) -> Iterator[Page]:
    """
    Open a window without cookies or cache; when it is left, nothing may have gone wrong in it.

    Args:
        url: Where the pool's pages are; what is opened is a path there.
        options: As `Browser.new_context` takes them.
    Raises:
        AssertionError: A page asked another host for something, broke its Content-Security-Policy,
            or had something else to complain of in the console.
    """
    context = browser.new_context(base_url=url, **options)
    context.set_default_timeout(_MILLISECONDS)
    wrong: list[str] = []
    opened: set[str] = set()

    def on_request(request: Request) -> None:
        if request.is_navigation_request():
            opened.add(request.url)
        if not request.url.startswith(f"{url}/"):
            wrong.append(f"asked for {request.url}")

    def on_console(message: ConsoleMessage) -> None:
        where, _, _ = message.location["url"].partition("#")
        is_status = message.text.startswith(_STATUS) and where in opened
        if message.type in ("error", "warning") and not is_status:  # a page may be a 404
            wrong.append(f"{where}: {message.text}")

    def on_error(error: WebError) -> None:
        wrong.append(str(error.error))

    context.on("request", on_request)
    context.on("console", on_console)
    context.on("weberror", on_error)
    try:
        yield context.new_page()
    finally:
        context.close()
    assert not wrong, "\n".join(wrong)
