"""The pages as a whole: what browsers may do with them, and what happens when something fails."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from unittest.mock import patch

import pytest
from starlette.testclient import TestClient

from ccp.domain.errors import StoreBusy
from ccp.operations.pages.site import MOST_AT_ONCE
from ccp.store import Store
from tests.builders import BASE, EMAID_TEXT, PCID_TEXT, put_body
from tests.operations.pages.looking import Page, looking
from tests.running import SECONDS, wait_until

PAGES = {
    "/search": 200,
    "/search?q=x": 400,
    f"/contracts/{EMAID_TEXT}": 200,
    f"/vehicles/{PCID_TEXT}": 200,
    "/inspector": 200,
    "/nowhere": 404,
    "/static/nothing": 404,
}


@pytest.fixture(scope="module")
def operators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """They look at a pool with one contract."""
    with looking(tmp_path_factory.mktemp("pool")) as (api, operators):
        assert api.put(f"{BASE}/signedcontractdata", json=put_body()).status_code == 201
        yield operators


@pytest.mark.parametrize("path", PAGES)
def test_browsers_are_told_what_a_page_may_do(operators: TestClient, path: str) -> None:
    """It loads files of ours, and sends forms to us; it is framed and kept nowhere."""
    answer = operators.get(path)
    assert answer.status_code == PAGES[path]
    policy = answer.headers["content-security-policy"].split("; ")
    assert policy[0] == "default-src 'none'"
    assert not any("unsafe" in part or "*" in part or "data:" in part for part in policy)
    assert {"form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"} <= set(policy)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("path", PAGES)
def test_every_page_has_the_same_frame(operators: TestClient, path: str) -> None:
    """One heading of the first rank, a title, and nothing that is not allowed by the policy."""
    page = Page(operators.get(path))
    assert len(page.all("h1")) == len(page.all("main")) == len(page.all("title")) == 1
    for name, attributes, _ in page.elements:
        assert not {"style", "onclick", "onload"} & attributes.keys()
        assert name != "style"
        for attribute in ("href", "src", "action"):
            assert (attributes.get(attribute) or "/").startswith(("/", "#"))
    identifiers = [given["id"] for _, given, _ in page.elements if "id" in given]
    assert len(set(identifiers)) == len(identifiers)


def test_head_has_no_body(operators: TestClient) -> None:
    """And all headers of GET."""
    head, get = operators.head("/inspector"), operators.get("/inspector")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_pages_are_read_alone(operators: TestClient, method: str) -> None:
    """405, as a page."""
    answer = operators.request(method, "/inspector")
    assert answer.status_code == 405
    Page(answer)


def test_what_fails_is_not_told(operators: TestClient) -> None:
    """The page says no more than the API does."""
    with patch.object(Store, "find_by_emaid", side_effect=RuntimeError("secret")):
        answer = operators.get(f"/contracts/{EMAID_TEXT}")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert Page(answer).all("h1") == ["Internal Server Error"]


def test_a_busy_database_is_told(operators: TestClient) -> None:
    """503, with the words of the API."""
    with patch.object(Store, "find_by_emaid", side_effect=StoreBusy()):
        answer = operators.get(f"/contracts/{EMAID_TEXT}")
    assert answer.status_code == 503
    assert "The pool is busy; try again." in Page(answer).text
    assert answer.headers["retry-after"] == "1"


def test_pages_do_not_queue_without_end(operators: TestClient) -> None:
    """Who comes when very many wait is told so at once, and later gets in again."""
    released = Event()
    waiting = ThreadPoolExecutor(2 * MOST_AT_ONCE)
    path = f"/contracts/{EMAID_TEXT}"

    def find(*_: object) -> list[object]:
        released.wait(SECONDS)
        return []

    with patch.object(Store, "find_by_emaid", side_effect=find):
        try:
            asked = [waiting.submit(operators.get, path) for _ in range(2 * MOST_AT_ONCE)]
            # A file waits for no page: until there are as many it is answered.
            wait_until(lambda: operators.get("/static/icon.svg").status_code == 503)
            answer = operators.get("/inspector")
            assert answer.headers["retry-after"] == "1"
            Page(answer)
        finally:
            released.set()
            waiting.shutdown()
    statuses = [each.result().status_code for each in asked]
    assert sorted(statuses) == [404] * MOST_AT_ONCE + [503] * MOST_AT_ONCE
    assert operators.get("/inspector").status_code == 200
