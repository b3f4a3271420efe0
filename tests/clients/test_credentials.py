"""How the pool proves who it is: static tokens, and tokens that are fetched."""

import asyncio
import ssl
import threading
from base64 import b64decode
from urllib.parse import parse_qs

import pytest

from ccp.clients import credentials as credentials_module
from ccp.clients.credentials import ClientCredentials, StaticToken, read_credentials
from ccp.clients.http import HttpClient, RequestFailed
from ccp.config.settings import SettingsInvalid
from tests.clients.scripted import GONE, Says, scripted
from tests.waiting import NEVER, SECONDS

PEER, OTHER = "https://peer.example/opnc/v1/ccp", "https://other.example/opnc/v1/ccp"
TLS = ssl.create_default_context()


def read(tmp_path, text, *services):
    """Read a file with this text."""
    file = tmp_path / "credentials.toml"
    file.write_text(text)
    return read_credentials(str(file), services or (PEER, OTHER))


def client_credentials(service, monotonic, **members):
    """Credentials that are fetched from a scripted service."""
    section = {
        "token_endpoint": f"{service.root}/token",
        "client_id": "pool a",
        "client_secret": "s:e&cret",
        "token_endpoint_auth_method": "client_secret_basic",
    }
    return ClientCredentials(section | members, monotonic)


def headers_of(*credentials, times=1):
    """What they send, each asked so many times at once."""

    async def scenario():
        async with HttpClient(TLS, connections=5, max_bytes=1000) as client:
            asking = [one.headers(client) for one in credentials for _ in range(times)]
            return await asyncio.gather(*asking)

    return asyncio.run(scenario())


def bearer(token):
    """The headers with a token."""
    return {"Authorization": f"Bearer {token}"}


def test_a_section_is_for_the_service_that_it_names(tmp_path):
    """A slash at its end makes no difference; a service without a section gets no token."""
    credentials = read(tmp_path, f'["{PEER}/"]\ntoken = "abc"\n')
    assert headers_of(credentials[PEER], credentials[OTHER]) == [bearer("abc"), {}]


def test_no_file_is_no_token():
    """A service may need no token."""
    assert headers_of(*read_credentials("", [PEER]).values()) == [{}]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('["https://nobody.example"]\ntoken = "x"', "a section is of no service of this pool"),
        ('"geheim" = "https://peer.example"', "a section is of no service of this pool"),
        (f'["{PEER}"]\ngeheim = "token"', f"{PEER}: it Unknown field."),
        (f'["{PEER}"]\ntoken = "x"\n["{PEER}/"]\ntoken = "y"', "two sections of one service"),
        (f'["{PEER}"]\ntoken = ' + "[" * 5000, "is no TOML"),
        (f'["{PEER}"]', f"{PEER}: it has either token, or token_endpoint"),
        (f'["{PEER}"]\ntoken = ""', f"{PEER}: token "),
        (f'["{PEER}"]\ntoken = "a\\nb"', f"{PEER}: token "),
        (f'["{PEER}"]\ntoken = "x"\nscope = "y"', f"{PEER}: it has either"),
        (f'["{PEER}"]\ntokn = "x"', f"{PEER}: it Unknown field."),
        (f'["{PEER}"]\nclient_id = "x"\nclient_secret = "geheim"', f"{PEER}: it has either"),
        (
            f'["{PEER}"]\ntoken_endpoint = "http://issuer.example"\nclient_id = "a"\n'
            'client_secret = "geheim"',
            f"{PEER}: token_endpoint must be an https URL",
        ),
        (f'"{PEER}" = "geheim"', f"{PEER}: it Invalid input type."),
        ('token = "geheim', "is no TOML"),
    ],
)
def test_a_wrong_file_is_told(tmp_path, text, told):
    """Which section and what, but no secret."""
    with pytest.raises(SettingsInvalid) as caught:
        read(tmp_path, text)
    assert told in str(caught.value)
    assert "geheim" not in str(caught.value)


def test_everything_wrong_is_told_at_once(tmp_path):
    """A line for each section."""
    with pytest.raises(SettingsInvalid) as caught:
        read(tmp_path, f'["{PEER}"]\n["{OTHER}"]\n["https://nobody.example"]')
    assert len(str(caught.value).splitlines()) == 3


def test_a_file_that_is_not_there_is_told(tmp_path):
    """Its name is in the error."""
    with pytest.raises(SettingsInvalid, match=r"nothing\.toml: No such file"):
        read_credentials(str(tmp_path / "nothing.toml"), [PEER])


def test_a_token_is_fetched_with_client_credentials(monotonic):
    """RFC 6749, 4.4, with the client's name and secret in a Basic header (2.3.1)."""
    with scripted(Says(body={"access_token": "T1", "token_type": "Bearer"})) as issuer:
        assert headers_of(client_credentials(issuer, monotonic, scope="ccp")) == [bearer("T1")]
    (asked,) = issuer.asked
    assert asked.path == "/token"
    assert parse_qs(asked.body.decode()) == {"grant_type": ["client_credentials"], "scope": ["ccp"]}
    scheme, _, pair = asked.headers["authorization"].partition(" ")
    assert (scheme, b64decode(pair)) == ("Basic", b"pool+a:s%3Ae%26cret")


def test_an_issuer_may_want_the_secret_in_the_form(monotonic):
    """client_secret_post, and an audience, as some want it."""
    with scripted(Says(body={"access_token": "T1", "token_type": "bearer"})) as issuer:
        method = {"token_endpoint_auth_method": "client_secret_post", "audience": "https://peer"}
        assert headers_of(client_credentials(issuer, monotonic, **method)) == [bearer("T1")]
    (asked,) = issuer.asked
    assert parse_qs(asked.body.decode()) == {
        "grant_type": ["client_credentials"],
        "audience": ["https://peer"],
        "client_id": ["pool a"],
        "client_secret": ["s:e&cret"],
    }
    assert "authorization" not in asked.headers


def test_a_token_is_kept_while_it_is_valid(monotonic):
    """One request for many that need it, at once and later; a new one before it expires."""
    tokens = iter(["T1", "T2"])
    answer = {"token_type": "Bearer", "expires_in": 100}
    with scripted(lambda _: Says(body=answer | {"access_token": next(tokens)})) as issuer:
        credentials = client_credentials(issuer, monotonic)
        assert headers_of(credentials, times=5) == [bearer("T1")] * 5
        monotonic.now += 69
        assert headers_of(credentials) == [bearer("T1")]
        assert len(issuer.asked) == 1
        monotonic.now += 2
        assert headers_of(credentials) == [bearer("T2")]


def test_a_token_that_is_refused_is_fetched_anew(monotonic):
    """Its issuer may have changed its keys; one that somebody wrote down stays."""
    tokens = iter(["T1", "T2"])
    with scripted(lambda _: Says(body={"access_token": next(tokens)})) as issuer:
        credentials = client_credentials(issuer, monotonic)
        (first,) = headers_of(credentials)
        assert credentials.refused(first)
        (second,) = headers_of(credentials)
        assert (first, second) == (bearer("T1"), bearer("T2"))
        assert credentials.refused(first)  # a late word of the old one is none of the new one
        assert headers_of(credentials) == [second]
    assert not StaticToken("abc").refused(bearer("abc"))


def test_a_token_is_fetched_for_the_next_one_too(monotonic):
    """A request that waits no longer, as another pool has answered, leaves the fetch going on."""

    async def scenario(credentials):
        async with HttpClient(TLS, connections=5, max_bytes=1000) as client:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await credentials.headers(client)
            released.set()
            return await credentials.headers(client)

    released = threading.Event()

    def answer(_):
        released.wait(SECONDS)
        return Says(200, {"access_token": "T1"})

    with scripted(answer) as issuer:
        assert asyncio.run(scenario(client_credentials(issuer, monotonic))) == bearer("T1")
    assert len(issuer.asked) == 1


@pytest.mark.parametrize(
    "says",
    [
        Says(401, {"error": "invalid_client"}),
        Says(302, b"", {"Location": "http://127.0.0.1:1/"}),
        Says(200, b"<html>"),
        Says(200, []),
        Says(200, {}),
        Says(200, {"access_token": 5}),
        Says(200, {"access_token": "a\r\nX: y"}),
        Says(200, {"access_token": "x", "token_type": "mac"}),
        Says(200, {"access_token": "x", "token_type": None}),
        Says(200, {"access_token": "x", "expires_in": "soon"}),
        Says(200, {"access_token": "x", "expires_in": "nan"}),
        Says(200, {"access_token": "x", "expires_in": "inf"}),
        Says(200, {"access_token": "x" * 100_000}),
        Says(GONE),
        Says(200, {"access_token": "x"}, after=NEVER),
    ],
)
def test_an_issuer_that_fails_is_told(monotonic, monkeypatch, says):
    """Whatever it answers, there is a token or a reason."""
    monkeypatch.setattr(credentials_module, "_FETCH_SECONDS", 1 if says.after else SECONDS)
    with scripted(says) as issuer, pytest.raises(RequestFailed):
        headers_of(client_credentials(issuer, monotonic))
