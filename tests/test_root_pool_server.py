"""A pool that has its trust anchors of a root pool, as it is run: at its start, and without it."""

import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from ccp.workshop import EDITION_2, EDITION_20, EDITIONS
from ccp.workshop.folder import Folder
from tests.clients.scripted import Asked, Says, Script, scripted
from tests.contract.conformance import assert_error
from tests.root_pools import serving_roots
from tests.running import SECONDS, Server, refused_start, serving, wait_until
from tests.test_trusting_server import URL, contract, pki_of, request
from tests.waiting import NEVER

CHAIN = "The certificate chain is invalid."
NOT_TRUSTED = "cpsV2GRootCertificateFingerprint : is not that of a root that this pool trusts"
TAKEN = "the roots of the root pool are trust anchors now"


@pytest.fixture
def workshop(tmp_path: Path) -> Path:
    """A workshop with both PKIs; the pool beside it has no anchors in files."""
    for edition in EDITIONS:
        Folder(tmp_path / "workshop", edition).save_pki(pki_of(edition))
    return tmp_path / "workshop"


@contextmanager
def client_of(server: Server) -> Iterator[httpx2.Client]:
    """A client that every answer is held against the spec for, on connections of its own."""
    with server.client() as client:
        yield client


def passed_on(url: str, token: str = "") -> Script:
    """What is behind a URL, for those who have the token."""

    def script(asked: Asked) -> Says:
        if token and asked.headers.get("authorization") != f"Bearer {token}":
            return Says(401)
        return Says(200, httpx2.get(url + asked.path, trust_env=False, timeout=SECONDS).content)

    return script


def put(client: httpx2.Client, root: str = "A") -> httpx2.Response:
    """Put a contract in that is signed under a V2G root of the workshop."""
    return client.put(URL, json=contract(EDITION_20, root).put_body())


def test_the_first_request_finds_the_roots(tmp_path: Path, workshop: Path) -> None:
    """A contract goes in and its car is served, with nothing in files at all."""
    with (
        serving_roots(workshop) as url,
        serving(tmp_path, rcp_url=url) as server,
        client_of(server) as client,
    ):
        assert put(client).status_code == 201
        assert client.post(URL, json=request(EDITION_20).post_body()).status_code == 200
        # A car of ISO 15118-2 does not bring its OEM's sub-CAs, and a root pool has roots alone.
        refused = client.post(URL, json=request(EDITION_2).post_body())
        assert refused.status_code == 400
    assert "not verified" not in server.log
    assert server.log.count(TAKEN) == 2  # once in each worker


def test_sub_cas_in_files_go_with_the_roots(tmp_path: Path, workshop: Path) -> None:
    """With these the car of ISO 15118-2 is served too."""
    files = tmp_path / "trust" / "oem"
    files.mkdir(parents=True)
    for name in ("sub-1", "sub-2"):
        shutil.copy(workshop / "trust" / "oem" / f"iso2-{name}.pem", files)
    with (
        serving_roots(workshop) as url,
        serving(tmp_path, rcp_url=url) as server,
        client_of(server) as client,
    ):
        assert client.put(URL, json=contract().put_body()).status_code == 201
        assert client.post(URL, json=request().post_body()).status_code == 200


def test_the_last_roots_outlive_a_restart(tmp_path: Path, workshop: Path) -> None:
    """Of the pool while the root pool is down; what that has dropped is dropped once it is up."""
    with serving_roots(workshop) as url, scripted(passed_on(url)) as service:
        with serving(tmp_path, rcp_url=service.root):
            pass
        service.script = lambda _: Says(503)
        with serving(tmp_path, workers=1, rcp_url=service.root) as server:
            with client_of(server) as client:
                assert put(client, "A").status_code == 201
                assert put(client, "B").status_code == 201
            wait_until(lambda: "could not be asked; its last roots stay" in server.log)
            (workshop / "trust" / "v2g" / "iso20-root-b.pem").unlink()
            service.script = passed_on(url)
            changes = server.log.count(TAKEN)
            server.process.send_signal(signal.SIGHUP)
            # The new worker has what was kept, and then what it has fetched.
            wait_until(lambda: server.log.count(TAKEN) == changes + 2)
            wait_until(lambda: len(server.workers) == 1)
            with client_of(server) as client:
                assert put(client, "A").status_code == 201
                assert_error(put(client, "B"), 400, CHAIN, NOT_TRUSTED)


@pytest.mark.parametrize("says", [Says(503), Says(200, b"nonsense"), Says(200, {}, after=NEVER)])
def test_without_any_root_nothing_goes_in(tmp_path: Path, workshop: Path, says: Says) -> None:
    """A pool whose root pool has never answered starts, and refuses rather than trusts."""
    with (
        scripted(says) as service,
        serving(tmp_path, rcp_url=service.root) as server,
        client_of(server) as client,
    ):
        assert put(client).status_code == 400
        unnamed = contract(EDITION_20).put_body()
        unnamed.pop("cpsV2GRootCertificateFingerprint")
        answer = client.put(URL, json=unnamed)
        assert answer.status_code == 400
        assert CHAIN in answer.json()["errorMessages"]
        assert client.post(URL, json=request(EDITION_20).post_body()).status_code == 400
        assert not (tmp_path / "ccp.db.roots").exists()


def test_a_root_pool_is_as_good_as_anchors_for_protected_mode(tmp_path: Path) -> None:
    """Who has one verifies; without one it has to be said that nothing is."""
    open_to_all = {"host": "0.0.0.0"}  # noqa: S104
    status, output = refused_start(tmp_path, **open_to_all, auth="none")
    assert status == 1
    assert "V2G trust anchors in CCP_TRUST_DIR or of CCP_RCP_URL" in output
    with scripted(Says(503)) as service:
        open_to_all |= {"rcp_url": service.root}
        status, output = refused_start(tmp_path, **open_to_all)
        assert status == 1
        assert "CCP_AUTH=jwt" in output
        assert "anchors" not in output
        with serving(tmp_path, workers=1, auth="none", **open_to_all) as server:
            assert "not verified" not in server.log


def test_a_root_pool_may_ask_for_a_token(tmp_path: Path, workshop: Path) -> None:
    """It has a section of its own in CCP_CREDENTIALS."""
    with serving_roots(workshop) as url, scripted(passed_on(url, "secret")) as service:
        (tmp_path / "credentials").write_text(f'["{service.root}/"]\ntoken = "secret"\n')
        settings = {"rcp_url": service.root, "credentials": "credentials"}
        with serving(tmp_path, workers=1, **settings) as server, client_of(server) as client:
            assert put(client).status_code == 201
            assert "secret" not in server.log
