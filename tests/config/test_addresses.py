"""URLs that others give: which of them are asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccp.config.addresses import is_web_url


@pytest.mark.parametrize(
    "url",
    [
        "http://pki.example",
        "https://pki.example:8443/ocsp?a=b#c",
        "HTTP://PKI.example/ocsp",
        "http://192.0.2.1/",
        "http://[2001:db8::1]:80/",
        "http://pki.example/" + "x" * 2000,
    ],
)
def test_what_a_client_can_ask_is_a_web_url(url: str) -> None:
    """Of a host, by name or address."""
    assert is_web_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "pki.example",
        "ldap://pki.example",
        "file:///etc/passwd",
        "http://",
        "http:///ocsp",
        "http://pki.example:port",
        "http://pki.example:99999",
        "http://user:secret@pki.example",
        "http://[::1",
        "http://pki.example/a b",
        "http://pki.example/\r\nX: y",
        "http://pkí.example",
        "http://pki.example/" + "x" * 2048,
    ],
)
def test_what_is_none_is_not_one(url: str) -> None:
    """Other protocols, no host, secrets, and what would be more than one line."""
    assert not is_web_url(url)


@given(st.text())
def test_any_text_is_one_or_not(text: str) -> None:
    """No text is an error."""
    assert is_web_url(f"http://{text}") in (True, False)
