"""Unknown paths are 404 and unknown methods 405, whatever Connexion's routers would do."""

import pytest

from ccp.domain.errors import PathNotFound
from ccp.web.routing import RoutingMiddleware
from tests.builders import BASE, EMAID_TEXT, PCID_TEXT, installation_res, put_body
from tests.contract.conformance import assert_error
from tests.web.asgi import call, scope

EMAID_PATTERN = 'emaid : must match "^[A-Za-z]{2}[-]?\\w{3}[-]?\\w{9,28}[-]?(\\w{1})?$"'
BY_EMAID = f"{BASE}/contractData/emaid/{EMAID_TEXT}"
PAIR = f"{BASE}/signedcontractdata/{EMAID_TEXT}/{PCID_TEXT}"
ALLOWED = {
    BY_EMAID: {"GET", "HEAD"},
    f"{BASE}/contractData/pcid/{PCID_TEXT}": {"GET", "HEAD"},
    f"{BASE}/signedcontractdata": {"PUT", "POST"},
    f"{BASE}/signedcontractdata/{EMAID_TEXT}": {"DELETE"},
    PAIR: {"GET", "HEAD"},
    f"{PAIR}/setdefault": {"POST"},
    f"{BASE}/openapi.json": {"GET", "HEAD"},
}
METHODS = {"GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"}


def no_path(path):
    """The message for an unknown path."""
    return f'There is no such path: "{path}". The page "/" links to the documentation.'


@pytest.mark.parametrize(
    "path",
    [
        "/openapi.json",
        "/favicon.ico",
        f"{BASE}X/signedcontractdata",
        f"{BASE}/contractData",
        f"{BASE}/contractdata/emaid/{EMAID_TEXT}",
        f"{PAIR}/setdefault/x",
        f"/x{BY_EMAID}",
        f"//{BASE}",
        f"/{BY_EMAID}",
        f"{BASE}//{BY_EMAID}",
        f"{BY_EMAID}//",
    ],
)
def test_unknown_path_is_named(empty_client, path):
    """A path that the spec does not have is 404, in the common shape, and not sent elsewhere."""
    url = f"http://testserver{path}"
    assert_error(empty_client.get(url, follow_redirects=False), 404, no_path(path))


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/x%0Ay%1B%5B31m", "/x%0Ay%1B%5B31m"),
        ("/%C3%BC?emaid=1", "/%C3%BC"),
        ("/%FF", "/%FF"),
        ("/" + "x" * 119, "/" + "x" * 119),
        ("/" + "x" * 120, "/" + "x" * 119 + "..."),
    ],
)
def test_unknown_path_is_shown_printable_and_bounded(empty_client, path, shown):
    """A message has no control character, and no more of a path than fits on a line or two."""
    assert_error(empty_client.get(path), 404, no_path(shown))


def test_unknown_path_in_raw_bytes_is_shown_printable():
    """A client may send bytes that it has not percent-encoded; a server may give no raw path."""
    for raw, path in ((b"/\xff\n", "/\ufffd\n"), (b"", "/\ufffd\n")):
        with pytest.raises(PathNotFound) as raised:
            call(RoutingMiddleware(None), scope(path=path, raw_path=raw))
        assert raised.value.messages[0].isascii()
        assert raised.value.messages[0].isprintable()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{BY_EMAID}/", 404),
        (f"{BASE}/contractData/pcid/{PCID_TEXT}/", 404),
        (f"{PAIR}/", 404),
        (f"{BASE}/contractData/emaid/x!/", 400),
    ],
)
def test_slash_at_the_end_makes_no_difference(empty_client, path, status):
    """The operation answers as without it."""
    messages = empty_client.get(path.removesuffix("/")).json()["errorMessages"]
    assert_error(empty_client.get(path, follow_redirects=False), status, *messages)


def test_slash_at_the_end_keeps_method_and_body(empty_client):
    """PUT, POST and DELETE too: a redirect could lose the body."""
    body = put_body(installation_res("DEICEC00000077"), emaid="DEICEC00000077")
    assert empty_client.put(f"{BASE}/signedcontractdata/", json=body).status_code == 201
    pair = f"{BASE}/signedcontractdata/DEICEC00000077/{PCID_TEXT}"
    assert empty_client.post(f"{pair}/setdefault/").status_code == 200
    assert empty_client.delete(f"{BASE}/signedcontractdata/DEICEC00000077/").status_code == 200
    assert empty_client.get(f"{BASE}/signedcontractdata/").status_code == 405


@pytest.mark.parametrize("code", ["%0A", "%0D", "%00", "%1B", "%C2%85", "%E2%80%A8"])
@pytest.mark.parametrize("path", [BY_EMAID, f"{BASE}/signedcontractdata/{EMAID_TEXT}"])
def test_control_character_in_an_emaid_is_the_patterns_400(empty_client, path, code):
    """The pattern refuses it, as any other character that it does not allow."""
    method = "GET" if path == BY_EMAID else "DELETE"
    assert_error(empty_client.request(method, path + code), 400, EMAID_PATTERN)


def test_control_character_in_a_pcid_is_the_patterns_400(empty_client):
    """A line feed behind 17 characters is not overlooked."""
    answer = empty_client.get(f"{BASE}/contractData/pcid/{PCID_TEXT[:17]}%0A")
    assert_error(answer, 400, 'pcid : must match "^[a-zA-Z0-9]{17,18}$"')


@pytest.mark.parametrize("slash", ["%2F", "%2f"])
def test_encoded_slash_parts_no_segments(empty_client, slash):
    """`%2F` does not turn a path of one operation into that of another."""
    path = f"{BASE}/signedcontractdata/{EMAID_TEXT}{slash}{PCID_TEXT}"
    assert_error(empty_client.get(path), 404, no_path(path))
    assert_error(empty_client.delete(path), 404, no_path(path))


@pytest.mark.parametrize("code", ["%FF", "%C3%9F", "%20", "%25", "%5C", "%D9%A5"])
def test_odd_character_in_a_segment_is_the_operations_matter(empty_client, code):
    """What can be printed reaches the operation, which refuses it by its pattern."""
    response = empty_client.get(BY_EMAID + code)
    assert_error(response, 400, EMAID_PATTERN)


@pytest.mark.parametrize(
    ("path", "method"),
    [(path, method) for path, allowed in ALLOWED.items() for method in sorted(METHODS - allowed)],
)
def test_method_that_the_path_has_not(empty_client, path, method):
    """405, with every method that the path has in `Allow`, OPTIONS no exception."""
    response = empty_client.request(method, path)
    assert response.status_code == 405
    assert set(response.headers["allow"].split(", ")) == ALLOWED[path]
    if method != "HEAD":
        assert_error(response, 405, "This path has no such method.")


@pytest.mark.parametrize("page", ["openapi.json", "openapi.yaml", "ui/", "ui/swagger-ui.css"])
def test_documentation_is_served(empty_client, page):
    """The spec and Swagger UI are there, beside the operations."""
    response = empty_client.get(f"{BASE}/{page}")
    assert response.status_code == 200
    assert response.content


def test_documentation_leads_from_ui_to_its_page(empty_client):
    """`/ui` is sent to `/ui/`, the one redirect there is."""
    response = empty_client.get(f"{BASE}/ui", follow_redirects=False)
    assert (response.status_code, response.headers["location"]) == (307, f"{BASE}/ui/")


@pytest.mark.parametrize(
    "page",
    ["ui/missing.js", "ui/../x", "ui/%2e%2e/openapi.json", "ui/..%2f..%2fsetup.py", "ui/a/b"],
)
def test_documentation_has_no_way_out(empty_client, page):
    """A file that Swagger UI has not is 404 in the common shape, wherever it may lie."""
    response = empty_client.get(f"{BASE}/{page}")
    assert response.status_code == 404
    assert set(response.json()) == {"errorMessages", "traceId"}
