"""The workshop's PKI service: what it revokes is on a CRL that OpenSSL believes."""

import base64
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from ccp.workshop import EDITION_2, EDITION_20, EDITIONS, Edition, make_contract, make_pki
from ccp.workshop.certificates import Chain
from ccp.workshop.folder import Folder, save_pkis
from ccp.workshop.pki_service import make_server
from ccp.workshop.revocation import Revoker, revoked_contracts
from tests.waiting import SECONDS
from tests.workshop.openssl import needs_openssl, openssl

NOW = datetime.now(UTC)
EMAIDS = {EDITION_2: "DEWRKC00000001", EDITION_20: "DEWRKC00000021"}


@pytest.fixture
def workshop(tmp_path: Path) -> Path:
    """A workshop with both PKIs."""
    folder = tmp_path / "workshop"
    save_pkis(folder, [make_pki(edition, at=NOW - timedelta(1)) for edition in EDITIONS])
    return folder


def contract(workshop: Path, edition: Edition = EDITION_2) -> Chain:
    """A contract of the workshop, saved there."""
    folder = Folder(workshop, edition)
    made = make_contract(folder.load_pki().emsp, EMAIDS[edition], at=NOW)
    folder.save_contract(EMAIDS[edition], made)
    return made


Ask = Callable[..., httpx2.Response]


@pytest.fixture
def ask(workshop: Path) -> Iterator[Ask]:
    """Sends a body to the running service."""
    with make_server(Revoker(workshop, lambda: NOW), 0, lambda _: None) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"

        def post(body: Any, path: str = "/pki/revokeCertificate") -> httpx2.Response:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            return httpx2.post(url + path, content=content, trust_env=False, timeout=SECONDS)

        yield post
        server.shutdown()


def body(der: bytes, reason: str = "cessationOfOperation") -> dict[str, str]:
    """What a pool sends."""
    return {"certificate": base64.b64encode(der).decode(), "revocationReason": reason}


@needs_openssl
@pytest.mark.parametrize("edition", EDITIONS, ids=lambda one: one.number)
def test_a_revoked_contract_is_on_the_list(workshop: Path, ask: Ask, edition: Edition) -> None:
    """OpenSSL verifies the contract before, and finds it revoked afterwards."""
    made = contract(workshop, edition)
    emsp = made.authority
    files = {"leaf": made.leaf, "ca": emsp.sub_2}
    for name, one in files.items():
        pem = one.certificate.public_bytes(Encoding.PEM)
        (workshop / f"{name}.pem").write_bytes(pem)
    assert ask(body(made.leaf.der)).status_code == 200
    crl = workshop / edition.profile.slug / "emsp" / "sub-2.crl"
    verify = ["verify", "-partial_chain", "-trusted", str(workshop / "ca.pem")]
    leaf = str(workshop / "leaf.pem")
    assert openssl(*verify, leaf).returncode == 0
    checked = openssl(*verify, "-CRLfile", str(crl), "-crl_check", leaf)
    assert b"certificate revoked" in checked.stderr + checked.stdout
    text = openssl("crl", "-in", str(crl), "-noout", "-text").stdout
    assert b"Cessation Of Operation" in text
    assert list(revoked_contracts(workshop)) == [(EMAIDS[edition], "cessationOfOperation")]


def test_service_of_a_pki_made_anew_revokes_what_the_new_one_issued(
    workshop: Path, ask: Ask
) -> None:
    """A service that was left running is not one of the old PKI."""
    shutil.rmtree(workshop)
    assert ask(b"no request", path="/ocsp").status_code == 200
    save_pkis(workshop, [make_pki(edition, at=NOW - timedelta(1)) for edition in EDITIONS])
    made = contract(workshop)
    assert ask(body(made.leaf.der)).status_code == 200
    assert list(revoked_contracts(workshop)) == [(EMAIDS[EDITION_2], "cessationOfOperation")]


def test_others_stay_on_the_list(workshop: Path, ask: Ask) -> None:
    """A second revocation adds to the first; a certificate is revoked once."""
    first, second = (
        contract(workshop),
        make_contract(Folder(workshop).load_pki().emsp, "DEWRKC00000002", at=NOW),
    )
    statuses = [ask(body(one.leaf.der)).status_code for one in (first, second, first)]
    assert statuses == [200, 200, 409]
    crl = Folder(workshop).find_crl()
    assert crl is not None
    assert {one.serial_number for one in crl} == {
        one.leaf.certificate.serial_number for one in (first, second)
    }


def test_nothing_is_revoked_at_first(workshop: Path) -> None:
    """There is no list yet."""
    contract(workshop)
    assert list(revoked_contracts(workshop)) == []


def test_what_others_have_issued_is_not_revoked(workshop: Path, ask: Ask) -> None:
    """Not another eMSP's contract, whose CA has the same name."""
    stranger = make_contract(make_pki(EDITION_2, at=NOW).emsp, "DEWRKC00000001", at=NOW)
    answer = ask(body(stranger.leaf.der))
    assert (answer.status_code, answer.json()["errorMessages"]) == (
        404,
        ["The certificate was not issued here."],
    )


@pytest.mark.parametrize(
    "content",
    [b"", b"nonsense", [], {}, {"certificate": "!"}, body(b"nonsense"), body(b"", "because")],
)
def test_what_cannot_be_read_is_told(ask: Ask, content: Any) -> None:
    """400, and the service goes on."""
    assert ask(content).status_code == 400
    assert ask({}, "/elsewhere").status_code == 404
