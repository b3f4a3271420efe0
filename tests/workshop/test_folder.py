"""The workshop's files: what others may read, and what is never overwritten."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from ccp.workshop import (
    ED448,
    EDITION_2,
    EDITION_20,
    EDITIONS,
    ContractDraft,
    Edition,
    Installed,
    Pki,
    RequestDraft,
    TimeUnit,
    WorkshopError,
    install,
    make_pki,
)
from ccp.workshop.certificates import Chain
from ccp.workshop.folder import Folder, save_pkis, save_trust
from tests.builders import NOW
from tests.workshop.conftest import EMAID
from tests.workshop.openssl import needs_openssl, openssl
from tests.workshop.test_install import for_car


@pytest.fixture
def folder(tmp_path: Path, pki: Pki, car: Chain) -> Folder:
    """A folder with the PKI and the car."""
    folder = Folder(tmp_path / "workshop", pki.edition)
    folder.save_pki(pki)
    folder.save_car(pki.edition.pcid, car)
    return folder


@pytest.fixture
def open_umask() -> Iterator[None]:
    """A careless user, whose files anybody may write."""
    before = os.umask(0)
    yield
    os.umask(before)


def test_what_was_saved_is_loaded(folder: Folder, pki: Pki, car: Chain) -> None:
    """PKI and car come back as they were."""
    loaded = folder.load_pki()
    for letter in pki.cps:
        assert loaded.cps[letter].leaf.der == pki.cps[letter].leaf.der
        assert loaded.v2g_root(letter).der == pki.v2g_root(letter).der
    assert loaded.oem.sub_2.key.public_key() == pki.oem.sub_2.key.public_key()
    assert loaded.edition is pki.edition
    assert folder.load_car(pki.edition.pcid, loaded).leaf.certificate == car.leaf.certificate


@pytest.mark.usefixtures("open_umask")
def test_keys_are_for_their_owner_alone(tmp_path: Path, pki: Pki, car: Chain) -> None:
    """Every file with a private key is PKCS#8 PEM of mode 0600, whatever the umask; no other is."""
    folder = Folder(tmp_path / "workshop", pki.edition)
    folder.save_pki(pki)
    folder.save_car(pki.edition.pcid, car)
    keys = set()
    for path in (one for one in folder.path.rglob("*") if one.is_file()):
        if path.suffix == ".key":
            assert path.stat().st_mode & 0o777 == 0o600
            assert path.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")
            load_pem_private_key(path.read_bytes(), password=None)
            keys.add(path.stem)
        else:
            assert b"PRIVATE" not in path.read_bytes()
    assert keys == {"root", "sub-1", "sub-2", "cps", "provisioning"}


def anchors(trust: Path) -> dict[str, x509.Certificate]:
    """The certificates in a folder of anchors, by their files."""
    return {
        str(path.relative_to(trust)): x509.load_pem_x509_certificate(path.read_bytes())
        for path in trust.rglob("*.pem")
    }


def test_trust_is_what_a_pool_needs(folder: Folder, pki: Pki) -> None:
    """Three folders of anchors; the OEM's sub-CAs too where a request brings its leaf alone."""
    name = {EDITION_2: "iso2", EDITION_20: "iso20"}[pki.edition]
    wanted = {
        f"v2g/{name}-root-a.pem": pki.v2g_root("A").certificate,
        f"v2g/{name}-root-b.pem": pki.v2g_root("B").certificate,
        f"emsp/{name}-root.pem": pki.emsp.root.certificate,
        f"oem/{name}-root.pem": pki.oem.root.certificate,
    }
    if pki.edition is EDITION_2:
        wanted["oem/iso2-sub-1.pem"] = pki.oem.sub_1.certificate
        wanted["oem/iso2-sub-2.pem"] = pki.oem.sub_2.certificate
    assert anchors(folder.trust) == wanted


def test_one_folder_of_trust_is_for_all(tmp_path: Path) -> None:
    """The anchors of both editions, and of Ed448 if they are added, stand beside one another."""
    workshop = tmp_path / "workshop"
    save_pkis(workshop, [make_pki(edition, at=NOW) for edition in EDITIONS])
    assert sorted(path.name for path in workshop.iterdir()) == ["cas", "iso2", "iso20", "trust"]
    trust = workshop / "trust"
    assert len(anchors(trust)) == 6 + 4
    save_trust(trust, make_pki(EDITION_20, at=NOW, profile=ED448))
    assert len(anchors(trust)) == 6 + 4 + 4
    with pytest.raises(WorkshopError, match="there already"):
        save_pkis(workshop, [])


def test_nothing_is_overwritten(
    folder: Folder, pki: Pki, car: Chain, contract_draft: ContractDraft
) -> None:
    """A second PKI, car or contract is refused, and all files stay as they are."""
    folder.save_contract(EMAID, contract_draft.contract)
    everything = folder.path.parent
    before = {path: path.stat().st_mtime_ns for path in everything.rglob("*")}
    with pytest.raises(WorkshopError, match="there already"):
        folder.save_pki(pki)
    with pytest.raises(WorkshopError, match="there already"):
        folder.save_car(pki.edition.pcid, car)
    with pytest.raises(WorkshopError, match="there already"):
        folder.save_contract(EMAID, contract_draft.contract)
    assert before == {path: path.stat().st_mtime_ns for path in everything.rglob("*")}


@pytest.fixture
def installed(car: Chain, contract_draft: ContractDraft, request_draft: RequestDraft) -> Installed:
    """A contract that the car has taken out of an answer."""
    (installed,) = install(
        [for_car(contract_draft.exi())], car=car.leaf, session=request_draft.session, at=NOW
    )
    return installed


@needs_openssl
def test_an_installed_contract_brings_its_chain(
    folder: Folder, installed: Installed, pki: Pki
) -> None:
    """Leaf first, then the sub-CAs: OpenSSL needs but the eMSP's root to verify the file."""
    path = folder.save_installed(pki.edition.pcid, installed)
    leaf, *sub_cas = x509.load_pem_x509_certificates(path.read_bytes())
    assert leaf == installed.contract.certificate
    assert sub_cas == [pki.emsp.sub_2.certificate, pki.emsp.sub_1.certificate]
    (root,) = map(str, (folder.trust / "emsp").iterdir())
    options = ("-x509_strict", "-attime", str(int(NOW.timestamp())), "-CAfile", root)
    ran = openssl("verify", *options, "-untrusted", str(path), str(path))
    assert ran.returncode == 0, ran.stderr


def test_the_same_contract_is_installed_once_more_but_no_other(
    folder: Folder, installed: Installed, edition: Edition
) -> None:
    """A car may get its contract again; another key for the same EMAID replaces none."""
    path = folder.save_installed(edition.pcid, installed)
    assert folder.save_installed(edition.pcid, installed) == path
    assert path.with_suffix(".key").stat().st_mode & 0o777 == 0o600
    path.with_suffix(".key").write_bytes((folder.path / "oem" / "root.key").read_bytes())
    with pytest.raises(WorkshopError, match="another key"):
        folder.save_installed(edition.pcid, installed)


def test_a_session_is_remembered(
    folder: Folder, pki: Pki, request_draft: RequestDraft, edition: Edition
) -> None:
    """Session id, roots, unit and maximum come back as the car has asked."""
    draft = replace(request_draft, time_unit=TimeUnit.MICROSECONDS, maximum=9)
    folder.save_session(edition.pcid, draft.session, ["A"])
    assert folder.load_session(edition.pcid, pki) == draft.session


SESSION_VALUES = {"sessionId": "00", "v2gRoots": ["A"], "timeUnit": "SECONDS", "maximum": 1}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        *(
            json.dumps({key: value for key, value in SESSION_VALUES.items() if key != missing})
            for missing in SESSION_VALUES
        ),
        *(
            json.dumps(SESSION_VALUES | wrong)
            for wrong in (
                {"sessionId": 1},
                {"v2gRoots": ["C"]},
                {"v2gRoots": 1},
                {"timeUnit": "HOURS"},
                {"maximum": "many"},
            )
        ),
    ],
)
def test_a_spoilt_session_is_none(folder: Folder, pki: Pki, edition: Edition, text: str) -> None:
    """The car has to ask again."""
    (folder.path / "cars" / edition.pcid / "session.json").write_text(text)
    with pytest.raises(WorkshopError, match="ccp workshop request"):
        folder.load_session(edition.pcid, pki)


def test_what_is_missing_or_broken_is_named(folder: Folder, pki: Pki, tmp_path: Path) -> None:
    """No PKI, no car, no session, no key: one line each, which says what to do or where."""
    with pytest.raises(WorkshopError, match="ccp workshop pki"):
        Folder(tmp_path / "nothing").load_pki()
    with pytest.raises(WorkshopError, match="ccp workshop car"):
        folder.load_car("WRKSH0PCAR0000009", pki)
    with pytest.raises(WorkshopError, match="ccp workshop request"):
        folder.load_session(pki.edition.pcid, pki)
    (folder.path / "emsp" / "root.key").write_text("no key")
    with pytest.raises(WorkshopError, match="emsp/root"):
        folder.load_pki()
