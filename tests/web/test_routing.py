"""Unknown paths are 404 and unknown methods 405, whatever Connexion's routers would do."""

import pytest

from tests.builders import BASE, EMAID_TEXT, PCID_TEXT
from tests.contract.conformance import assert_error

NO_PATH = "There is no such path."
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


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/openapi.json",
        BASE,
        f"{BASE}/",
        f"{BASE}X/signedcontractdata",
        f"{BASE}/contractData",
        f"{BASE}/contractdata/emaid/{EMAID_TEXT}",
        f"{PAIR}/setdefault/x",
        f"/x{BY_EMAID}",
    ],
)
def test_unknown_path_is_told(empty_client, path):
    """A path that the spec does not have is 404, in the common shape."""
    assert_error(empty_client.get(path), 404, NO_PATH)


@pytest.mark.parametrize("path", [f"{BY_EMAID}/", f"/{BY_EMAID}", f"{BASE}//{BY_EMAID}"])
def test_slash_too_many_is_no_redirect(empty_client, path):
    """A trailing or a double slash is 404, not sent elsewhere."""
    assert_error(empty_client.get(path, follow_redirects=False), 404, NO_PATH)


@pytest.mark.parametrize("code", ["%0A", "%0D", "%00", "%1B", "%C2%85", "%E2%80%A8"])
def test_control_character_in_a_path_is_no_crash(empty_client, code):
    """What cannot be printed is 404, where a router's pattern would stumble over it."""
    assert_error(empty_client.get(BY_EMAID + code), 404, NO_PATH)


@pytest.mark.parametrize("slash", ["%2F", "%2f"])
def test_encoded_slash_parts_no_segments(empty_client, slash):
    """`%2F` does not turn a path of one operation into that of another."""
    path = f"{BASE}/signedcontractdata/{EMAID_TEXT}{slash}{PCID_TEXT}"
    assert_error(empty_client.get(path), 404, NO_PATH)
    assert_error(empty_client.delete(path), 404, NO_PATH)


@pytest.mark.parametrize("code", ["%FF", "%C3%9F", "%20", "%25", "%5C", "%D9%A5"])
def test_odd_character_in_a_segment_is_the_operations_matter(empty_client, code):
    """What can be printed reaches the operation, which refuses it by its pattern."""
    response = empty_client.get(BY_EMAID + code)
    assert_error(
        response, 400, 'emaid : must match "^[A-Za-z]{2}[-]?\\w{3}[-]?\\w{9,28}[-]?(\\w{1})?$"'
    )


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
    "page", ["ui/missing.js", "ui/..", "ui/%2e%2e/openapi.json", "ui/..%2f..%2fsetup.py", "ui/a/b"]
)
def test_documentation_has_no_way_out(empty_client, page):
    """A file that Swagger UI has not is 404 in the common shape, wherever it may lie."""
    response = empty_client.get(f"{BASE}/{page}")
    assert response.status_code == 404
    assert set(response.json()) == {"errorMessages", "traceId"}
