"""Forms: those of browsers are read, and no others cost more than they do."""

import codecs
from collections.abc import Iterator

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from tests.issuer import ec_key, jwt_settings
from tests.operations.pages.looking import Page, looking

PATHS = ["/inspector", "/login"]


@pytest.fixture(scope="module")
def operators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """They look at a pool that asks for tokens; one of them is in."""
    folder = tmp_path_factory.mktemp("pool")
    with looking(folder, **jwt_settings(folder, ec_key())) as (_, operators):
        operators.headers["Cookie"] = f"ccp_operator={ec_key().token()}"
        yield operators


def send(operators: TestClient, path: str, charset: str, value: bytes) -> Response:
    """Send a form with one field, in a charset of the sender's choice."""
    name = {"/inspector": "message", "/login": "token"}[path]
    head = f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode()
    headers = {"Content-Type": f"multipart/form-data; boundary=b{charset}"}
    return operators.post(path, content=head + value + b"\r\n--b--\r\n", headers=headers)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("charset", "value"),
    [
        ("punycode", b"a-" + b"zzzzb" * 13_000),
        ("idna", b"xn--" + b"a" * 65_000),
        ("undefined", b"x"),
        ("unicode_escape", b"\\ud800"),
        ("utf-7", b"AAAA+2AA-"),
    ],
)
def test_a_charset_of_the_sender_s_choice_is_refused(
    operators: TestClient, path: str, charset: str, value: bytes
) -> None:
    """Some of Python's take seconds for 64 KiB, others fail or give what is no text."""
    answer = send(operators, path, f"; charset={charset}", value)
    assert answer.status_code == 415
    assert "A form is written in UTF-8." in Page(answer).text


@pytest.mark.parametrize("path", PATHS)
def test_a_charset_of_the_sender_s_choice_is_not_even_looked_up(
    operators: TestClient, path: str
) -> None:
    """So it does not matter how long it would take to read what is written in it."""
    asked_for: list[str] = []
    search = asked_for.append
    codecs.register(search)
    try:
        with pytest.raises(LookupError):
            codecs.lookup("elder-futhark")
        assert send(operators, path, "; charset=younger-futhark", b"a").status_code == 415
    finally:
        codecs.unregister(search)
    assert asked_for == ["elder_futhark"]


@pytest.mark.parametrize("charset", ["", "; charset=utf-8", '; charset="UTF-8"'])
@pytest.mark.parametrize(("path", "status"), [("/inspector", 200), ("/login", 401)])
def test_what_browsers_send_is_read(
    operators: TestClient, path: str, status: int, charset: str
) -> None:
    """UTF-8, said or not; what is in it is another thing."""
    assert send(operators, path, charset, "ü".encode()).status_code == status


@pytest.mark.parametrize(("path", "name"), [("/inspector", "message"), ("/login", "token")])
def test_long_forms_are_sent_in_parts(operators: TestClient, path: str, name: str) -> None:
    """What is URL-encoded costs most, and all callers of the worker wait for it."""
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
    long, short = (f"{name}=".encode() + b"%" * size for size in (8192, 8000))
    answer = operators.post(path, content=long, headers=headers)
    assert answer.status_code == 413
    assert "has to be sent as multipart/form-data" in Page(answer).text
    assert operators.post(path, content=short, headers=headers).status_code in (400, 401)
