"""`ccp roots`: what it lists, adds and removes, and what it does not."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.serialization import Encoding

from ccp.cli import cli
from ccp.config.settings import Settings, server_settings
from ccp.store import Store
from ccp.trust.folder import load_trust, read_file
from ccp.trust.kept_roots import KeptRoots
from ccp.trust.known_kinds import KnownKinds
from ccp.workshop import EDITION_2, Pki, make_pki
from ccp.workshop.bad_certificates import future, past
from ccp.workshop.certificates import Identity, reissue
from ccp.workshop.folder import Folder
from ccp.workshop.pki import fingerprint
from tests.builders import ORIGIN, record
from tests.pki.raw import extension, with_extensions
from tests.running import ROOT
from tests.workshop.openssl import needs_openssl, openssl

NOW = datetime.now(UTC)
RCP = "https://rcp.example/opnc/v1/rcp"


@pytest.fixture(scope="module")
def pki() -> Pki:
    """A PKI of today."""
    return make_pki(EDITION_2, at=NOW - timedelta(days=1))


@pytest.fixture
def folder(tmp_path: Path, pki: Pki, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to work in, with a workshop's anchors in `pki/trust`, which the commands find."""
    Folder(tmp_path / "pki", EDITION_2).save_pki(pki)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CCP_TRUST_DIR", "pki/trust")
    server_settings.cache_clear()
    yield tmp_path
    server_settings.cache_clear()


def run(*arguments: str | Path, stdin: str | None = None) -> Result:
    """Run a command of `ccp roots`."""
    return CliRunner().invoke(cli, ["roots", *map(str, arguments)], input=stdin)


def listed() -> list[dict[str, Any]]:
    """What `ccp roots list --json` has."""
    result = run("list", "--json")
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def saved(path: Path, *identities: Identity, encoding: Encoding = Encoding.PEM) -> Path:
    """A file with certificates."""
    path.write_bytes(b"".join(one.certificate.public_bytes(encoding) for one in identities))
    return path


def use_root_pool(monkeypatch: pytest.MonkeyPatch, **roots: list[bytes]) -> None:
    """Have a root pool, which has given these roots."""
    monkeypatch.setenv("CCP_RCP_URL", RCP)
    server_settings.cache_clear()
    KeptRoots(Settings.from_environment({"CCP_RCP_URL": RCP})).save(
        {"v2g": [], "emsp": [], "oem": []} | roots
    )


@needs_openssl
def test_the_anchors_are_listed_as_openssl_reads_them(folder: Path) -> None:
    """Each with what identifies it and where it is, before there is a database."""
    found = listed()
    assert [(one["type"], Path(one["source"]).name) for one in found] == [
        ("v2g", "iso2-root-a.pem"),
        ("v2g", "iso2-root-b.pem"),
        ("emsp", "iso2-root.pem"),
        ("oem", "iso2-root.pem"),
        ("oem", "iso2-sub-1.pem"),
        ("oem", "iso2-sub-2.pem"),
    ]
    for one in found:
        said = openssl(
            *("x509", "-in", one["source"], "-noout", "-serial", "-fingerprint", "-sha256"),
            *("-dates", "-dateopt", "iso_8601", "-subject", "-nameopt", "RFC2253"),
        ).stdout.decode()
        lines = dict(line.split("=", 1) for line in said.splitlines())
        assert one["serial_number"] == lines["serial"]
        assert one["fingerprint"] == lines["sha256 Fingerprint"].replace(":", "").lower()
        assert one["valid_from"] == lines["notBefore"].replace(" ", "T")
        assert one["valid_to"] == lines["notAfter"].replace(" ", "T")
        assert one["subject"].split(", ") == lines["subject"].split(",")
        assert (one["curve"], one["trusted"]) == ("secp256r1", True)
        assert one["records"] == (0 if one["type"] == "v2g" else None)
    assert not (folder / "ccp.db").exists()


def test_what_depends_on_a_root_is_counted(folder: Path, pki: Pki) -> None:
    """Also of roots that nobody trusts any more, and of records whose root was never known."""
    store = Store(folder / "ccp.db")
    for emaid, root in [
        ("DEWRKC00000001", fingerprint(pki.v2g_root("A"))),
        ("DEWRKC00000002", fingerprint(pki.v2g_root("A"))),
        ("DEWRKC00000003", "c" * 64),
        ("DEWRKC00000004", None),
    ]:
        store.put(record(emaid, root=root), ORIGIN)
    store.close()
    found = [(one["fingerprint"], one["trusted"], one["records"]) for one in listed()]
    assert (fingerprint(pki.v2g_root("A")), True, 2) in found
    assert (fingerprint(pki.v2g_root("B")), True, 0) in found
    assert found[-2:] == [(None, False, 1), ("c" * 64, False, 1)]
    text = run("list").stdout
    assert "nowhere: it is not trusted" in text
    assert "none was trusted when these were stored" in text
    assert "records     2" in text


def test_what_is_left_out_is_told_beside_the_list(folder: Path, pki: Pki) -> None:
    """A broken file on standard error, an expired root in the list as one that is not trusted."""
    v2g = folder / "pki" / "trust" / "v2g"
    (v2g / "broken.pem").write_bytes(b"nonsense")
    root = pki.v2g_root("A")
    saved(v2g / "expired.pem", reissue(root, root, validity=past(NOW)))
    result = run("list", "--json")
    assert "broken.pem: trust anchor left out: not a certificate" in result.stderr
    (expired,) = [one for one in map(json.loads, result.stdout.splitlines()) if not one["trusted"]]
    assert expired["source"].endswith("expired.pem")
    assert ", so not now" in run("list").stdout


def test_what_the_root_pool_has_given_is_listed(
    folder: Path, pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Besides the files, which win; and nothing of it can be removed here."""
    strange = make_pki(EDITION_2, at=NOW - timedelta(days=1)).v2g_root("A")
    here = pki.v2g_root("A")
    use_root_pool(monkeypatch, v2g=[here.der, reissue(here, here).der, strange.der])
    sources = [(one["fingerprint"], one["source"]) for one in listed() if one["type"] == "v2g"]
    assert len(sources) == 3
    assert (fingerprint(strange), "root pool") in sources
    assert (fingerprint(here), "pki/trust/v2g/iso2-root-a.pem") in sources
    refused = run("remove", fingerprint(strange), "--yes")
    assert refused.exit_code == 1
    assert refused.stderr == "Error: The root pool has given it, so it is removed there.\n"


def test_a_root_pool_that_has_given_nothing_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files are listed all the same."""
    monkeypatch.setenv("CCP_RCP_URL", RCP)
    server_settings.cache_clear()
    result = run("list", "--json")
    assert "What the root pool has given cannot be read: No such file" in result.stderr
    assert len(result.stdout.splitlines()) == 6


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
@pytest.mark.parametrize("kind", ["v2g", "emsp", "oem"])
def test_a_root_is_added(
    folder: Path, kind: str, encoding: Encoding, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From PEM or DER, into a folder that is made if need be, and a pool reads it there."""
    root = make_pki(EDITION_2, at=NOW - timedelta(days=1)).v2g_root("A")
    monkeypatch.setenv("CCP_TRUST_DIR", "new")
    server_settings.cache_clear()
    result = run("add", saved(folder / "any", root, encoding=encoding), "--type", kind)
    path = Path("new") / kind / f"v2g-root-ca-a-{fingerprint(root)[:8]}.pem"
    assert result.stdout == f"Added {path}\nA pool that is running sees that at SIGHUP.\n"
    assert [one for one in Path("new").rglob("*") if one.is_file()] == [path]
    (anchor,) = getattr(load_trust(Path("new"), at=NOW), kind).certificates
    assert hashlib.sha256(anchor.to_cryptography().public_bytes(Encoding.DER)).hexdigest() == (
        fingerprint(root)
    )


def test_roots_add_root_that_begins_later_is_added_and_told(folder: Path, pki: Pki) -> None:
    """It comes into force by itself, so it may be rolled out before."""
    root = reissue(pki.v2g_root("A"), pki.v2g_root("A"), validity=future(NOW))
    result = run("add", saved(folder / "soon.pem", root), "--type", "v2g")
    assert result.exit_code == 0
    begins = root.certificate.not_valid_before_utc
    assert result.stderr == f"It counts from {begins:%FT%TZ} on.\n"
    (found,) = [one for one in listed() if one["fingerprint"] == fingerprint(root)]
    assert found["trusted"] is False


def test_roots_remove_last_of_a_type_a_start_does_without_it(folder: Path, pki: Pki) -> None:
    """What an operator removes by this command is not missed at the next start."""
    known = KnownKinds(server_settings())
    known.save(load_trust(folder / "pki" / "trust", at=NOW))
    removed = run("remove", fingerprint(pki.emsp.root), "--yes")
    assert "until it is restarted" in removed.stdout
    assert known.load() == ["v2g", "oem"]
    known.require(load_trust(folder / "pki" / "trust", at=NOW))


def test_roots_list_folder_cannot_be_read_is_told(folder: Path) -> None:
    """In a sentence that names the folder."""
    shutil.rmtree(folder / "pki" / "trust" / "oem")
    (folder / "pki" / "trust" / "oem").symlink_to("/nonexistent/volume")
    result = run("list")
    assert result.exit_code == 1
    told = "CCP_TRUST_DIR: pki/trust/oem cannot be read: No such file or directory"
    assert result.stderr == f"Error: {told}\n"


def test_what_is_there_is_not_added_again(folder: Path, pki: Pki) -> None:
    """Whatever its file is called; for another purpose it is."""
    file = saved(folder / "again.pem", pki.v2g_root("A"))
    refused = run("add", file, "--type", "v2g")
    assert refused.exit_code == 1
    assert refused.stderr == "Error: It is there already, in pki/trust/v2g/iso2-root-a.pem.\n"
    assert run("add", file, "--type", "oem").exit_code == 0


def test_what_can_be_no_anchor_is_not_added(folder: Path, pki: Pki) -> None:
    """Each with its reason, and nothing is changed."""
    root = pki.v2g_root("A")
    before = sorted(folder.rglob("*"))
    files = {
        "nonsense": "is no certificate in PEM or DER.",
        "empty": "is no certificate in PEM or DER.",
        "leaf": "is not the certificate of a CA.",
        "expired": " only.",
        "bundle": "has 2 certificates: add each by itself.",
    }
    (folder / "nonsense").write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA")
    (folder / "empty").write_bytes(b"")
    saved(folder / "leaf", pki.cps["A"].leaf)
    saved(folder / "expired", reissue(root, root, validity=past(NOW)))
    saved(folder / "bundle", root, pki.v2g_root("B"))
    for name, reason in files.items():
        refused = run("add", name, "--type", "v2g")
        assert refused.exit_code == 1
        assert refused.stderr.startswith(f"Error: {name} ")
        assert refused.stderr.endswith(f"{reason}\n")
        assert len(refused.stderr.splitlines()) == 1
        (folder / name).unlink()
    assert sorted(folder.rglob("*")) == before
    assert run("add", "nowhere", "--type", "v2g").exit_code == 2
    assert run("add", "pki/trust/v2g/iso2-root-a.pem").exit_code == 2


def test_a_root_is_removed_by_the_first_digits_of_its_fingerprint(folder: Path, pki: Pki) -> None:
    """After a question that says what depends on it; what is stored stays."""
    store = Store(folder / "ccp.db")
    root = pki.v2g_root("B")
    store.put(record(root=fingerprint(root)), ORIGIN)
    file = folder / "pki" / "trust" / "v2g" / "iso2-root-b.pem"
    asked = run("remove", fingerprint(root)[:12].upper(), stdin="n\n")
    assert asked.exit_code == 1
    assert "Stored under it: 1 record.\n" in asked.stderr
    assert file.exists()
    removed = run("remove", fingerprint(root)[:12], stdin="y\n")
    assert removed.exit_code == 0
    assert "Removed pki/trust/v2g/iso2-root-b.pem\n" in removed.stdout
    assert "SIGHUP" in removed.stdout
    assert not file.exists()
    assert [one["records"] for one in listed() if one["fingerprint"] == fingerprint(root)] == [1]
    store.close()


def test_the_last_one_is_not_removed_without_a_word(folder: Path, pki: Pki) -> None:
    """Without any, the pool does not verify: whoever says --yes is told too."""
    first, last = (fingerprint(pki.v2g_root(letter)) for letter in "AB")
    assert "the last one" not in run("remove", first, "--yes").stderr
    assert "It is the last one: without any, chains of CPS always hold.\n" in (
        run("remove", last, "--yes").stderr
    )
    # Of a contract the V2G roots are asked too.
    assert "the last one" not in run("remove", fingerprint(pki.emsp.root), "--yes").stderr


def test_with_a_root_pool_the_last_file_is_not_the_last(
    folder: Path, pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The root pool may have it too, and then it stays trusted."""
    root = pki.emsp.root
    use_root_pool(monkeypatch, emsp=[root.der])
    removed = run("remove", fingerprint(root), "--yes")
    assert "the last one" not in removed.stderr
    assert "If the root pool has it, it stays trusted." in removed.stderr
    (left,) = [one for one in listed() if one["type"] == "emsp"]
    assert (left["fingerprint"], left["source"]) == (fingerprint(root), "root pool")


def test_all_files_of_a_root_are_removed(folder: Path, pki: Pki) -> None:
    """Else it would be trusted still."""
    root = pki.v2g_root("A")
    saved(folder / "pki" / "trust" / "v2g" / "copy.crt", root)
    assert run("remove", fingerprint(root), "--yes").exit_code == 0
    assert fingerprint(root) not in [one["fingerprint"] for one in listed()]


def test_what_is_not_clear_is_not_removed(folder: Path, pki: Pki) -> None:
    """No such root, several, one of several types, one in a bundle: a sentence each."""
    trust = folder / "pki" / "trust"
    root, other = pki.v2g_root("A"), pki.v2g_root("B")
    before = sorted(trust.rglob("*"))

    def told(*arguments: str) -> str:
        refused = run("remove", *arguments, "--yes")
        assert refused.exit_code == 1
        return refused.stderr.removeprefix("Error: ").removesuffix("\n")

    assert told("0" * 64) == "There is no anchor with this fingerprint."
    assert told(fingerprint(root), "--type", "oem") == "There is no anchor with this fingerprint."
    for short in ("", "abc", "nonsense", "0" * 65):
        assert told(short) == "A fingerprint is given with at least 4 of its 64 hex digits."
    assert sorted(trust.rglob("*")) == before
    saved(trust / "oem" / "too.pem", root)
    assert told(fingerprint(root)) == "It is there for oem and v2g: say --type."
    assert run("remove", fingerprint(root), "--type", "oem", "--yes").exit_code == 0
    assert sorted(trust.rglob("*")) == before
    for name in ("iso2-root-a.pem", "iso2-root-b.pem"):
        (trust / "v2g" / name).unlink()
    saved(trust / "v2g" / "both.pem", root, other)
    assert told(fingerprint(root)) == (
        "pki/trust/v2g/both.pem has other certificates too: take it out there by hand."
    )


def test_a_prefix_that_several_have_is_refused(folder: Path, pki: Pki) -> None:
    """Nobody guesses which was meant."""
    root = pki.v2g_root("A")
    by_prefix: dict[str, Identity] = {}
    one = twin = root
    while twin is one:  # among a few hundred there are two
        one = reissue(root, root)
        twin = by_prefix.setdefault(fingerprint(one)[:4], one)
    for number, certificate in enumerate((one, twin)):
        saved(folder / "pki" / "trust" / "v2g" / f"{number}.pem", certificate)
    refused = run("remove", fingerprint(one)[:4], "--yes")
    assert refused.exit_code == 1
    assert refused.stderr == "Error: Several anchors have a fingerprint that begins so.\n"


def test_a_folder_that_cannot_be_written_is_a_sentence(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names the file."""
    (folder / "file").write_text("no folder")
    monkeypatch.setenv("CCP_TRUST_DIR", "file")
    server_settings.cache_clear()
    root = saved(folder / "root.pem", make_pki(EDITION_2, at=NOW).v2g_root("A"))
    assert run("add", root, "--type", "v2g").stderr == (
        "Error: CCP_TRUST_DIR: file/v2g cannot be read: Not a directory\n"
    )


def test_a_list_that_nobody_reads_to_its_end_is_no_error(folder: Path) -> None:
    """As in `ccp roots list | head -1`."""
    command = [sys.executable, "-m", "ccp.cli", "roots", "list"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""


def test_what_is_wrong_with_settings_or_database_is_a_sentence(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And no traceback."""
    (folder / "ccp.db").write_bytes(b"no database" * 99)
    assert run("list").stderr.startswith("Error: ccp.db cannot be used: ")
    monkeypatch.setenv("CCP_RCP_HOURS", "never")
    server_settings.cache_clear()
    assert run("list").stderr == "Error: CCP_RCP_HOURS: Not a valid number.\n"


@pytest.mark.parametrize("command", ["add", "list"])
def test_add_anchor_with_a_malformed_extension_is_refused_in_words(
    folder: Path, pki: Pki, command: str
) -> None:
    """By `ccp roots add`; and a pool that finds such a file leaves it out, and says why."""
    root = pki.v2g_root("A")
    der = with_extensions(root, root, extension("2.5.29.30", b"\xff\xff"))
    if command == "add":
        Path("odd.der").write_bytes(der)
        result = run("add", "odd.der", "--type", "v2g")
        assert result.exit_code == 1
        assert "has an extension that cannot be read: nameConstraints." in result.stderr
    else:
        (folder / "pki/trust/v2g/odd.der").write_bytes(der)
        result = run("list")
        assert result.exit_code == 0
        assert "odd.der: trust anchor left out: it has an extension that can" in result.stderr


def test_add_irregular_anchor_is_added(folder: Path, pki: Pki) -> None:
    """One that OpenSSL reads, and pyca/cryptography does not; as PEM it is what it was."""
    root = pki.v2g_root("A")
    der = with_extensions(root, root, extension("2.5.29.18", b"\x30\0", b"\1\1\0"))
    Path("odd.der").write_bytes(der)
    result = run("add", "odd.der", "--type", "v2g", "--json")
    assert result.exit_code == 0, result.stderr
    assert hashlib.sha256(der).hexdigest() in [one["fingerprint"] for one in listed()]
    added = json.loads(result.stdout)["added"]
    assert read_file(Path(added)) == [der]
