"""Protected mode: whoever says what is bound, nobody is served by accident."""

import socket

import httpx2
import pytest

from tests.builders import BASE
from tests.running import SECONDS, assert_clean, refused_start, serving

OPEN = {"auth": "none", "checks": "lab"}
EVERY_ADDRESS = "0.0.0.0:0"
REFUSAL = "can be reached from elsewhere"


@pytest.fixture(params=["127.0.0.1", "0.0.0.0"])  # noqa: S104
def inherited(request):
    """A socket that listens already, as systemd hands it on; with its address."""
    with socket.create_server((request.param, 0)) as listening:
        yield listening, request.param


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        ([], {"host": "0.0.0.0"}),  # noqa: S104
        (["--bind", EVERY_ADDRESS], {}),
        (["--bind", EVERY_ADDRESS, "--reuse-port"], {}),
        (["--bind", ":0"], {}),
        (["--bind", "tcp://0:0"], {}),
        (["--bind", "127.0.0.1:0", "--bind", "[::]:0"], {}),
        (["--bind", "127.0.0.1:0", "--bind", "unix:pool.sock"], {}),
        (["--bind", "unix://pool.sock"], {}),
        (["--bind", "pool.example:0"], {}),
        (["--bind", "192.0.2.1:0"], {"auth": "none"}),
        (["--bind", "192.0.2.1:0"], {"checks": "lab"}),
    ],
    ids=str,
)
def test_open_address_is_refused(tmp_path, arguments, variables):
    """What others reach is refused, in settings or on the command line, unless it was said."""
    status, output = refused_start(tmp_path, "wsgi:app", *arguments, **variables)
    assert status == 1
    assert_clean(output)
    assert REFUSAL in output
    assert "Listening" not in output


def test_inherited_socket_is_what_it_is_bound_to(tmp_path, inherited):
    """A socket that was opened elsewhere counts by its own address, whatever the settings say."""
    listening, host = inherited
    arguments = ["wsgi:app", "--bind", f"fd://{listening.fileno()}"]
    if host == "127.0.0.1":
        with serving(tmp_path, *arguments, sockets=[listening.fileno()]) as server:
            assert "Whoever reaches http://127.0.0.1:" in server.log
    else:
        status, output = refused_start(tmp_path, *arguments, sockets=[listening.fileno()])
        assert status == 1
        assert REFUSAL in output
        assert "Booting worker" not in output


def test_socket_of_a_proxy_is_served_when_it_was_said(tmp_path):
    """With nobody asked and nothing verified in so many words, a Unix socket is served."""
    path = tmp_path / "pool.sock"
    with serving(tmp_path, "wsgi:app", "--bind", f"unix:{path}", workers=1, **OPEN) as server:
        transport = httpx2.HTTPTransport(uds=str(path))
        with httpx2.Client(transport=transport, base_url="http://pool", timeout=SECONDS) as client:
            assert client.get(f"{BASE}/openapi.json").status_code == 200
        assert "Whoever reaches unix:" in server.log
        assert "The facade for OPCP is served too" in server.log


def test_a_facade_that_was_said_is_no_surprise(tmp_path):
    """No warning where CCP_OPCP was said, nor where only this machine reaches it."""
    for folder, arguments, said in [
        ("socket", ["--bind", f"unix:{tmp_path}/pool.sock"], {"opcp": "on"}),
        ("loopback", [], {}),
    ]:
        (tmp_path / folder).mkdir()
        with serving(
            tmp_path / folder, "wsgi:app", *arguments, workers=1, **OPEN, **said
        ) as server:
            assert "OPCP" not in server.log
