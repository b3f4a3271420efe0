"""Rules of HTTP/1.1 about the request's target, Host and Transfer-Encoding."""

from typing import Any

import pytest

from ccp.web.http_rules import AbsoluteFormMiddleware, find_violation
from tests.web.asgi import call, scope


def seen(request: dict[str, Any]) -> dict[str, Any]:
    """The scope behind AbsoluteFormMiddleware."""
    found = {}

    async def app(scope: dict[str, Any], _receive: object, _send: object) -> None:
        found.update(scope)

    call(AbsoluteFormMiddleware(app), request)
    return found


@pytest.mark.parametrize(
    ("target", "host", "path"),
    [
        ("http://pool.example/opnc/v1", "pool.example", "/opnc/v1"),
        ("HTTPS://pool.example:8443/opnc/v1", "pool.example:8443", "/opnc/v1"),
        ("http://[2001:db8::1]:80/a", "[2001:db8::1]:80", "/a"),
        ("http://pool.example", "pool.example", "/"),
        ("http://pool.example//a", "pool.example", "//a"),
        ("http://pool.example/http://other/a", "pool.example", "/http://other/a"),
    ],
)
def test_absolute_form_is_served_as_its_path_and_host(target: str, host: str, path: str) -> None:
    """The Host header is ignored then (RFC 9112, 3.2.2)."""
    headers = [(b"accept", b"*/*"), (b"host", b"127.0.0.1")]
    found = seen(scope(path=target, headers=headers))
    assert (found["path"], found["raw_path"]) == (path, path.encode())
    assert found["headers"] == [(b"accept", b"*/*"), (b"host", host.encode())]


@pytest.mark.parametrize(
    ("version", "headers"), [("1.0", [(b"host", b"pool.example")]), ("1.1", [])]
)
def test_absolute_form_without_host_gets_one_only_in_http_1_0(
    version: str, headers: list[tuple[bytes, bytes]]
) -> None:
    """Checks of Host see the host of the URL; HTTP/1.1 without Host stays an error."""
    request = scope(path="http://pool.example/", http_version=version) | {"headers": []}
    assert seen(request)["headers"] == headers


def test_absolute_form_with_escapes_keeps_both_forms_of_the_path() -> None:
    """What is decoded and what is not are cut at the same place."""
    found = seen(scope(path="http://p/a b", raw_path=b"http://p/a%20b"))
    assert (found["path"], found["raw_path"]) == ("/a b", b"/a%20b")


@pytest.mark.parametrize(
    "target", ["/http://p/a", "*", "ftp://p/a", "http://user@p/a", "http:/p/a", "pool.example:443"]
)
def test_other_targets_are_left_as_they_are(target: str) -> None:
    """An origin-form, and what is no URL of HTTP (RFC 9110, 4.2.4: no user information)."""
    request = scope(path=target)
    assert seen(dict(request)) == request


HOST = "HTTP/1.1 requires exactly one Host header."
VALUE = "The Host header must be a host name or address, with or without a port."
CODING = "The only Transfer-Encoding that is supported is a single chunked."


@pytest.mark.parametrize(
    ("version", "headers", "violation"),
    [
        ("1.1", [], HOST),
        ("1.1", [(b"host", b"a"), (b"host", b"a")], HOST),
        ("1.0", [], None),
        *(
            ("1.1", [(b"host", host)], None)
            for host in (b"", b"pool", b"pool.example:80", b"127.0.0.1:", b"[::1]:8080", b"a_b")
        ),
        *(
            ("1.1", [(b"host", host)], VALUE)
            for host in (b"a b", b"a/b", b"a@b", b"a:b", b"[::1", b"http://a", b"\xff", b"a,b:1:2")
        ),
        *(
            ("1.1", [(b"host", b"a"), *((b"transfer-encoding", one) for one in codings)], None)
            for codings in ([b"chunked"], [b"Chunked"])
        ),
        *(
            ("1.1", [(b"host", b"a"), *((b"transfer-encoding", one) for one in codings)], CODING)
            for codings in (
                [b"gzip, chunked"],
                [b"gzip", b"chunked"],
                [b"identity, chunked"],
                [b"chunked, chunked"],
                [b"chunked", b"chunked"],
                [b"identity"],
                [b""],
            )
        ),
    ],
)
def test_find_violation_returns_the_broken_rule(
    version: str, headers: list[tuple[bytes, bytes]], violation: str | None
) -> None:
    """RFC 9112, 3.2 and 6.1."""
    request = scope(http_version=version) | {"headers": headers}
    assert find_violation(request) == violation
