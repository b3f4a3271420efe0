"""The settings: defaults, what is refused, and that the README tells them all."""

import re
from pathlib import Path

import pytest

from ccp.config.settings import Settings, SettingsInvalid, Variables, server_settings

README = Path(__file__).parents[2] / "README.md"


def test_no_settings_are_good_settings() -> None:
    """With an empty environment a pool serves on loopback, strictly, with a database here."""
    settings = Settings.from_environment({"PATH": "/bin"})
    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert settings.database_path == Path("ccp.db")
    assert not settings.lab


def test_all_that_is_wrong_is_told_together() -> None:
    """One error names every bad value and every misspelt variable."""
    with pytest.raises(SettingsInvalid) as raised:
        Settings.from_environment(
            {
                "CCP_PORT": "eighty",
                "CCP_WORKERS": "0",
                "CCP_DATABASE_URL": "postgres://x",
                "CCP_CHECKS": "lax",
                "CCP_AUTH": "token",
                "CCP_HOTS": "127.0.0.1",
            }
        )
    lines = str(raised.value).splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "CCP_AUTH",
        "CCP_CHECKS",
        "CCP_DATABASE_URL",
        "CCP_HOTS",
        "CCP_PORT",
        "CCP_WORKERS",
    ]


JWT = {
    "CCP_AUTH": "jwt",
    "CCP_JWT_ISSUER": "https://issuer.example",
    "CCP_JWT_AUDIENCE": "ccp",
    "CCP_JWT_KEYS": "jwks.json",
}


def problems(environment: dict[str, str]) -> list[str]:
    """The lines that say what is wrong with these variables."""
    try:
        Settings.from_environment(environment)
    except SettingsInvalid as error:
        return str(error).splitlines()
    return []


def test_tokens_need_an_issuer_an_audience_and_keys() -> None:
    """CCP_AUTH=jwt is complete, or all that is missing is told together with what else is wrong."""
    assert problems(JWT) == []
    assert problems({"CCP_AUTH": "jwt", "CCP_JWT_ISSUER": "", "CCP_PORT": "x"}) == [
        "CCP_JWT_AUDIENCE: is needed with CCP_AUTH=jwt",
        "CCP_JWT_ISSUER: is needed with CCP_AUTH=jwt",
        "CCP_JWT_KEYS: is needed with CCP_AUTH=jwt",
        "CCP_PORT: Not a valid integer.",
    ]


def test_what_tokens_need_is_useless_without_them() -> None:
    """Who sets an issuer and forgets CCP_AUTH=jwt has an open pool, and is told."""
    forgotten = {name: value for name, value in JWT.items() if name != "CCP_AUTH"}
    forgotten["CCP_JWT_ROLE_CLAIM"] = "roles"
    expected = [f"{name}: means nothing without CCP_AUTH=jwt" for name in sorted(forgotten)]
    assert problems(forgotten) == expected
    assert problems(forgotten | {"CCP_AUTH": "none"}) == expected


@pytest.mark.parametrize(
    "place",
    [
        "jwks.json",
        "/etc/ccp/jwks.json",
        "https://issuer.example/keys?tenant=1",
        "http://127.0.0.1:8000/jwks",
        "http://[::1]:8000/jwks",
        "http://localhost/jwks",
    ],
)
def test_keys_are_a_file_or_a_url(place: str) -> None:
    """A path, a URL that nobody on the way can forge, or one that leads no further than here."""
    assert problems(JWT | {"CCP_JWT_KEYS": place}) == []


@pytest.mark.parametrize(
    "place",
    [
        "http://issuer.example/jwks",
        "http://127.0.0.1.example/jwks",
        "http://127.0.0.1@issuer.example/jwks",
        "ftp://127.0.0.1/jwks",
        "file:///etc/passwd",
        "https://",
        "https://[::1/jwks",
        "https://issuer.example:port/jwks",
    ],
)
def test_keys_come_by_no_other_way(place: str) -> None:
    """Without TLS anybody on the way could give the pool keys of his own."""
    (line,) = problems(JWT | {"CCP_JWT_KEYS": place})
    assert line.startswith("CCP_JWT_KEYS: must be")


@pytest.mark.parametrize(
    "url", ["sqlite:///:memory:", "sqlite:///./:memory:", "sqlite:///", "sqlite://ccp.db", "ccp.db"]
)
def test_the_database_is_a_file(url: str) -> None:
    """Workers share a file; a database in memory would be one for each of them."""
    with pytest.raises(SettingsInvalid, match="CCP_DATABASE_URL"):
        Settings.from_environment({"CCP_DATABASE_URL": url})


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"TLS_CERTIFICATE": "a.pem"}, "CCP_TLS_KEY: "),
        ({"TLS_KEY": "a.pem"}, "CCP_TLS_CERTIFICATE: "),
        ({"TLS_CLIENT_CA": "a.pem"}, "CCP_TLS_CLIENT_CA: "),
        ({"TRUSTED_PROXIES": "10.0.0.1,proxy.example"}, "CCP_TRUSTED_PROXIES: "),
        ({"TRUSTED_PROXIES": "10.0.0.1/8"}, "CCP_TRUSTED_PROXIES: "),
        ({"TRUSTED_PROXIES": "*"}, "CCP_TRUSTED_PROXIES: "),
        ({"RATE_LIMIT": "0/minute"}, "CCP_RATE_LIMIT: "),
        ({"RATE_LIMIT": "100"}, "CCP_RATE_LIMIT: "),
        ({"RATE_LIMIT": "1/minute\n"}, "CCP_RATE_LIMIT: "),
        ({"MAX_REQUESTS": "0"}, "CCP_MAX_REQUESTS: "),
        ({"OPCP": "yes"}, "CCP_OPCP: must be on or off"),
        ({"MAX_BODY_BYTES": "1048577"}, "CCP_MAX_BODY_BYTES: "),
        ({"OPERATIONS_BIND": "9090"}, "CCP_OPERATIONS_BIND: must be host:port or unix:path"),
        ({"OPERATIONS_BIND": ":9090"}, "CCP_OPERATIONS_BIND: "),
        ({"OPERATIONS_BIND": "127.0.0.1"}, "CCP_OPERATIONS_BIND: "),
        ({"OPERATIONS_BIND": "127.0.0.1:65536"}, "CCP_OPERATIONS_BIND: "),
        ({"OPERATIONS_BIND": "::1:9090"}, "CCP_OPERATIONS_BIND: "),
        ({"OPERATIONS_BIND": "http://127.0.0.1:9090"}, "CCP_OPERATIONS_BIND: "),
        ({"OPERATIONS_BIND": "fd://3"}, "CCP_OPERATIONS_BIND: "),
        ({"OPERATIONS_BIND": "unix:"}, "CCP_OPERATIONS_BIND: "),
        ({"PEERS": "http://peer.example/opnc/v1/ccp"}, "CCP_PEERS: "),
        ({"PEERS": "https://a.example,http://b.example"}, "CCP_PEERS: "),
        ({"PEERS": "https://name:secret@peer.example"}, "CCP_PEERS: "),
        ({"PEERS": "https://peer.example/?a=b"}, "CCP_PEERS: "),
        ({"PEERS": "peer.example"}, "CCP_PEERS: "),
        ({"PEERS": "https://a b.example"}, "CCP_PEERS: "),
        ({"PEERS": "https://p\u00e9er.example"}, "CCP_PEERS: "),
        ({"PEER_TIMEOUT_SECONDS": "5"}, "CCP_PEER_TIMEOUT_SECONDS: "),
        ({"PEER_TIMEOUT_SECONDS": "nan"}, "CCP_PEER_TIMEOUT_SECONDS: "),
        ({"REVOCATION_URL": "https://pki.example"}, "CCP_OPERATOR_CAS: "),
        ({"OPERATOR_CAS": "cas"}, "CCP_REVOCATION_URL: "),
        ({"REVOCATION_URL": "http://pki.example", "OPERATOR_CAS": "cas"}, "CCP_REVOCATION_URL: "),
        ({"RCP_URL": "http://rcp.example/opnc/v1/rcp"}, "CCP_RCP_URL: "),
        ({"RCP_URL": "https://rcp.example/?pkiType=v2g"}, "CCP_RCP_URL: "),
        ({"RCP_URL": "https://a.example,https://b.example"}, "CCP_RCP_URL: "),
        ({"RCP_HOURS": "0"}, "CCP_RCP_HOURS: "),
        ({"RCP_HOURS": "169"}, "CCP_RCP_HOURS: "),
        ({"RCP_HOURS": "nan"}, "CCP_RCP_HOURS: "),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(given: dict[str, str], told: str) -> None:
    """Half of a pair, what is no address and what is no rate are told by their variable."""
    with pytest.raises(SettingsInvalid) as raised:
        Settings.from_environment({f"CCP_{name}": value for name, value in given.items()})
    assert str(raised.value).startswith(told)


@pytest.mark.parametrize(
    "bind",
    ["", "127.0.0.1:9090", "localhost:0", "[::1]:9090", "0.0.0.0:65535", "unix:/run/ccp.sock"],
)
def test_operators_have_an_address_or_a_socket(bind: str) -> None:
    """Or neither, if nobody is to look."""
    assert problems({"CCP_OPERATIONS_BIND": bind}) == []


def test_peers_are_base_urls_each_once() -> None:
    """Spaces, a slash at the end and doubles make no difference; without any there are none."""
    text = " https://a.example/ccp/, http://127.0.0.1:8081/opnc/v1/ccp,https://a.example/ccp,"
    peers = ("https://a.example/ccp", "http://127.0.0.1:8081/opnc/v1/ccp")
    assert Settings.from_environment({"CCP_PEERS": text}).peers == peers
    assert Settings.from_environment({"CCP_PEERS": "", "CCP_REVOCATION_URL": ""}).peers == ()


@pytest.mark.parametrize(
    ("host", "bind"),
    [("localhost", "localhost:8080"), ("::1", "[::1]:8080"), ("[::1]", "[::1]:8080")],
)
def test_an_ipv6_address_is_bound_in_brackets(host: str, bind: str) -> None:
    """With or without brackets it is one address."""
    assert Settings.from_environment({"CCP_HOST": host}).bind == bind


@pytest.mark.parametrize(
    ("host", "said", "is_on"),
    [
        ("127.0.0.1", None, True),
        ("localhost", "", True),
        ("[::1]", None, True),
        ("127.0.0.1", "off", False),
        ("0.0.0.0", None, False),  # noqa: S104
        ("pool.example", "", False),
        ("pool.example", "on", True),
    ],
)
def test_the_facade_is_for_this_machine_unless_it_was_said(
    host: str, said: str | None, is_on: bool
) -> None:
    """Who serves others says whether they speak OPCP."""
    environment = {"CCP_HOST": host} | ({} if said is None else {"CCP_OPCP": said})
    assert Settings.from_environment(environment).opcp_on is is_on


def test_the_environment_goes_before_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A `.env` file in the working folder is read, and overruled by the environment."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("CCP_PORT=1234\nCCP_WORKERS=3\n")
    monkeypatch.setenv("CCP_PORT", "4321")
    server_settings.cache_clear()
    settings = server_settings()
    assert (settings.port, settings.workers) == (4321, 3)
    (tmp_path / ".env").write_text("CCP_PORT=nonsense")
    assert server_settings() is settings  # as long as the process lives
    server_settings.cache_clear()


UNREADABLE = {
    "a colon": (b"CCP_PORT=1\n\n# limit\nCCP_RATE_LIMIT: 5/minute\n", [4]),
    "a colon without a space": (b"CCP_RATE_LIMIT:5/minute\n", [1]),
    "a space before a value": (b"CCP_AUTH jwt\n", [1]),
    "no value": (b"\nCCP_AUTH\n", [2]),
    "a quote left open": (b"CCP_PORT=1\nCCP_TRUST_DIR='trust\nCCP_WORKERS=3\n", [2]),
    "a command": (b"set CCP_PORT=1\n", [1]),
    "two lines": (b"CCP_AUTH: jwt\nCCP_PORT=1\nCCP_CHECKS: strict\n", [1, 3]),
    "lower case": (b"CCP_PORT=1\nccp_auth=jwt\n", [2]),
    "UTF-16": ("CCP_PORT=1\n".encode("utf-16"), [1]),
    "UTF-16 without a mark": ("CCP_PORT=1\n".encode("utf-16-le"), [1, 2]),
    "Latin-1": (b"CCP_PORT=1\n# f\xfcr uns\n", [2]),
    "control characters": (b"\x1bCCP_PORT=1\n", [1]),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_env_file_with_unreadable_lines_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """With file and line of each; a line that is passed over would be a setting lost."""
    content, lines = UNREADABLE[name]
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_bytes(content)
    server_settings.cache_clear()
    with pytest.raises(SettingsInvalid) as raised:
        server_settings()
    found = re.findall(r"^\.env line (\d+): ", str(raised.value), re.M)
    assert [int(number) for number in found] == lines
    assert len(str(raised.value).splitlines()) == len(lines)


def test_env_file_that_cannot_be_opened_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a folder, which container engines make in place of a file that is not there."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").mkdir()
    server_settings.cache_clear()
    with pytest.raises(SettingsInvalid, match=r"\.env: cannot be read: Is a directory"):
        server_settings()


def test_env_file_of_other_tools_and_editors_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a byte order mark, Windows' line ends, quotes, comments, and names of others."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FOLDER", "anchors")
    text = "CCP_PORT=1234\r\n\r\nPASSED_ON\r\nother-name=é\r\nexport CCP_WORKERS='3' # three\r\n"
    text += 'CCP_TRUST_DIR="/etc/${FOLDER}"\r\nCCP_PEERS=\r\n'
    (tmp_path / ".env").write_bytes(text.encode("utf-8-sig"))
    server_settings.cache_clear()
    settings = server_settings()
    server_settings.cache_clear()
    assert (settings.port, settings.workers, settings.peers) == (1234, 3, ())
    assert settings.trust_dir == "/etc/anchors"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("CCP_PROT", "CCP_PROT: there is no such setting; did you mean CCP_PORT?"),
        ("CCP_DATABASE", "CCP_DATABASE: there is no such setting; did you mean CCP_DATABASE_URL?"),
        ("CCP_NONSENSE", "CCP_NONSENSE: there is no such setting"),
        ("CCP_", "CCP_: there is no such setting"),
    ],
)
def test_unknown_variable_names_the_one_that_may_be_meant(name: str, told: str) -> None:
    """As the commands do."""
    assert problems({name: "x"}) == [told]


def test_the_readme_tells_every_setting() -> None:
    """The README's table has each variable with its default and its meaning, and no other."""
    row = r"^\| `(CCP_\w+)` \| (?:`(.+?)` )?\| (.*?) \|$"  # what is not set by default is empty
    rows = re.findall(row, README.read_text(), re.M)
    assert rows == [
        (name, str(field.load_default), field.metadata["meaning"])
        for name, field in Variables().fields.items()
    ]
