"""The workshop's files: what others may read, and what is never overwritten."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from ccp.iso15118 import with_session_id
from ccp.workshop import ContractDraft, Installed, Pki, WorkshopError, install
from ccp.workshop.certificates import Chain
from ccp.workshop.folder import Folder
from tests.builders import NOW
from tests.workshop.conftest import EMAID, PCID, SESSION
from tests.workshop.openssl import needs_openssl, openssl


@pytest.fixture
def folder(tmp_path: Path, pki: Pki, car: Chain) -> Folder:
    """A folder with the PKI and the car."""
    folder = Folder(tmp_path / "workshop")
    folder.save_pki(pki)
    folder.save_car(PCID, car)
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
    assert loaded.oem.sub_2.key.private_numbers() == pki.oem.sub_2.key.private_numbers()
    assert folder.load_car(PCID, loaded).leaf.certificate == car.leaf.certificate


@pytest.mark.usefixtures("open_umask")
def test_keys_are_for_their_owner_alone(tmp_path: Path, pki: Pki, car: Chain) -> None:
    """Every file with a private key is PKCS#8 PEM of mode 0600, whatever the umask; no other is."""
    folder = Folder(tmp_path / "workshop")
    folder.save_pki(pki)
    folder.save_car(PCID, car)
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


def test_trust_is_what_a_pool_needs(folder: Folder, pki: Pki) -> None:
    """Three folders of anchors; the OEM's sub-CAs too, since a request brings its leaf alone."""
    trust = folder.path / "trust"
    found = {
        str(path.relative_to(trust)): x509.load_pem_x509_certificate(path.read_bytes())
        for path in trust.rglob("*.pem")
    }
    assert found == {
        "v2g/root-a.pem": pki.v2g_root("A").certificate,
        "v2g/root-b.pem": pki.v2g_root("B").certificate,
        "emsp/root.pem": pki.emsp.root.certificate,
        "oem/root.pem": pki.oem.root.certificate,
        "oem/sub-1.pem": pki.oem.sub_1.certificate,
        "oem/sub-2.pem": pki.oem.sub_2.certificate,
    }


def test_nothing_is_overwritten(
    folder: Folder, pki: Pki, car: Chain, contract_draft: ContractDraft
) -> None:
    """A second PKI, car or contract is refused, and all files stay as they are."""
    folder.save_contract(EMAID, contract_draft.contract)
    before = {path: path.stat().st_mtime_ns for path in folder.path.rglob("*")}
    with pytest.raises(WorkshopError, match="there already"):
        folder.save_pki(pki)
    with pytest.raises(WorkshopError, match="there already"):
        folder.save_car(PCID, car)
    with pytest.raises(WorkshopError, match="there already"):
        folder.save_contract(EMAID, contract_draft.contract)
    assert before == {path: path.stat().st_mtime_ns for path in folder.path.rglob("*")}


@pytest.fixture
def installed(pki: Pki, car: Chain, contract_draft: ContractDraft) -> Installed:
    """A contract that the car has taken out of an answer."""
    return install(
        with_session_id(contract_draft.exi(), SESSION),
        car=car.leaf,
        session_id=SESSION,
        roots=[pki.v2g_root("A").certificate],
        at=NOW,
    )


@needs_openssl
def test_an_installed_contract_brings_its_chain(
    folder: Folder, installed: Installed, pki: Pki
) -> None:
    """Leaf first, then the sub-CAs: OpenSSL needs but the eMSP's root to verify the file."""
    path = folder.save_installed(PCID, installed)
    leaf, *sub_cas = x509.load_pem_x509_certificates(path.read_bytes())
    assert leaf == installed.contract.certificate
    assert sub_cas == [pki.emsp.sub_2.certificate, pki.emsp.sub_1.certificate]
    root = f"{folder.path}/trust/emsp/root.pem"
    options = ("-x509_strict", "-attime", str(int(NOW.timestamp())), "-CAfile", root)
    ran = openssl("verify", *options, "-untrusted", str(path), str(path))
    assert ran.returncode == 0, ran.stderr


def test_the_same_contract_is_installed_once_more_but_no_other(
    folder: Folder, installed: Installed
) -> None:
    """A car may get its contract again; another key for the same EMAID replaces none."""
    path = folder.save_installed(PCID, installed)
    assert folder.save_installed(PCID, installed) == path
    assert path.with_suffix(".key").stat().st_mode & 0o777 == 0o600
    path.with_suffix(".key").write_bytes((folder.path / "oem" / "root.key").read_bytes())
    with pytest.raises(WorkshopError, match="another key"):
        folder.save_installed(PCID, installed)


def test_what_is_missing_or_broken_is_named(folder: Folder, pki: Pki, tmp_path: Path) -> None:
    """No PKI, no car, no session, no key: one line each, which says what to do or where."""
    with pytest.raises(WorkshopError, match="ccp workshop pki"):
        Folder(tmp_path / "nothing").load_pki()
    with pytest.raises(WorkshopError, match="ccp workshop car"):
        folder.load_car("WRKSH0PCAR0000009", pki)
    with pytest.raises(WorkshopError, match="ccp workshop request"):
        folder.load_session(PCID)
    for text in ("{}", "[]", '{"sessionId": 1}', '{"sessionId": "00", "v2gRoots": ["C"]}'):
        (folder.path / "cars" / PCID / "session.json").write_text(text)
        with pytest.raises(WorkshopError, match="ccp workshop request"):
            folder.load_session(PCID)
    (folder.path / "emsp" / "root.key").write_text("no key")
    with pytest.raises(WorkshopError, match="emsp/root"):
        folder.load_pki()
