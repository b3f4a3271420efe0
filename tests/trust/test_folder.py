"""The trust anchors, as they are read from their folders."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from structlog.testing import capture_logs

from ccp.pki.anchors import Anchors, Root
from ccp.trust.folder import load_trust
from ccp.workshop import EDITION_20
from ccp.workshop.bad_certificates import past
from ccp.workshop.certificates import Identity, Validity, reissue
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
    """A broken file, an empty one and an expired certificate are logged; the others count now."""
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
    assert fingerprints(Anchors(trust.v2g.valid_at(NOW))) == [fingerprint(ROOT)]
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
    assert fingerprints(Anchors(both.v2g.valid_at(NOW))) == fingerprints(trust.v2g)
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


def save(path: Path, root: Identity) -> None:
    """Write a certificate into a file, whose folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(root.certificate.public_bytes(Encoding.PEM))


def test_anchors_validity_changes_with_the_moment(tmp_path: Path) -> None:
    """Both ends are included, and sub-second moments are those of their second."""
    begin, end = NOW + timedelta(hours=1), NOW + timedelta(hours=2)
    save(tmp_path / "v2g" / "soon.pem", reissue(ROOT, ROOT, validity=Validity(begin, end)))
    with capture_logs() as lines:
        anchors = load_trust(tmp_path, at=NOW).v2g
    assert [line["event"] for line in lines] == ["trust anchor is not valid yet"]
    second, little = timedelta(seconds=1), timedelta(milliseconds=999)
    moments = [NOW, begin - little, begin, end, end + little, end + second]
    found = [anchors.has_valid_root(at) for at in moments]
    assert found == [False, False, True, True, True, False]


def test_anchors_sub_ca_alone_is_no_valid_root(tmp_path: Path) -> None:
    """The OEM's sub-CAs outlive its root: nothing holds any more."""
    oem = pki().oem
    save(tmp_path / "oem" / "root.pem", reissue(oem.root, oem.root, validity=past(NOW)))
    save(tmp_path / "oem" / "sub.pem", oem.sub_1)
    with capture_logs():
        anchors = load_trust(tmp_path, at=NOW).oem
    assert fingerprints(Anchors(anchors.valid_at(NOW))) == [fingerprint(oem.sub_1)]
    assert not anchors.has_valid_root(NOW)


def test_anchors_root_pool_renews_root_of_an_expired_file(tmp_path: Path) -> None:
    """The file wins while it is valid; from then on the root pool's counts, without a reload."""
    ends = NOW + timedelta(hours=1)
    filed = reissue(ROOT, ROOT, validity=Validity(NOW - timedelta(days=9), ends))
    save(tmp_path / "v2g" / "root.pem", filed)
    both = load_trust(tmp_path, at=NOW).v2g.with_roots([ROOT.der])
    later = ends + timedelta(seconds=1)
    found = [fingerprints(Anchors(both.valid_at(at))) for at in (NOW, later)]
    assert found == [[fingerprint(filed)], [fingerprint(ROOT)]]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: folder.symlink_to(folder),
        lambda folder: folder.symlink_to("/nonexistent/volume"),
        lambda folder: folder.write_text("no folder"),
    ],
    ids=["loop", "volume not mounted", "file"],
)
def test_load_trust_folder_cannot_be_read_is_an_error(
    tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    """It is not taken for an empty one, as if there were to be no anchors."""
    spoil(tmp_path / "oem")
    with pytest.raises(OSError, match="oem"):
        load_trust(tmp_path, at=NOW)
