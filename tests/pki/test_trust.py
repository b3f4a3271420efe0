"""The trust anchors, as they are read from their folders."""

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from structlog.testing import capture_logs

from ccp.pki.trust import Anchors, Root, load_trust
from ccp.workshop import EDITION_20
from ccp.workshop.certificates import reissue
from ccp.workshop.misissued import past
from ccp.workshop.pki import fingerprint
from tests.builders import NOW
from tests.trusted import pki, trust_folder

ROOT = pki().v2g_root("A")


def test_the_workshop_s_folder_is_read(tmp_path: Path) -> None:
    """Two V2G roots, the eMSP's, and the OEM's with its two sub-CAs."""
    trust = load_trust(trust_folder(tmp_path / "pki"), at=NOW)
    sizes = [len(anchors.certificates) for anchors in (trust.v2g, trust.emsp, trust.oem)]
    assert sizes == [2, 1, 3]


def test_no_folder_is_no_trust(tmp_path: Path) -> None:
    """A pool without anchors is one that trusts nobody, not one that fails."""
    trust = load_trust(tmp_path / "nowhere", at=NOW)
    assert [anchors.configured for anchors in (trust.v2g, trust.emsp, trust.oem)] == [False] * 3


@pytest.mark.parametrize("suffix", ["pem", "crt", "cer", "der", "PEM"])
@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_pem_and_der_are_read_under_any_usual_name(
    tmp_path: Path, suffix: str, encoding: Encoding
) -> None:
    """The content tells which it is."""
    (tmp_path / "v2g").mkdir()
    path = tmp_path / "v2g" / f"root.{suffix}"
    path.write_bytes(ROOT.certificate.public_bytes(encoding))
    assert len(load_trust(tmp_path, at=NOW).v2g.certificates) == 1


def test_a_file_may_have_several_certificates(tmp_path: Path) -> None:
    """A PEM bundle counts each of its certificates."""
    (tmp_path / "oem").mkdir()
    bundle = b"".join(
        one.certificate.public_bytes(Encoding.PEM) for one in (pki().oem.root, pki().oem.sub_1)
    )
    (tmp_path / "oem" / "all.pem").write_bytes(b"# the OEM's\n" + bundle)
    assert len(load_trust(tmp_path, at=NOW).oem.certificates) == 2


def test_what_cannot_be_used_is_named_and_left_out(tmp_path: Path) -> None:
    """A broken file, an empty one and an expired certificate are logged; the others count."""
    folder = tmp_path / "v2g"
    folder.mkdir()
    (folder / "good.pem").write_bytes(ROOT.certificate.public_bytes(Encoding.PEM))
    (folder / "broken.pem").write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n")
    (folder / "empty.der").write_bytes(b"")
    (folder / "folder.pem").mkdir()
    (folder / "README").write_text("no certificate, and not meant to be one")
    expired = reissue(ROOT, None, validity=past(NOW))
    (folder / "expired.pem").write_bytes(expired.certificate.public_bytes(Encoding.PEM))
    with capture_logs() as lines:
        trust = load_trust(tmp_path, at=NOW)
    assert len(trust.v2g.certificates) == 1
    assert [Path(line["file"]).name for line in lines] == [
        "README",
        "broken.pem",
        "empty.der",
        "expired.pem",
        "folder.pem",
    ]


def test_a_root_is_identified_as_cars_and_callers_do() -> None:
    """By the SHA-256 of its DER, by its name and by its serial number."""
    root = Root.of(ROOT.der)
    assert root.fingerprint == fingerprint(ROOT)
    assert root.serial_number == ROOT.certificate.serial_number
    assert "CN=V2G Root CA A" in root.distinguished_name
    assert load_trust(Path("/nonexistent"), at=NOW + timedelta(days=1)).v2g.certificates == ()


def fingerprints(anchors: Anchors) -> list[str]:
    """What identifies the anchors, in their order."""
    digests = (one.digest("sha256").decode() for one in anchors.certificates)
    return [digest.replace(":", "").lower() for digest in digests]


def test_a_root_pool_adds_to_the_files(tmp_path: Path) -> None:
    """Each of its roots for what it is for; what is in files stays."""
    trust = load_trust(trust_folder(tmp_path / "pki"), at=NOW)
    new = pki(EDITION_20).v2g_root("A")
    both = trust.with_roots({"v2g": [new.der]})
    assert fingerprints(both.v2g) == [*fingerprints(trust.v2g), fingerprint(new)]
    assert fingerprints(both.emsp) == fingerprints(trust.emsp)
    assert fingerprints(both.oem) == fingerprints(trust.oem)


def test_files_win(tmp_path: Path) -> None:
    """The same certificate counts once; another one of the same name and key not at all."""
    trust = load_trust(trust_folder(tmp_path / "pki"), at=NOW)
    renewed = reissue(ROOT, ROOT)
    assert renewed.der != ROOT.der
    both = trust.with_roots({"v2g": [ROOT.der, renewed.der]})
    assert fingerprints(both.v2g) == fingerprints(trust.v2g)
    assert fingerprints(trust.with_roots({"oem": [ROOT.der]}).oem) == [
        *fingerprints(trust.oem),
        fingerprint(ROOT),
    ]


def test_a_root_of_the_same_name_and_another_key_is_another(tmp_path: Path) -> None:
    """As when a CA has changed its key: both are trusted."""
    trust = load_trust(trust_folder(tmp_path / "pki"), at=NOW)
    namesake = reissue(ROOT, ROOT, key=pki().v2g_root("B").key)
    assert namesake.certificate.subject == ROOT.certificate.subject
    both = trust.with_roots({"v2g": [namesake.der]})
    assert len(both.v2g.certificates) == len(trust.v2g.certificates) + 1


def test_whoever_has_a_root_pool_verifies(tmp_path: Path) -> None:
    """Also as long as it has given nothing: then no chain holds, rather than each."""
    trust = load_trust(tmp_path / "nowhere", at=NOW).with_roots({})
    for anchors in (trust.v2g, trust.emsp, trust.oem, trust.contracts):
        assert (anchors.certificates, anchors.configured) == ((), True)
