"""What is looked out for while a page is open, and found."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser

from tests.operations.pages.browser.chromium import chromium, watched

POLICY = "default-src 'none'; script-src 'self'; img-src *"
PAGES = {
    "/": "<h1>Good</h1>",
    "/other-host": "<img src='http://127.0.0.2/x.png' alt=''>",
    "/policy": "<p style='color: red'>Red</p>",
    "/error": "<script src='/throws.js'></script>",
    "/missing": "<img src='/nowhere.png' alt=''>",
    "/throws.js": "throw new Error('thrown')",
}
WRONG = {
    "/other-host": "asked for http://127.0.0.2/x.png",
    "/policy": "Content Security Policy",
    "/error": "thrown",
    "/missing": "404",
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server whose pages are wrong in one thing each."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path in PAGES else 404)
            kind = "javascript" if self.path.endswith(".js") else "html"
            self.send_header("Content-Type", f"text/{kind}; charset=utf-8")
            self.send_header("Content-Security-Policy", POLICY)
            self.end_headers()
            text = "<!doctype html><link rel=icon href=/>" if kind == "html" else ""
            self.wfile.write((text + PAGES.get(self.path, "")).encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.handle_error = lambda *_: None  # of windows that were closed
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("path", ["/", "/nowhere"])
def test_nothing_is_wrong_with_a_good_page(browser: Browser, url: str, path: str) -> None:
    """Nor with one that tells of what is not there."""
    with watched(browser, url) as page:
        page.goto(path)


@pytest.mark.parametrize("path", WRONG)
def test_what_is_wrong_with_a_page_is_told(browser: Browser, url: str, path: str) -> None:
    """Another host that was asked, a policy that was broken, an error that nobody caught."""
    with pytest.raises(AssertionError) as raised, watched(browser, url) as page:
        page.goto(path)
    assert WRONG[path] in str(raised.value)


@pytest.mark.parametrize(
    ("required", "outcome"),
    [("", pytest.skip.Exception), ("1", pytest.fail.Exception)],
)
def test_without_chromium_the_reason_is_told(
    monkeypatch: pytest.MonkeyPatch, required: str, outcome: type[Exception]
) -> None:
    """Tests are skipped, and fail where it has been said that it must be there."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("CHROMIUM_REQUIRED", required)
    with pytest.raises(outcome, match="apt install chromium"), chromium():
        pass
