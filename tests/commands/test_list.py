"""`ccp list`: which contracts there are, as the API tells of them."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from starlette.testclient import TestClient

from ccp.cli import cli
from ccp.config.settings import server_settings
from ccp.domain.identifiers import ISO_15118_2, Emaid, Pcid
from ccp.handlers.add_signed_contract_data import handle
from ccp.policy.services import Services
from ccp.store import Store
from tests.awaited import awaited
from tests.builders import (
    BASE,
    EMAID_TEXT,
    ORIGIN,
    PCID_20_TEXT,
    PCID_TEXT,
    ROOT_A,
    ROOT_B,
    installation_res,
    record,
)
from tests.commands.conftest import OTHER, run, run_alone

SOON = datetime(2030, 1, 1, tzinfo=UTC)


def listed(*arguments: str) -> list[str]:
    """The EMAIDs of what is listed."""
    result = run("list", *arguments)
    assert result.exit_code == 0, result.output
    return [line.split()[0] for line in result.stdout.splitlines()[1:]]


def test_a_line_has_what_an_operator_looks_for(database: Path, store: Store) -> None:
    """EMAID, PCID, edition, expiry, root, and whether it is the default; in the order of puts."""
    store.put(record("NLZZZ123456789", pcid=PCID_TEXT, root=ROOT_A, valid_to=SOON), ORIGIN)
    lines = run("list").stdout.splitlines()
    assert [" ".join(line.split()) for line in lines] == [
        "EMAID PCID EDITION EXPIRES V2G ROOT DEFAULT",
        f"{EMAID_TEXT} {PCID_TEXT} ISO 15118-2 2026-06-01 - default",
        f"{OTHER} {PCID_20_TEXT} ISO 15118-20 2026-06-01 - default",
        f"NLZZZ123456789 {PCID_TEXT} ISO 15118-2 2030-01-01 {ROOT_A[:16]} -",
    ]


def test_list_headers_stand_above_their_columns(database: Path) -> None:
    """Also where a value is shorter than its column."""
    headers, first, second = run("list").stdout.splitlines()
    for header, values in {
        "PCID": (PCID_TEXT, PCID_20_TEXT),
        "EDITION": ("ISO", "ISO"),
        "EXPIRES": ("2026-06-01",) * 2,
        "DEFAULT": ("default",) * 2,
    }.items():
        assert (first.index(values[0]), second.index(values[1])) == (headers.index(header),) * 2


def test_json_is_what_the_api_answers(lab_client: TestClient, here: Path) -> None:
    """ContractDataV1, member for member."""

    body = {
        "emaid": EMAID_TEXT,
        "pcid": PCID_TEXT,
        "xsdMsgDefNamespace": "urn:iso:15118:2:2013:MsgDef",
        "certificateInstallationRes": base64.b64encode(installation_res()).decode(),
    }
    assert lab_client.put(f"{BASE}/signedcontractdata", json=body).status_code == 201
    answer = lab_client.get(f"{BASE}/contractData/emaid/{EMAID_TEXT}").json()
    lines = run("list", "--json").stdout.splitlines()
    assert [json.loads(line) for line in lines] == answer["contractDataCollection"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--emaid", "de-ice-copnccert"], [EMAID_TEXT]),
        (["--pcid", PCID_20_TEXT.lower()], [OTHER]),
        (["--provider", "FR-XYZ"], [OTHER]),
        (["--wmi", "wau"], [EMAID_TEXT, OTHER, "NLZZZ123456789"]),
        (["--wmi", "WVW"], []),
        (["--edition", "20"], [OTHER]),
        (["--root", ROOT_B.upper()], ["NLZZZ123456789"]),
        (["--expired"], [EMAID_TEXT, OTHER]),
        (["--expires-within", "36500"], [EMAID_TEXT, OTHER, "NLZZZ123456789"]),
        (["--expired", "--edition", "2"], [EMAID_TEXT]),
    ],
    ids=" ".join,
)
def test_options_select(
    database: Path, store: Store, options: list[str], expected: list[str]
) -> None:
    """Each by itself, and all of those that are given together."""
    future = datetime(2100, 1, 1, tzinfo=UTC)
    store.put(record("NLZZZ123456789", pcid=PCID_TEXT, root=ROOT_B, valid_to=future), ORIGIN)
    assert listed(*options) == expected


@pytest.mark.parametrize(
    "options",
    [
        ["--emaid", "DE"],
        ["--pcid", "short"],
        ["--provider", "DE"],
        ["--wmi", "WAUX"],
        ["--root", "abc"],
        ["--edition", "3"],
        ["--expires-within", "-1"],
        ["--expired", "--expires-within", "7"],
    ],
    ids=" ".join,
)
def test_a_wrong_call_is_told(database: Path, options: list[str]) -> None:
    """With the exit status of one, in a sentence."""
    result = CliRunner().invoke(cli, ["list", *options])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Error: " in result.stderr


@pytest.mark.parametrize(
    "command",
    [
        "list",
        "stats",
        "check",
        "audit",
        "export",
        "cleanse",
        f"show {EMAID_TEXT}",
        "backup copy.db",
        f"default {EMAID_TEXT} {PCID_TEXT}",
    ],
)
def test_command_without_a_database_says_how_one_is_made(here: Path, command: str) -> None:
    """In the same words in every command; none is made."""
    result = run(*command.split())
    assert (result.exit_code, result.stdout) == (1, "")
    told = f"Error: there is no database {here}/ccp.db; `ccp migrate` makes one\n"
    assert result.stderr == told
    assert not list(here.glob("*.db"))


@pytest.mark.parametrize("command", ["check no.db", "restore no.db", "restore no.db --yes"])
def test_command_without_its_file_says_so(database: Path, command: str) -> None:
    """In the same words too, and before anything is asked."""
    result = run(*command.split())
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: there is no database no.db\n"


def test_commands_in_lab_mode_take_a_name_that_is_no_pcid(
    here: Path, lab_services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`list` and `default` find the car of a simulator, `import` takes what `export` gave."""
    car = Pcid.parse_lab("OEMProvCert")
    lab_services.store.put(record(pcid=PCID_TEXT, emaid=OTHER), ORIGIN)
    answer = handle(
        lab_services,
        emaid=Emaid.parse(EMAID_TEXT),
        pcid=car,
        namespace=ISO_15118_2,
        installation_res_exi=installation_res(),
        origin=ORIGIN,
    )
    assert awaited(answer) == (None, 201)
    refused = run("list", "--pcid", car.text)
    assert (refused.exit_code, "is no PCID" in refused.output) == (2, True)
    monkeypatch.setenv("CCP_CHECKS", "lab")
    server_settings.cache_clear()
    assert listed("--pcid", "oemprovcert") == [EMAID_TEXT]
    assert run("default", EMAID_TEXT, car.text).exit_code == 0
    exported = run("export", "--pcid", car.text)
    assert exported.exit_code == 0
    other = f"sqlite:///{here}/other.db"
    for checks, status in (("strict", 1), ("lab", 0)):
        arguments = {"stdin": exported.stdout_bytes, "database_url": other, "checks": checks}
        assert run_alone(here, "import", **arguments).returncode == status
    monkeypatch.setenv("CCP_DATABASE_URL", other)
    server_settings.cache_clear()
    assert listed("--pcid", car.text) == [EMAID_TEXT]
