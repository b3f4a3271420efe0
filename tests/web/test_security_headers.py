"""Every answer tells browsers what it is not."""

import base64
import hashlib
import re

import pytest

from ccp.web.security_headers import SecurityHeadersMiddleware
from tests.builders import BASE, EMAID_TEXT, put_body
from tests.web.asgi import call, scope

URL = f"{BASE}/signedcontractdata"
NOTHING = "default-src 'none'; frame-ancestors 'none'"
EVERYWHERE = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
}


def assert_headers(response, **more):
    """Hold an answer against what every answer has, and what this one has besides."""
    expected = EVERYWHERE | {name.replace("_", "-"): value for name, value in more.items()}
    assert {name: response.headers.get(name) for name in expected} == expected
    assert not re.search(r"\d", response.headers.get("server", "")), "a version"
    assert "strict-transport-security" not in response.headers  # over plain HTTP


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", URL),
        ("GET", f"{BASE}/contractData/emaid/{EMAID_TEXT}"),
        ("HEAD", f"{BASE}/contractData/emaid/{EMAID_TEXT}"),
        ("GET", f"{BASE}/contractData/emaid/x"),
        ("GET", "/nowhere"),
        ("BREW", URL),
        ("GET", f"{BASE}/openapi.json"),
        ("GET", f"{BASE}/openapi.yaml"),
        ("GET", f"{BASE}/ui"),
        ("GET", f"{BASE}/ui/nothing.js"),
    ],
)
def test_answers_load_nothing_and_are_not_kept(client, method, path):
    """Success, errors, redirects and the spec: nothing sniffed, framed, run or stored."""
    response = client.request(method, path, json=put_body(), follow_redirects=False)
    assert_headers(response, content_security_policy=NOTHING, cache_control="no-store")


def test_a_crash_has_them_too(client, monkeypatch):
    """So has an answer that nobody meant to give."""
    monkeypatch.setattr("ccp.store.Store.begin_put", lambda *_: 1 / 0)
    response = client.put(URL, json=put_body())
    assert response.status_code == 500
    assert_headers(response, content_security_policy=NOTHING, cache_control="no-store")


def test_a_body_that_is_too_large_has_them_too(empty_client):
    """So has what is refused before it is looked at."""
    response = empty_client.put(URL, content=b" " * 70_000)
    assert response.status_code == 413
    assert_headers(response, content_security_policy=NOTHING, cache_control="no-store")


@pytest.mark.parametrize(
    "name", ["swagger-ui.css", "swagger-ui-bundle.js", "swagger-ui-standalone-preset.js"]
)
def test_files_may_be_kept(empty_client, name):
    """What never changes and is no secret is not fetched each time."""
    response = empty_client.get(f"{BASE}/ui/{name}")
    assert response.status_code == 200
    assert_headers(response)
    assert "cache-control" not in response.headers


@pytest.mark.parametrize("name", ["", "index.html"])
def test_swagger_ui_runs_what_is_ours_alone(empty_client, name):
    """Its policy allows the pool's own files, and of what is inside the page this very text."""
    response = empty_client.get(f"{BASE}/ui/{name}")
    policy = dict(
        directive.strip().split(" ", 1)
        for directive in response.headers["content-security-policy"].split(";")
    )
    assert_headers(response, cache_control="no-store")
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in response.headers["content-security-policy"]
    assert "http" not in response.headers["content-security-policy"]
    for element in ("script", "style"):
        (inside,) = re.findall(f"<{element}>(.*?)</{element}>", response.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert policy[f"{element}-src"] == f"'self' 'sha256-{digest}'"
    assert not re.search(r"<[^>]+ (on\w+|style)=", response.text), "would need more than a hash"
    loaded = re.findall(r'(?:src|href)="([^"]+)"', response.text)
    assert loaded
    assert all(empty_client.get(f"{BASE}/ui/{file}").status_code == 200 for file in loaded)


def test_over_tls_there_is_no_way_back():
    """An answer over https tells browsers never to come in the clear again."""

    async def app(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})

    for scheme, told in (("https", True), ("http", False)):
        (start,) = call(SecurityHeadersMiddleware(app), scope(scheme=scheme))
        names = [name for name, _ in start["headers"]]
        assert (b"strict-transport-security" in names) is told


def test_what_an_answer_says_itself_stands():
    """No header is given twice."""

    async def app(_scope, _receive, send):
        own = [(b"content-security-policy", b"own"), (b"etag", b'"1"')]
        await send({"type": "http.response.start", "status": 200, "headers": own})

    (start,) = call(SecurityHeadersMiddleware(app), scope())
    names = [name for name, _ in start["headers"]]
    assert sorted(set(names)) == sorted(names)
    assert (b"content-security-policy", b"own") in start["headers"]
