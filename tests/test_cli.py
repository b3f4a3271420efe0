"""The command line: what it writes, and that whatever is wrong is told in one line."""

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
from ccp.iso15118 import decode
from ccp.workshop import CONTRACT_FAULTS, REQUEST_FAULTS
from ccp.workshop.folder import Folder

ROOT = Path(__file__).parents[1]
PCID = "WRKSH0PCAR0000001"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """An empty folder to work in."""
    with chdir(tmp_path):
        yield tmp_path


@pytest.fixture
def workshop(folder: Path) -> Path:
    """The folder `workshop`, with a PKI and a car."""
    for command in ("pki", "car"):
        assert run(command).exit_code == 0
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
    assert Path(f"workshop/cars/{PCID}/installed/{contract['emaid']}.key").exists()


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
@pytest.mark.parametrize("name", CONTRACT_FAULTS)
def test_every_contract_fault_has_its_name(name: str) -> None:
    """`--fault` makes each, and leaves the good contract behind for the next time."""
    spoilt = written("contract", "--fault", name)
    good = written("contract")
    assert spoilt.keys() == good.keys()
    assert spoilt["certificateInstallationRes"] != good["certificateInstallationRes"]


@pytest.mark.usefixtures("workshop")
@pytest.mark.parametrize("name", REQUEST_FAULTS)
def test_every_request_fault_has_its_name(name: str) -> None:
    """`--fault` makes each."""
    assert written("request", "--fault", name).keys() == written("request").keys()


def test_faults_are_listed() -> None:
    """`faults` has every name."""
    listed = run("faults").output
    for name in (*CONTRACT_FAULTS, *REQUEST_FAULTS):
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


def test_a_demo_without_a_pool_does_not_begin(folder: Path) -> None:
    """Outside a checkout one line says so, before any step is told."""
    result = run("demo")
    assert_one_line(result, "checkout")
    assert result.output.count("\n") == 1


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

    def load_session(folder: Folder, pcid: str) -> tuple[bytes, list[str]]:
        happened.append("session")
        return load(folder, pcid)

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
