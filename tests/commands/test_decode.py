"""`ccp decode`: what it prints, and its exit status."""

import json
import os
import subprocess
import sys
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest
from click.testing import CliRunner, Result

from ccp.cli import cli
from ccp.workshop import (
    CONTRACT_FAULTS,
    EDITIONS,
    ContractDraft,
    Edition,
    draft_contract,
    make_car,
    make_pki,
)
from ccp.workshop.folder import save_trust
from tests.builders import installation_req
from tests.iso15118.test_tree import of_xml
from tests.vectors import departures, genuine_res, shapes
from tests.waiting import SECONDS

ROOT = Path(__file__).parents[2]
TODAY = datetime.now(UTC)


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the anchors of all drafts."""
    return tmp_path_factory.mktemp("trust")


@pytest.fixture(scope="module")
def drafts(trust: Path) -> dict[Edition, ContractDraft]:
    """A contract of each edition, of PKIs that are valid today."""
    made = {}
    for edition in EDITIONS:
        pki = make_pki(edition, at=TODAY)
        save_trust(trust, pki)
        car = make_car(pki.oem, edition.pcid, at=TODAY).leaf.certificate
        made[edition] = draft_contract(pki, edition.emaid, car, at=TODAY)
    return made


def run(*arguments: str, stdin: bytes = b"") -> Result:
    """Run the command."""
    return CliRunner().invoke(cli, ["decode", *arguments], input=stdin)


def run_alone(
    folder: Path, *arguments: str, stdin: bytes, **variables: str
) -> subprocess.CompletedProcess[bytes]:
    """Run it as a process of its own, in a folder with nothing of a pool."""
    environment = {name: value for name, value in os.environ.items() if name[:4] != "CCP_"}
    return subprocess.run(
        [sys.executable, "-m", "ccp.cli", "decode", *arguments],
        cwd=folder,
        env=environment | {"PYTHONPATH": str(ROOT)} | variables,
        input=stdin,
        capture_output=True,
        timeout=SECONDS,
    )


def test_a_file_or_standard_input(tmp_path: Path) -> None:
    """Bytes of a file, base64 or JSON from a pipe: all are told in the same words."""
    (tmp_path / "res.exi").write_bytes(genuine_res())
    body = json.dumps({"certificateInstallationRes": b64encode(genuine_res()).decode()})
    told = [
        run(str(tmp_path / "res.exi")),
        run(stdin=b64encode(genuine_res())),
        run("-", stdin=body.encode()),
    ]
    assert {result.exit_code for result in told} == {0}
    assert len({result.stdout for result in told}) == 1
    assert told[0].stdout.startswith("CertificateInstallationRes of ISO 15118-2, 4020 bytes\n")
    assert "subject       CN=DEICECOPNCCERT, O=Hubject GmbH\n" in told[0].stdout
    assert "was not judged" in told[0].stdout


@pytest.mark.parametrize("edition", EDITIONS, ids=str)
def test_chains_are_judged_by_a_folder_of_anchors(
    drafts: dict[Edition, ContractDraft], trust: Path, edition: Edition
) -> None:
    """The root that each ends in is told; one that does not hold makes an exit status of 1."""
    draft = drafts[edition]
    told = run("--trust", str(trust), stdin=draft.exi())
    assert (told.exit_code, told.stderr) == (0, "")
    root = draft.cps.authority.root.common_name
    assert f"✓ The chain of the CPS certificate ends in DC=V2G, CN={root}," in told.stdout
    assert f"SHA-256 {draft.fingerprint}\n" in told.stdout
    expired = CONTRACT_FAULTS[edition]["cps-sub-ca-expired"].apply_fault(draft).exi()
    told = run("--trust", str(trust), stdin=expired)
    assert told.exit_code == 1
    assert "    A CA certificate of the CPS certificate has expired.\n" in told.stdout
    assert run(stdin=expired).exit_code == 0  # nobody has asked for it


@pytest.mark.parametrize("edition", EDITIONS, ids=str)
def test_a_signature_that_does_not_hold_is_told(
    drafts: dict[Edition, ContractDraft], edition: Edition
) -> None:
    """With an exit status of 1, and all else of the message."""
    spoilt = CONTRACT_FAULTS[edition]["signature-tampered"].apply_fault(drafts[edition])
    told = run(stdin=spoilt.exi())
    assert told.exit_code == 1
    assert "✗ The signature by the CPS certificate does not hold\n" in told.stdout
    assert "  ✗ SignatureValue\n    The SignatureValue is not the signer's" in told.stdout
    assert f"CN={spoilt.emaid}" in told.stdout


def test_json_has_all_of_it() -> None:
    """Verdicts and facts for a program."""
    told = json.loads(run("--json", stdin=genuine_res()).stdout)
    (message,) = told["messages"]
    assert told["holds"] is message["holds"] is message["signature"]["holds"] is True
    assert message["emaid"] == "DEICECOPNCCERT"
    leaf = message["chains"][1]["certificates"][0]
    assert leaf["not_before"] == "2024-07-04T16:10:59Z"
    assert leaf["serial_number"] == "6B26A5553A52981410A710AF3A6FF055"


def test_the_tree_in_json_is_the_message() -> None:
    """Every value that EXIficient reads in it."""

    def of_json(node: dict[str, Any]) -> Any:
        children = [of_json(one) for one in node["children"]]
        return node["name"], node["attributes"], node["value"] or "", children

    for vector in shapes()[::10]:
        (message,) = json.loads(run("--json", stdin=vector.exi).stdout)["messages"]
        assert of_json(message["tree"]) == of_xml(fromstring(vector.xml))  # noqa: S314


def test_several_messages_of_an_answer() -> None:
    """One verdict over all of them, one after the other, in their order."""
    items = [
        {"certificateInstallationRes": b64encode(exi).decode()}
        for exi in (genuine_res(), installation_req())
    ]
    answer = json.dumps({"signedContractDataCollection": items}).encode()
    told = run(stdin=answer)
    assert told.exit_code == 0
    first, second = told.stdout.split("\n\nCertificateInstallationReq of ISO 15118-2, ")
    assert first.startswith("CertificateInstallationRes of ISO 15118-2, ")
    assert "  PCID          WAUZZZ4B0CC012345\n" in second
    items[0]["certificateInstallationRes"] = "gJgC"
    told = run("--json", stdin=json.dumps(items).encode())
    assert told.exit_code == 1
    body = json.loads(told.stdout)
    assert [body["holds"], *(one["holds"] for one in body["messages"])] == [False, False, True]


def test_what_cannot_be_read_is_told() -> None:
    """By bit and path, with an exit status of 1, in words and in JSON."""
    (vector,) = [one for one in departures() if one.name == "KeyInfo"]
    told = run(stdin=vector.exi)
    assert told.exit_code == 1
    at, path, expected = told.stdout.splitlines()[1:]
    (message,) = json.loads(run("--json", stdin=vector.exi).stdout)["messages"]
    assert at.startswith(f"  at        bit {message['bit']}: byte {message['bit'] // 8}, ")
    assert path == f"  in        {message['path']}" == "  in        V2G_Message/Header/Signature"
    assert expected == "  expected  the end of the element"
    assert told.stdout.startswith(f"✗ Not read, of {len(vector.exi)} bytes: {message['reason']}\n")


@pytest.mark.parametrize(
    ("stdin", "words"),
    [
        (b"{}", "this JSON has no certificateInstallationReq"),
        (b"no message!", "it is neither EXI, base64 nor JSON."),
        (bytes(2**20), "it is larger than 256 KiB."),
    ],
)
def test_what_has_no_message_is_told(stdin: bytes, words: str) -> None:
    """In one line, with an exit status of 1."""
    told = run(stdin=stdin)
    assert (told.exit_code, told.stdout) == (1, "")
    assert told.stderr.count("\n") == 1
    assert words in told.stderr


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there is nothing without an end")
def test_input_without_an_end_is_not_read_to_it() -> None:
    """Nor kept."""
    told = run("/dev/zero")
    assert told.exit_code == 1
    assert "it is larger than 256 KiB." in told.stderr
    assert "at most 32768 are allowed." in run(stdin=bytes([0x80] * 40_000)).stdout


def test_wrong_usage_has_a_status_of_its_own(tmp_path: Path) -> None:
    """A file or folder that is not there, or one without any anchors."""
    for arguments in (
        [str(tmp_path / "none")],
        [str(tmp_path)],
        ["--trust", str(tmp_path / "none")],
        ["--trust", str(tmp_path)],
        ["--xml"],
    ):
        told = run(*arguments, stdin=genuine_res())
        assert (told.exit_code, told.stdout) == (2, "")


def test_it_needs_no_pool(tmp_path: Path) -> None:
    """No setting is looked at, however wrong; no database is made; a plain terminal will do."""
    variables = {"CCP_DATABASE_URL": "nonsense", "CCP_PORT": "x", "PYTHONIOENCODING": "ascii"}
    ran = run_alone(tmp_path, stdin=genuine_res(), **variables)
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert rb"\u2713 The signature by the CPS certificate holds" in ran.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_log_is_not_among_what_is_told(
    tmp_path: Path, trust: Path, drafts: dict[Edition, ContractDraft]
) -> None:
    """What is wrong with an anchor is told on standard error; nothing else is."""
    for edition, draft in drafts.items():
        form = CONTRACT_FAULTS[edition]["cps-foreign-root"].apply_fault(draft)
        ran = run_alone(tmp_path, "--json", "--trust", str(trust), stdin=form.exi())
        assert (ran.returncode, ran.stderr) == (1, b"")
        assert json.loads(ran.stdout)["holds"] is False
    (tmp_path / "v2g").mkdir()
    (tmp_path / "v2g" / "broken.pem").write_text("x")
    ran = run_alone(tmp_path, "--json", "--trust", ".", stdin=genuine_res())
    assert json.loads(ran.stdout)["messages"][0]["chains"][0]["judged"] is True
    assert b"trust anchor left out" in ran.stderr
    assert b"v2g/broken.pem" in ran.stderr
