"""`ccp audit`: what it shows of the trail, and what it says where there is none."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ccp.cli import cli
from ccp.config.settings import server_settings
from ccp.domain.identifiers import Emaid
from ccp.domain.origin import Origin
from ccp.store import Store
from tests.builders import EMAID_TEXT, NOW, ORIGIN, PCID_TEXT, ROOT_A, record

OTHER = "FRXYZ123456789"
CPS = Origin(at=NOW, subject="CPS 1", roles=("cps", "emsp"), ids=("DEICE",), trace_id="trace-1")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The store of a pool whose settings the command finds."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CCP_DATABASE_URL", f"sqlite:///{tmp_path}/ccp.db")
    server_settings.cache_clear()
    store = Store(tmp_path / "ccp.db")
    yield store
    store.close()
    server_settings.cache_clear()


def run(*arguments: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(cli, ["audit", *arguments])


def test_a_line_for_each_write(store: Store) -> None:
    """Number, moment, action, contract, car, who and in which request."""
    store.put(record(), CPS)
    store.delete(Emaid.parse(EMAID_TEXT), ORIGIN)
    first, second = run().stdout.splitlines()
    number, at, *rest = first.split()
    assert (number, at[-1]) == ("1", "Z")
    assert rest == ["put", EMAID_TEXT, PCID_TEXT, "trace-1", "cps,emsp", "DEICE", "CPS", "1"]
    assert second.split()[2:] == ["delete", EMAID_TEXT, PCID_TEXT, "-", "-", "-", "-"]


def test_json_has_everything(store: Store) -> None:
    """For machines, an object a line, with what the table leaves out."""
    store.put(record(), CPS)
    (line,) = map(json.loads, run("--json").stdout.splitlines())
    assert line == {
        "number": 1,
        "at": "2025-06-01T12:00:00.000Z",
        "action": "put",
        "subject": "CPS 1",
        "roles": "cps,emsp",
        "ids": "DEICE",
        "trace_id": "trace-1",
        "emaid": EMAID_TEXT,
        "pcid": PCID_TEXT,
        "namespace": "urn:iso:15118:2:2013:MsgDef",
        "v2g_root_fingerprint": ROOT_A,
    }


def test_any_spelling_finds_a_contract_or_a_car(store: Store) -> None:
    """Ids are compared as the pool compares them."""
    store.put(record(), ORIGIN)
    store.put(record(OTHER), ORIGIN)
    store.put(record("FRXYZ999999999", "X" * 17), ORIGIN)
    assert len(run("--emaid", "fr-xyz-1234567892").stdout.splitlines()) == 1
    assert len(run("--pcid", PCID_TEXT.lower()).stdout.splitlines()) == 2
    assert len(run("--after", "2").stdout.splitlines()) == 1


def test_without_a_database_nothing_is_made(store: Store, tmp_path: Path) -> None:
    """Looking does not make a database."""
    (tmp_path / "ccp.db").unlink()
    result = run()
    assert (result.exit_code, result.stdout) == (1, "")
    assert "there is no database" in result.stderr
    assert not (tmp_path / "ccp.db").exists()


@pytest.mark.parametrize("arguments", [["--emaid", "x"], ["--pcid", "x"], ["--after", "-1"]])
def test_what_is_no_id_is_told(arguments: list[str]) -> None:
    """In one line, with the exit code of a wrong call."""
    result = run(*arguments)
    assert result.exit_code == 2
    assert "Error: Invalid value for" in result.stderr
