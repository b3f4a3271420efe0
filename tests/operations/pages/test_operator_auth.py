"""Who may look: operators alone where the pool asks for tokens, else who reaches the address."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from httpx2 import Response
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from ccp.auth.tokens import make_tokens
from ccp.operations.pages.operator_auth import OperatorAuth
from tests.builders import NOW
from tests.conftest import make_settings
from tests.issuer import bearer, ec_key, jwt_settings
from tests.operations.pages.looking import Page, looking

PAGES = [
    "/",
    "/search?q=x",
    "/inspector",
    "/contracts/DEICEC00000001",
    "/vehicles/x",
    "/nowhere",
    "/loginx",
]
COOKIE = "ccp_operator"


@pytest.fixture(scope="module")
def operators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """They look at a pool that asks for tokens; nobody is in."""
    folder = tmp_path_factory.mktemp("pool")
    with looking(folder, **jwt_settings(folder, ec_key())) as (_, operators):
        yield operators


def log_in(operators: TestClient, token: str, following: str = "/") -> Response:
    """Send the form; the client keeps no cookie."""
    answer = operators.post("/login", params={"next": following}, data={"token": token})
    operators.cookies.clear()
    return answer


def with_cookie(token: str) -> dict[str, str]:
    """The header of a browser that has kept a token."""
    return {"Cookie": f"{COOKIE}={token}"}


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("kept", ["nothing", "none", "another role", "expired", "foreign"])
def test_nobody_else_gets_in(operators: TestClient, path: str, kept: str) -> None:
    """It leads to the form, which leads back; no page tells anything."""
    headers = {
        "nothing": {},
        "none": with_cookie("x"),
        "another role": with_cookie(ec_key().token(role="emsp", ids=["DEICE"])),
        "expired": with_cookie(ec_key().token(at=NOW - timedelta(days=1))),
        "foreign": with_cookie(ec_key("other").token()),
    }[kept]
    for method in ("GET", "POST"):
        answer = operators.request(method, path, headers=headers)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/login?next=%2F")
        assert answer.content == b""
    form = operators.get(answer.headers["location"])
    assert form.status_code == 200
    assert Page(form).all("h1") == ["Log in"]


@pytest.mark.parametrize("host", ["x/login", "x/static/", "x/login?", "x/login#"])
def test_a_host_header_opens_nothing(operators: TestClient, host: str) -> None:
    """It may look as if the path began in it; it is not a host (RFC 9112, 3.2)."""
    answer = operators.get("/", headers={"Host": host})
    assert (answer.status_code, answer.headers["content-type"]) == (
        400,
        "text/plain; charset=utf-8",
    )


def test_an_operator_gets_in(operators: TestClient) -> None:
    """With a cookie that no script reads and no other site can make a browser send."""
    token = ec_key().token(sub="Ada")
    answer = log_in(operators, token, "/search?q=DEICEC00000001")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/search?q=DEICEC00000001"
    name, *attributes = answer.headers["set-cookie"].split("; ")
    assert name == f"{COOKIE}={token}"
    assert set(attributes) == {"HttpOnly", "Path=/", "SameSite=strict"}
    page = Page(operators.get("/inspector", headers=with_cookie(token)))
    assert page.all("h1") == ["Inspector"]
    assert page.all("form", action="/logout") == ["Ada Log out"]


@pytest.mark.parametrize("path", ["/login", "/inspector", "/logout"])
def test_no_other_site_sends_forms(operators: TestClient, path: str) -> None:
    """It would log somebody in as another, or have a browser keep the pool busy."""
    for site, status in (("cross-site", 403), ("same-site", 403), ("same-origin", 303)):
        headers = {"Sec-Fetch-Site": site} | with_cookie(ec_key().token() if status == 403 else "x")
        answer = operators.post(path, data={"token": ec_key().token()}, headers=headers)
        operators.cookies.clear()
        assert answer.status_code == status
        assert status == 303 or "set-cookie" not in answer.headers


def test_over_tls_the_cookie_stays_there(operators: TestClient) -> None:
    """Secure, so that no plain request carries it."""
    secure = TestClient(operators.app, base_url="https://127.0.0.1:9", follow_redirects=False)
    answer = secure.post("/login", data={"token": ec_key().token()})
    assert "Secure" in answer.headers["set-cookie"].split("; ")


@pytest.mark.parametrize(
    ("token", "status", "said"),
    [
        ("", 401, "A valid access token is required."),
        ("nonsense", 401, "A valid access token is required."),
        (ec_key().token(role="cpo"), 403, "The access token is not an operator's."),
        (ec_key().token(at=NOW - timedelta(days=1)), 401, "The access token has expired."),
        (ec_key().token(more="x" * 4000), 401, "Of more than 3800 characters no browser keeps it."),
    ],
    ids=["none", "nonsense", "another role", "expired", "long"],
)
def test_who_does_not_get_in_is_told_why(
    operators: TestClient, token: str, status: int, said: str
) -> None:
    """On the form, without a cookie; what was sent does not come back."""
    answer = log_in(operators, token)
    assert answer.status_code == status
    assert said in Page(answer).text
    assert "set-cookie" not in answer.headers
    assert not token or token not in answer.text


@pytest.mark.parametrize(
    "following",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "/\r\nx: y",
    ],
)
def test_the_form_leads_nowhere_else(operators: TestClient, following: str) -> None:
    """Whoever makes the link to it."""
    assert log_in(operators, ec_key().token(), following).headers["location"] == "/"


def test_logging_out_forgets_the_token(operators: TestClient) -> None:
    """The cookie ends, and the form is shown."""
    answer = operators.post("/logout", headers=with_cookie(ec_key().token()))
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert (
        f'{COOKIE}=""; expires=' in answer.headers["set-cookie"]
        or "Max-Age=0" in (answer.headers["set-cookie"])
    )


def test_a_token_in_a_header_is_no_cookie(operators: TestClient) -> None:
    """These pages are for browsers."""
    answer = operators.get("/inspector", headers=bearer(ec_key().token()))
    assert answer.status_code == 303


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics", "/static/style.css"])
def test_what_tells_of_nobody_is_open(operators: TestClient, path: str) -> None:
    """Probes and Prometheus ask without a token."""
    assert operators.get(path).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:9", "", "127.0.0.1.evil.example"])
def test_no_other_name_reaches_this_machine(tmp_path: Path, host: str) -> None:
    """A page from elsewhere whose name leads here (DNS rebinding) sees nothing of the pool."""
    with looking(tmp_path) as (_, operators):
        answer = operators.get("/inspector", headers={"Host": host})
        assert answer.status_code == 403
        assert "These pages are for this machine alone" in Page(answer).text
        for own in ("127.0.0.1:9", "localhost:9", "localhost", "[::1]:9"):
            assert operators.get("/inspector", headers={"Host": own}).status_code == 200


@pytest.mark.parametrize("host", ["[", "[::1", "]"])
def test_what_is_no_host_is_no_name_of_this_machine(tmp_path: Path, host: str) -> None:
    """400, as for any malformed Host; it is no fault of the pool."""
    with looking(tmp_path) as (_, operators):
        assert operators.get("/inspector", headers={"Host": host}).status_code == 400


def test_it_is_the_path_that_counts(tmp_path: Path) -> None:
    """Not the URL that is made of it and a host; here that is the name of a Unix socket."""
    tokens = make_tokens(make_settings(tmp_path, **jwt_settings(tmp_path, ec_key())), lambda: NOW)
    inside: list[str] = []
    answers: list[Message] = []

    async def page(scope: Scope, _receive: Receive, _send: Send) -> None:
        inside.append(scope["path"])

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        answers.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/inspector",
        "query_string": b"",
        "headers": [],
        "server": ("/login.sock", None),
    }
    operator_auth = OperatorAuth(page, tokens=tokens, is_closed=lambda: False)
    asyncio.run(operator_auth(scope, receive, send))  # type: ignore[arg-type]
    assert not inside
    assert (b"location", b"/login?next=%2Finspector") in answers[0]["headers"]


def test_what_others_reach_by_accident_is_closed(tmp_path: Path) -> None:
    """As the API is: somebody has to say that it is meant; metrics and health are there."""
    everywhere = ("0.0.0.0", 9)  # noqa: S104 - nothing is bound
    with looking(tmp_path, address=everywhere) as (_, operators):
        answer = operators.get("/inspector")
        assert answer.status_code == 403
        assert "the pool needs CCP_AUTH=jwt, or CCP_AUTH=none in so many words" in Page(answer).text
        assert operators.get("/metrics").status_code == 200


def test_what_others_reach_on_purpose_is_open(tmp_path: Path) -> None:
    """CCP_AUTH=none said aloud; then whatever name it has."""
    everywhere = ("0.0.0.0", 9)  # noqa: S104 - nothing is bound
    with looking(tmp_path, address=everywhere, auth="none") as (_, operators):
        answer = operators.get("/inspector", headers={"Host": "pool.example"})
        assert answer.status_code == 200
