"""TLS as the real server speaks it: from 1.2 on, with certificates of clients where asked for."""

import os
import signal
import socket
import ssl
import time
import warnings
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from ccp.config.settings import Settings, SettingsInvalid
from ccp.server.tls import read_tls
from tests.authority import DAY, Authority
from tests.builders import BASE
from tests.running import (
    SECONDS,
    assert_clean,
    count_sockets,
    refused_start,
    serving,
    wait_until,
)
from tests.waiting import NEVER

URL = f"{BASE}/openapi.json"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """The CA of the servers, and of the clients that are let in."""
    return Authority(tmp_path_factory.mktemp("ca"), "ca")


@pytest.fixture(scope="module")
def identity(authority):
    """A server's settings: its certificate and key."""
    certificate, key = authority.issue("server")
    return {"tls_certificate": certificate, "tls_key": key}


@pytest.fixture(scope="module")
def server(tmp_path_factory, identity):
    """A pool that speaks TLS to everybody, and keeps idle connections for long."""
    folder = tmp_path_factory.mktemp("server")
    arguments = ("--keep-alive", str(NEVER), "wsgi:app")
    with serving(folder, *arguments, workers=1, **identity) as server:
        yield server


@pytest.fixture(scope="module")
def mutual(tmp_path_factory, authority, identity):
    """A pool that speaks TLS to those who show a certificate."""
    folder = tmp_path_factory.mktemp("mutual")
    with serving(folder, workers=1, **identity, tls_client_ca=authority.file) as server:
        yield server


@pytest.fixture
def trusting(authority):
    """How a client speaks TLS that trusts the server's CA."""
    return ssl.create_default_context(cafile=authority.file)


def get(server, context):
    """The answer that a client gets."""
    with httpx2.Client(verify=context, timeout=SECONDS) as client:
        return client.get(f"https://localhost:{server.port}{URL}")


def versions(context, version):
    """Let a client speak this version alone, as weakly as it needs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    context.set_ciphers("ALL@SECLEVEL=0")
    return context


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_present_versions_are_spoken(server, trusting, version):
    """A client of TLS 1.2 or 1.3 is served, and told never to come in the clear."""
    answer = get(server, versions(trusting, ssl.TLSVersion[version]))
    assert answer.status_code == 200
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_the_newest_version_is_preferred(server, trusting):
    """Client and server agree on TLS 1.3 where both can."""
    with (
        socket.create_connection(("127.0.0.1", server.port), SECONDS) as connection,
        trusting.wrap_socket(connection, server_hostname="localhost") as talking,
    ):
        assert talking.version() == "TLSv1.3"


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
def test_past_versions_are_refused(server, trusting, version):
    """A client of TLS 1.1 or older is turned away."""
    old = versions(trusting, ssl.TLSVersion[version])
    address = ("127.0.0.1", server.port)
    with socket.create_connection(address, SECONDS) as connection, pytest.raises(ssl.SSLError):
        old.wrap_socket(connection, server_hostname="localhost")


def test_it_is_the_version_that_is_refused(identity, trusting):
    """The same client would be served by a server that speaks TLS 1.1."""
    context = read_tls(settings(identity)).context
    old = versions(trusting, ssl.TLSVersion.TLSv1_1)
    with pytest.raises(ssl.SSLError, match="UNSUPPORTED_PROTOCOL"):
        shake_hands(context, old)
    shake_hands(versions(context, ssl.TLSVersion.TLSv1_1), old)


def shake_hands(server, client):
    """Let two contexts agree, without a network."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(down, up, server_hostname="localhost"),
        server.wrap_bio(up, down, server_side=True),
    ]
    while ends:
        try:
            ends[0].do_handshake()
            ends.pop(0)
        except ssl.SSLWantReadError:
            ends.reverse()


def test_plain_http_is_not_spoken(server, trusting):
    """Who speaks HTTP to the port of TLS gets no answer in it, and the pool serves on."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS) as connection:
        connection.sendall(f"GET {URL} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        answer = b""
        try:
            while received := connection.recv(4096):
                answer += received
        except ConnectionResetError:
            pass
    assert b"HTTP/" not in answer
    assert len(answer) < 100
    assert get(server, trusting).status_code == 200
    assert "Traceback" not in server.log


def test_a_silent_client_is_left(server, trusting):
    """Over TLS too a connection without a request is closed in time."""
    started = time.monotonic()
    with (
        socket.create_connection(("127.0.0.1", server.port), SECONDS) as connection,
        trusting.wrap_socket(connection, server_hostname="localhost") as talking,
    ):
        assert talking.recv(1) == b""
        assert time.monotonic() - started > 4


def test_a_client_of_the_right_ca_is_served(mutual, authority, trusting):
    """With CCP_TLS_CLIENT_CA a certificate of that CA opens the pool."""
    trusting.load_cert_chain(*authority.issue("client"))
    assert get(mutual, trusting).status_code == 200


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
@pytest.mark.parametrize("who", ["none", "foreign", "expired"])
def test_other_clients_are_not(mutual, authority, trusting, tmp_path, who, version):
    """Without a certificate, with one of another CA or one that has expired, nothing is served."""
    context = versions(trusting, ssl.TLSVersion[version])
    if who == "foreign":
        context.load_cert_chain(*Authority(tmp_path, "ca").issue("client"))
    elif who == "expired":
        context.load_cert_chain(*authority.issue("former", ends_in=-DAY))
    with pytest.raises((httpx2.TransportError, ssl.SSLError)):
        get(mutual, context)


def test_a_renewed_certificate_is_read_on_sighup(tmp_path, trusting):
    """SIGHUP takes over a new certificate; one that does not fit its key changes nothing."""
    first, second = Authority(tmp_path, "first"), Authority(tmp_path, "second")
    paths = first.issue("server")
    identity = dict(zip(("tls_certificate", "tls_key"), paths, strict=True))
    with serving(tmp_path, workers=1, **identity) as server:
        second.write("server.pem", second.certify(second.key, "server", second.key))
        reload(server)
        assert "The pool goes on as it was." in server.log
        assert get(server, ssl.create_default_context(cafile=first.file)).status_code == 200
        second.issue("server")
        reload(server)
        assert get(server, ssl.create_default_context(cafile=second.file)).status_code == 200


def test_a_reload_that_fails_changes_nothing(tmp_path, trusting):
    """A new certificate is not taken over while anything else is wrong, such as the trust."""
    first, second = Authority(tmp_path, "first"), Authority(tmp_path, "second")
    identity = dict(zip(("tls_certificate", "tls_key"), first.issue("server"), strict=True))
    trust = tmp_path / "anchors"
    trust.mkdir()
    with serving(tmp_path, workers=1, trust_dir=str(trust), **identity) as server:
        second.issue("server")
        trust.rmdir()
        reload(server)
        assert "The pool goes on as it was.\nCCP_TRUST_DIR" in server.log
        assert get(server, ssl.create_default_context(cafile=first.file)).status_code == 200
        trust.mkdir()
        reload(server)
        assert get(server, ssl.create_default_context(cafile=second.file)).status_code == 200


def reload(server):
    """Send SIGHUP, and wait until new workers serve."""
    old, listening = server.workers, server.log.count("ASGI server listening")
    server.process.send_signal(1)
    wait_until(lambda: server.workers and not server.workers & old)
    wait_until(lambda: server.log.count("ASGI server listening") > listening)


# What the files have to be


def settings(identity, **changes):
    """Settings of a pool with TLS."""
    given = {**identity, **changes}
    return Settings.from_environment({f"CCP_{name.upper()}": v for name, v in given.items()})


def test_without_a_certificate_there_is_no_tls():
    """By default a pool speaks plain HTTP."""
    assert read_tls(settings({})).context is None


def test_a_certificate_that_is_not_valid_is_warned_of(authority, identity):
    """An expired certificate is served, since clients judge it; the operator is told."""
    certificate, key = authority.issue("past", ends_in=-DAY)
    tls = read_tls(settings({}, tls_certificate=certificate, tls_key=key))
    assert tls.context is not None
    assert tls.warning.startswith("The certificate of CCP_TLS_CERTIFICATE is valid from ")
    assert not read_tls(settings(identity)).warning
    assert not read_tls(
        settings({}, **dict(zip(("tls_certificate", "tls_key"), authority.issue("x"), strict=True)))
    ).warning


def test_files_that_do_not_fit_are_told(authority, identity, tmp_path):
    """What is missing, empty, of another pair or encrypted is told by its variable, and no more."""
    (tmp_path / "empty.pem").write_bytes(b"")
    broken = tmp_path / "broken.pem"  # a good certificate, and then what only OpenSSL looks at
    crl = b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"
    broken.write_bytes(Path(identity["tls_certificate"]).read_bytes() + crl)
    key = ec.generate_private_key(ec.SECP256R1())
    other = authority.write("other.key", key)
    encrypted = authority.write("encrypted.key", key, password=b"secret")
    own = authority.write("own.pem", authority.certify(key, "own", authority.key))
    for changes, told in (
        ({"tls_certificate": "no.pem"}, "CCP_TLS_CERTIFICATE: no.pem: No such file"),
        ({"tls_certificate": f"{tmp_path}/empty.pem"}, "CCP_TLS_CERTIFICATE: "),
        ({"tls_certificate": str(tmp_path)}, "CCP_TLS_CERTIFICATE: "),
        ({"tls_key": "no.key"}, "CCP_TLS_KEY: no.key: No such file"),
        ({"tls_key": other}, "CCP_TLS_KEY: "),
        ({"tls_key": identity["tls_certificate"]}, "CCP_TLS_KEY: "),
        ({"tls_certificate": own, "tls_key": encrypted}, "CCP_TLS_KEY: "),
        ({"tls_client_ca": "no.pem"}, "CCP_TLS_CLIENT_CA: no.pem: No such file"),
        ({"tls_client_ca": identity["tls_key"]}, "CCP_TLS_CLIENT_CA: "),
        ({"tls_client_ca": str(broken)}, f"CCP_TLS_CLIENT_CA: {broken} cannot be read"),
    ):
        with pytest.raises(SettingsInvalid) as raised:
            read_tls(settings(identity, **changes))
        assert str(raised.value).startswith(told)


def test_a_server_with_wrong_files_does_not_start(tmp_path, identity):
    """The server ends with the reason, and never speaks plain HTTP instead."""
    status, output = refused_start(tmp_path, **identity | {"tls_key": "no.key"})
    assert status == 1
    assert_clean(output)
    assert "CCP_TLS_KEY" in output


def test_gunicorns_own_way_to_tls_is_not_taken(tmp_path, identity):
    """Certificates on the command line are refused: a worker that cannot read them has no TLS."""
    arguments = ["--certfile", identity["tls_certificate"], "--keyfile", identity["tls_key"]]
    status, output = refused_start(tmp_path, "wsgi:app", *arguments)
    assert status == 1
    assert_clean(output)
    assert "CCP_TLS_CERTIFICATE" in output


def test_a_handshake_that_has_begun_when_the_pool_ends_is_finished(tmp_path, identity, trusting):
    """Whoever was let in by TCP is let in by TLS, and answered."""
    with serving(tmp_path, workers=1, **identity) as server:
        (worker,) = server.workers
        before = count_sockets(worker)
        with socket.create_connection(("127.0.0.1", server.port), SECONDS) as connection:
            wait_until(lambda: count_sockets(worker) > before)
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.5)  # until a worker that waits for nobody has gone
            with trusting.wrap_socket(connection, server_hostname="localhost") as talking:
                talking.sendall(f"GET {URL} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
                assert talking.recv(12) == b"HTTP/1.1 200"
        assert server.process.wait(SECONDS) == 0


def test_silent_clients_hold_no_end_up(tmp_path, identity):
    """The end waits for handshakes as long as for headers, also where nobody has accepted yet."""
    # If it waited longer, it would take longer than the test waits.
    arguments = ("--graceful-timeout", str(NEVER), "wsgi:app")
    with serving(tmp_path, *arguments, workers=1, **identity) as server, ExitStack() as stack:
        os.kill(*server.workers, signal.SIGSTOP)
        for _ in range(20):
            address = ("127.0.0.1", server.port)
            stack.enter_context(socket.create_connection(address, SECONDS))
        started = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        os.kill(*server.workers, signal.SIGCONT)
        assert server.process.wait(SECONDS) == 0
        assert time.monotonic() - started >= 5
        assert "Worker shutting down" in server.log
