"""The command line: what it writes, and that whatever is wrong is told in one line."""

import base64
import io
import json
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ccp.cli import cli
from ccp.iso15118 import decode, encode, iso20
from ccp.workshop import (
    CONTRACT_FAULTS,
    EDITION_2,
    EDITION_20,
    EDITIONS,
    REQUEST_FAULTS,
    Edition,
    Pki,
    Session,
)
from ccp.workshop.folder import Folder

ROOT = Path(__file__).parents[1]
PCID, PCID_20 = "WRKSH0PCAR0000001", "WRKSH0PCAR00000020"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """An empty folder to work in."""
    with chdir(tmp_path):
        yield tmp_path


@pytest.fixture
def workshop(folder: Path) -> Path:
    """The folder `workshop`, with both PKIs and a car of each edition."""
    for command in (["pki"], ["car"], ["car", "--edition", "20"]):
        assert run(*command).exit_code == 0
    return folder / "workshop"


def run(*arguments: str, stdin: str | io.BytesIO | None = None) -> Result:
    """Run a command of the workshop."""
    return CliRunner().invoke(cli, ["workshop", *arguments], input=stdin)


def written(*arguments: str) -> dict[str, str]:
    """The JSON that a command writes."""
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    body: dict[str, str] = json.loads(result.stdout)
    return body


def answer_with(put_body: dict[str, str]) -> str:
    """What a pool answers to a car in session 00, which is what a CPS writes."""
    return json.dumps({"signedContractDataCollection": [put_body]})


def assert_one_line(result: Result, *words: str) -> None:
    """It failed, and said why without a traceback."""
    assert result.exit_code in (1, 2)
    assert isinstance(result.exception, SystemExit)
    last = result.stderr.splitlines()[-1]
    assert last.startswith("Error: ")
    assert all(word in last for word in words), last


@pytest.mark.usefixtures("workshop")
def test_a_contract_goes_from_the_cps_to_the_car() -> None:
    """What `contract` writes is installed after `request`, and once more if it comes again."""
    contract = written("contract")
    written("request", "--session-id", "00")
    answer = answer_with(contract)
    for _ in range(2):
        result = run("install", stdin=answer)
        assert result.exit_code == 0, result.output
        assert result.output.count("✓") == 6
    assert Path(f"workshop/iso2/cars/{PCID}/installed/{contract['emaid']}.key").exists()


def whole_answer(*put_bodies: dict[str, str], session_id: str, milliseconds: bool = False) -> str:
    """What a pool makes of contracts of ISO 15118-20: their messages, which count down."""
    items = []
    for remaining, body in zip(reversed(range(len(put_bodies))), put_bodies, strict=True):
        message = decode(b64decode(body["certificateInstallationRes"]))
        assert isinstance(message.header, iso20.Header)
        assert isinstance(message.body, iso20.CertificateInstallationRes)
        message.header.session_id = bytes.fromhex(session_id)
        message.header.time_stamp *= 1000 if milliseconds else 1
        message.body.remaining_contract_certificate_chains = remaining
        exi = base64.b64encode(encode(message)).decode()
        items.append(body | {"certificateInstallationRes": exi})
    return json.dumps({"signedContractDataCollection": items})


@pytest.mark.usefixtures("workshop")
def test_contracts_of_20_go_from_the_cps_to_the_car() -> None:
    """Two contracts, a request with all that only ISO 15118-20 has, and both are installed."""
    emaids = ["DEWRKC00000021", "DEWRKC0000002200000000000000000000"]
    contracts = [written("contract", "--edition", "20", "--emaid", emaid) for emaid in emaids]
    options = ("--maximum", "2", "--prioritize", "de-wrk-c00000021", "--time-unit", "milliseconds")
    session_id = "2A3DC6D75411F647"
    request = written("request", "--edition", "20", "--session-id", session_id, *options)
    message = decode(b64decode(request["certificateInstallationReq"]))
    assert isinstance(message.body, iso20.CertificateInstallationReq)
    assert message.body.maximum_contract_certificate_chains == 2
    assert message.body.prioritized_emaids == emaids[:1]
    assert message.header.time_stamp > 10**12
    answer = whole_answer(*contracts, session_id=session_id, milliseconds=True)
    result = run("install", "--edition", "20", stdin=answer)
    assert result.exit_code == 0, result.output
    for emaid in emaids:
        path = f"workshop/iso20/cars/{PCID_20}/installed/{emaid}.pem"
        assert f"Installed in {path}\n" in result.output
        assert Path(path).exists()
    assert message.body.oem_provisioning_certificate_chain.sub_certificates


@pytest.mark.usefixtures("workshop")
def test_the_car_of_20_remembers_what_it_has_asked_for() -> None:
    """More contracts than it has room for, or a time in another unit, is no answer to it."""
    contracts = [
        written("contract", "--edition", "20", "--emaid", f"DEWRKC0000002{number}")
        for number in (1, 2)
    ]
    session_id = "2A3DC6D75411F647"
    answer = whole_answer(*contracts, session_id=session_id)
    for options, words in (
        (("--maximum", "1"), "asked for 1 at most"),
        (("--time-unit", "microseconds"), "is not the present in microseconds"),
        (("--root", "B"), "ends in no root of this car"),
    ):
        written("request", "--edition", "20", "--session-id", session_id, *options)
        result = run("install", "--edition", "20", stdin=answer)
        assert_one_line(result, "installs nothing")
        assert words in result.stdout
        assert not Path(f"workshop/iso20/cars/{PCID_20}/installed").exists()


@pytest.mark.usefixtures("workshop")
def test_what_is_of_20_alone_is_no_option_of_2() -> None:
    """A car of ISO 15118-2 asks for one contract, and does not say when."""
    for option in (("--maximum", "2"), ("--prioritize", "DEWRKC1"), ("--time-unit", "seconds")):
        assert_one_line(run("request", *option), option[0], "ISO 15118-2;", "--edition 20")


@pytest.mark.usefixtures("workshop")
def test_wrong_input_for_20_is_told_in_one_line() -> None:
    """Its PCIDs and session ids have one length, and at most eight contracts come first."""
    assert_one_line(run("car", "--edition", "20", "--pcid", PCID), f"'{PCID}'", "18 letters")
    assert_one_line(run("request", "--edition", "20", "--session-id", "00"), "'00'", "8 bytes")
    assert_one_line(run("request", "--edition", "20", "--maximum", "0"), "--maximum")
    assert_one_line(run("request", "--edition", "20", "--maximum", "256"), "--maximum")
    assert_one_line(run("request", "--edition", "20", "--prioritize", "DE-X"), "'DE-X'", "14 to 36")
    many = [part for n in range(9) for part in ("--prioritize", f"DEWRKC0000000{n}")]
    assert_one_line(run("request", "--edition", "20", *many), "at most 8")
    assert_one_line(run("contract", "--edition", "20", "--fault", "emaid-swapped"), "--edition 20")
    assert_one_line(run("contract", "--edition", "3"), "'3'")


@pytest.mark.usefixtures("workshop")
def test_a_contract_keeps_its_certificate() -> None:
    """CPS A and CPS B sign the same contract certificate, for the same EMAID and PCID."""
    bodies = [written("contract", "--root", root) for root in "AB"]
    first, second = (decode(b64decode(b["certificateInstallationRes"])).body for b in bodies)
    assert first.contract_signature_cert_chain == second.contract_signature_cert_chain
    fingerprints = {body["cpsV2GRootCertificateFingerprint"] for body in bodies}
    assert len(fingerprints) == 2


@pytest.mark.usefixtures("workshop")
def test_identifiers_are_normalised() -> None:
    """An EMAID with hyphens and a PCID in lower case are the ones meant."""
    body = written("contract", "--emaid", "de-wrk-c00000001-k", "--pcid", PCID.lower())
    assert (body["emaid"], body["pcid"]) == ("DEWRKC00000001K", PCID)


@pytest.mark.usefixtures("workshop")
def test_output_goes_where_it_is_told() -> None:
    """With -o the body is in a file, and nothing on standard output."""
    result = run("contract", "-o", "put.json")
    assert (result.exit_code, result.output) == (0, "")
    assert json.loads(Path("put.json").read_text())["pcid"] == PCID


@pytest.mark.usefixtures("workshop")
@pytest.mark.parametrize(
    ("edition", "name"),
    [(edition, name) for edition in EDITIONS for name in CONTRACT_FAULTS[edition]],
    ids=str,
)
def test_every_contract_fault_has_its_name(edition: Edition, name: str) -> None:
    """`--fault` makes each, and leaves the good contract behind for the next time."""
    command = ("contract", "--edition", edition.number)
    spoilt = written(*command, "--fault", name)
    good = written(*command)
    assert spoilt.keys() == good.keys()
    assert spoilt["certificateInstallationRes"] != good["certificateInstallationRes"]


@pytest.mark.usefixtures("workshop")
@pytest.mark.parametrize(
    ("edition", "name"),
    [(edition, name) for edition in EDITIONS for name in REQUEST_FAULTS[edition]],
    ids=str,
)
def test_every_request_fault_has_its_name(edition: Edition, name: str) -> None:
    """`--fault` makes each."""
    command = ("request", "--edition", edition.number)
    assert written(*command, "--fault", name).keys() == written(*command).keys()


@pytest.mark.parametrize(
    ("edition", "options"), [(EDITION_2, []), (EDITION_20, ["--edition", "20"])], ids=str
)
def test_faults_are_listed(edition: Edition, options: list[str]) -> None:
    """`faults` has every name of an edition."""
    listed = run("faults", *options).output
    for name in (*CONTRACT_FAULTS[edition], *REQUEST_FAULTS[edition]):
        assert f" {name} " in listed


@pytest.mark.usefixtures("workshop")
def test_the_car_says_what_it_refuses() -> None:
    """A spoilt contract, an answer of another session, and one that is none."""
    written("request", "--session-id", "00")
    refused = run("install", stdin=answer_with(written("contract", "--fault", "unsigned")))
    assert_one_line(refused, "installs nothing")
    assert "✗ The answer is not signed." in refused.stdout
    answer = answer_with(written("contract"))
    written("request")
    assert "✗ The session id" in run("install", stdin=answer).stdout
    answers: list[Any] = ["", "[]", "{}", '{"signedContractDataCollection": [{}]}', '"text"']
    for text in answers:
        assert_one_line(run("install", stdin=text), "no message for a car")


@pytest.mark.usefixtures("workshop")
def test_wrong_input_is_told_in_one_line() -> None:
    """Identifiers, names of faults and roots, files: the value is named, and what was wanted."""
    assert_one_line(run("contract", "--emaid", "DE-X"), "'DE-X'", "EMAID")
    assert_one_line(run("contract", "--emaid", "DEWRKC000000010000"), "14 or 15")
    assert_one_line(run("contract", "--pcid", "short"), "'short'", "PCID")
    assert_one_line(run("contract", "--pcid", "WRKSH0PCAR0000009"), "ccp workshop car")
    assert_one_line(run("contract", "--fault", "nothing"), "'nothing'", "ccp workshop faults")
    assert_one_line(run("contract", "--root", "C"), "'C'")
    assert_one_line(run("contract", "-o", "no/folder/put.json"), "no/folder/put.json")
    assert_one_line(run("request", "--session-id", "xyz"), "'xyz'", "8 bytes")
    assert_one_line(run("install", "nothing.json"), "nothing.json")


def test_what_is_missing_is_told(folder: Path) -> None:
    """Without PKI, car or request each command says which one to run first."""
    assert_one_line(run("car"), "ccp workshop pki")
    assert run("pki").exit_code == 0
    assert_one_line(run("contract"), "ccp workshop car")
    assert run("car").exit_code == 0
    assert_one_line(run("install", stdin="{}"), "ccp workshop request")
    assert_one_line(run("pki"), "there already")
    assert_one_line(run("car"), "there already")


def test_another_folder_is_another_workshop(folder: Path) -> None:
    """With --folder all is there."""
    assert run("pki", "--folder", "elsewhere").exit_code == 0
    assert run("car", "-f", "elsewhere").exit_code == 0
    assert [path.name for path in folder.iterdir()] == ["elsewhere"]


@pytest.mark.parametrize("command", ["pki", "car", "contract", "request", "install", "demo"])
def test_every_command_has_help(command: str) -> None:
    """--help tells what it does, in a sentence at least."""
    result = run(command, "--help")
    assert result.exit_code == 0
    assert "." in result.output.partition("Options:")[0]


@pytest.mark.usefixtures("workshop")
def test_a_car_reads_the_answer_before_its_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a pipe behind `request`, `install` waits for the answer, and with it for the request."""
    happened = []
    load = Folder.load_session
    answer = answer_with(written("contract")).encode()

    class Answer(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            happened.append("answer")
            return super().read(size)

    def load_session(folder: Folder, pcid: str, pki: Pki) -> Session:
        happened.append("session")
        return load(folder, pcid, pki)

    written("request", "--session-id", "00")
    monkeypatch.setattr(Folder, "load_session", load_session)
    assert run("install", stdin=Answer(answer)).exit_code == 0
    assert happened[-1] == "session"
    assert set(happened) == {"answer", "session"}


def test_the_command_runs_in_a_process_of_its_own(tmp_path: Path) -> None:
    """A pipe of two: the exit status and the one line of standard error reach the shell."""
    command = [sys.executable, "-m", "ccp.cli", "workshop", "car"]
    ran = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == "Error: workshop has no PKI; `ccp workshop pki` makes one\n"


def test_a_contract_is_revoked_without_a_pool(workshop: Path) -> None:
    """Once; and only one that there is."""
    assert written("contract", "--emaid", "DEWRKC00000007")
    assert run("revoke", "--emaid", "DEWRKC00000007").stdout == "Revoked DEWRKC00000007\n"
    listed = run("revoked").stdout
    assert listed == "DEWRKC00000007 is revoked: cessationOfOperation\n"
    for emaid, told in (
        ("DEWRKC00000007", "is revoked already"),
        ("DEWRKC00000008", "there is no"),
    ):
        result = run("revoke", "--emaid", emaid)
        assert (result.exit_code, result.stdout) == (1, "")
        assert told in result.stderr


def test_certificates_name_a_service_when_asked_to(folder: Path) -> None:
    """Those of the PKI, and of what it issues later; not the roots, and by default none does."""
    assert run("pki", "--pki-url", "http://pki.example").exit_code == 0
    assert run("car").exit_code == 0
    assert written("contract")
    named = {
        str(path.relative_to(folder / "workshop" / "iso2"))
        for path in (folder / "workshop" / "iso2").rglob("*.pem")
        if b"http://pki.example/ocsp" in b64decode(b"".join(path.read_bytes().splitlines()[1:-1]))
    }
    cas = {
        f"{of}/{ca}.pem" for of in ("emsp", "oem", "cps-a", "cps-b") for ca in ("sub-1", "sub-2")
    }
    leaves = {"cps-a/cps.pem", "cps-b/cps.pem", f"cars/{PCID}/provisioning.pem"}
    assert named == cas | leaves | {"contracts/DEWRKC00000001/contract.pem"}
