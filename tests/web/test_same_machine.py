"""A pool on this machine without tokens: no web page elsewhere reaches it through a browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.datastructures import Headers
from starlette.testclient import TestClient

from ccp.app import create_app
from ccp.web.same_machine import SameMachineMiddleware, names_this_machine
from tests.builders import BASE, EMAID_TEXT, NOW, PCID_TEXT, put_body
from tests.conftest import make_settings
from tests.contract.conformance import assert_conforms, assert_error
from tests.issuer import bearer, ec_key, jwt_settings
from tests.web.asgi import call, scope

URL = f"{BASE}/signedcontractdata"
PAIR = f"{URL}/{EMAID_TEXT}/{PCID_TEXT}"
WRONG_HOST = (
    "The Host header has to be a loopback address or localhost, since this pool asks for no token."
    " For a pool behind a proxy, set CCP_TRUSTED_PROXIES or CCP_AUTH=jwt."
)
WRONG_SITE = (
    "A web page of another site may not write to this pool, since this pool asks for no token"
    " (Sec-Fetch-Site or Origin)."
)
WRITES = [
    ("POST", f"{PAIR}/setdefault"),
    ("DELETE", f"{URL}/{EMAID_TEXT}"),
    ("PUT", URL),
    ("POST", URL),
]


def client_of(folder: Path, address: str = "127.0.0.1:8080", **variables: str) -> TestClient:
    """A client that connects to an address; each answer is held against the spec."""
    app = create_app(make_settings(folder, **variables), clock=lambda: NOW)
    client: TestClient = app.test_client(base_url=f"http://{address}")
    client.event_hooks["response"] = [assert_conforms]
    return client


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of a pool at a loopback address without tokens, which has one contract."""
    with client_of(tmp_path_factory.mktemp("pool")) as client:
        assert client.put(URL, json=put_body()).status_code == 201
        yield client


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8080",
        "127.0.0.1.evil.example",
        "",
        "localhost.x",
        "[127.0.0.1]",
    ],
)
@pytest.mark.parametrize(
    ("method", "url"), [("GET", f"{BASE}/contractData/emaid/{EMAID_TEXT}"), *WRITES]
)
def test_request_under_another_host_is_refused(
    local: TestClient, method: str, url: str, host: str
) -> None:
    """DNS rebinding: the name in the page's own URL leads to 127.0.0.1."""
    assert_error(local.request(method, url, headers={"Host": host}), 403, WRONG_HOST)


@pytest.mark.parametrize(
    "host",
    [
        "[",
        "evil@127.0.0.1",
        "127.0.0.1/evil",
        "127.0.0.1?.evil.example",
        "127.0.0.1#.evil.example",
        "127.0.0.1:evil",
        "[::1%evil.example]",
    ],
)
def test_host_that_is_malformed_is_refused_by_both_checks(local: TestClient, host: str) -> None:
    """RFC 9112, 3.2 asks for 400, which comes first; SameMachineMiddleware alone refuses it too."""
    assert local.post(f"{PAIR}/setdefault", headers={"Host": host}).status_code == 400
    assert not names_this_machine(Headers({"host": host}))


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize(("method", "url"), WRITES)
def test_write_from_another_site_is_refused(
    local: TestClient, method: str, url: str, site: str
) -> None:
    """A form or script of another site, as `setdefault`, which needs no body."""
    assert_error(local.request(method, url, headers={"Sec-Fetch-Site": site}), 403, WRONG_SITE)


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://127.0.0.1:3000", "http://127.0.0.1:8080.evil.example"],
)
@pytest.mark.parametrize(("method", "url"), WRITES)
def test_write_with_another_origin_and_no_sec_fetch_site_is_refused(
    local: TestClient, method: str, url: str, origin: str
) -> None:
    """Browsers from before 2023 send Origin alone (Safari before 16.4)."""
    assert_error(local.request(method, url, headers={"Origin": origin}), 403, WRONG_SITE)


def test_write_with_two_sec_fetch_sites_is_refused(local: TestClient) -> None:
    """Each value counts, not the first alone."""
    headers = [("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "cross-site")]
    assert_error(local.post(f"{PAIR}/setdefault", headers=headers), 403, WRONG_SITE)


def test_origin_is_not_compared_behind_a_proxy(tmp_path: Path) -> None:
    """A proxy may replace Host by the address of the pool."""
    with client_of(tmp_path, trusted_proxies="127.0.0.1") as client:
        headers = {"Origin": "http://pool.example"}
        assert client.post(f"{PAIR}/setdefault", headers=headers).status_code == 404


def test_refused_write_changes_nothing(local: TestClient) -> None:
    """The contract is still there."""
    for headers in ({"Host": "evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        local.delete(f"{URL}/{EMAID_TEXT}", headers=headers)
    assert local.get(f"{BASE}/contractData/emaid/{EMAID_TEXT}").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Host": "localhost"},
        {"Host": "LOCALHOST:8080"},
        {"Host": "127.0.0.1"},
        {"Host": "[::1]:8080"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://127.0.0.1:8080"},
        {"Origin": "http://localhost", "Host": "LOCALHOST"},
        {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-origin"},
    ],
    ids=str,
)
def test_client_of_this_machine_is_served(local: TestClient, headers: dict[str, str]) -> None:
    """Plain clients, Swagger UI of this pool, and what a person types into a browser."""
    assert local.post(f"{PAIR}/setdefault", headers=headers).status_code == 200


def test_read_from_another_site_is_answered(local: TestClient) -> None:
    """A link to Swagger UI works; a script of the other site cannot read the answer (no CORS)."""
    answer = local.get(f"{BASE}/ui/", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers


def test_request_without_a_host_is_served() -> None:
    """HTTP/1.0 has none; each browser sends one."""
    served: list[str] = []

    async def app(given, _receive, _send):  # type: ignore[no-untyped-def]
        served.append(given["method"])

    middleware = SameMachineMiddleware(app, checks_host=True)
    call(middleware, scope("POST") | {"headers": []})
    call(middleware, scope("POST", server=("/run/pool.sock", None), headers=[(b"host", b"x")]))
    call(middleware, scope("POST", server=None, headers=[(b"host", b"x")]))
    assert served == ["POST"] * 3


@pytest.mark.parametrize(
    ("address", "variables", "status"),
    [
        ("10.0.0.5:8080", {}, 404),
        ("127.0.0.1:8080", {"host": "0.0.0.0", "auth": "none"}, 404),  # noqa: S104
        ("127.0.0.1:8080", {"trusted_proxies": "127.0.0.1"}, 404),
        ("127.0.0.1:8080", {"trusted_proxies": "unix"}, 404),
        ("127.0.0.1:8080", {"auth": "none"}, 403),
        ("[::1]:8080", {"host": "::1"}, 403),
    ],
    ids=str,
)
def test_host_is_checked_where_the_address_alone_protects_the_pool(
    tmp_path: Path, address: str, variables: dict[str, str], status: int
) -> None:
    """Not where others reach the pool anyway, nor behind a proxy, which knows the names."""
    with client_of(tmp_path, address, **variables) as client:
        answer = client.get(
            f"{BASE}/contractData/emaid/{EMAID_TEXT}", headers={"Host": "pool.example"}
        )
        assert answer.status_code == status


def test_pool_with_tokens_is_protected_by_them(tmp_path: Path) -> None:
    """A page elsewhere has no token; whatever the Host is, the operator may have meant it."""
    with client_of(tmp_path, **jwt_settings(tmp_path, ec_key())) as client:
        headers = {"Host": "pool.example", "Sec-Fetch-Site": "cross-site"}
        assert client.post(f"{PAIR}/setdefault", headers=headers).status_code == 401
        headers |= bearer(ec_key().token())
        assert client.post(f"{PAIR}/setdefault", headers=headers).status_code == 404
