"""`ccp export` and `ccp import`: what one pool gives, another one takes."""

import base64
import json
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from ccp.commands.importing import MOST_BYTES, lines_of
from ccp.config.settings import Settings
from ccp.domain.identifiers import ISO_15118_2, Emaid, Pcid
from ccp.store import SignedContractData, Store
from ccp.trust.folder import KINDS
from ccp.trust.kept_roots import KeptRoots
from ccp.workshop import (
    CONTRACT_FAULTS,
    EDITION_2,
    ContractDraft,
    draft_contract,
    make_car,
    make_pki,
)
from ccp.workshop.folder import save_trust
from tests.builders import EMAID_TEXT, ORIGIN, PCID_TEXT, record
from tests.commands.conftest import OTHER, run, run_alone

EMAIDS = [f"DEWRKC0000000{n}" for n in range(4)]


@cache
def _pki():
    """A PKI of today, as commands look at the clock."""
    return make_pki(EDITION_2, at=datetime.now(UTC) - timedelta(days=1))


@cache
def _car():
    return make_car(_pki().oem, PCID_TEXT, at=datetime.now(UTC) - timedelta(hours=1))


def draft(emaid: str = EMAIDS[0]) -> ContractDraft:
    """A contract that a pool of today takes."""
    return draft_contract(_pki(), emaid, _car().leaf.certificate, at=datetime.now(UTC), root="A")


def line(exi: bytes, emaid: str = EMAIDS[0], **changes: object) -> bytes:
    """A contract as it is exported."""
    fields = {
        "emaid": emaid,
        "pcid": PCID_TEXT,
        "xsdMsgDefNamespace": ISO_15118_2,
        "certificateInstallationRes": base64.b64encode(exi).decode(),
    }
    return json.dumps(fields | changes).encode() + b"\n"


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    """The folder of a strict pool that trusts the PKI of today; it has no database yet."""
    save_trust(tmp_path / "trust", _pki())
    return tmp_path


def records(database: Path) -> list[SignedContractData]:
    """All records of the car, in the order in which they were put."""
    store = Store(database)
    found = store.with_messages(store.find_by_pcid(Pcid.parse(PCID_TEXT), ISO_15118_2))
    store.close()
    return found[::-1]


def test_a_line_is_what_the_api_answers_an_oem(database: Path) -> None:
    """SignedContractDataV1: a message byte for byte, and which one is the default."""
    result = run("export")
    assert result.exit_code == 0
    first, second = map(json.loads, result.stdout.splitlines())
    assert (first["emaid"], first["pcid"], first["defaultContract"]) == (
        EMAID_TEXT,
        PCID_TEXT,
        True,
    )
    assert second["emaid"] == OTHER
    (selected,) = run("export", "-", "--edition", "20").stdout.splitlines()
    assert json.loads(selected) == second


def test_a_file_is_private_and_replaces_nothing(database: Path) -> None:
    """It has personal data; and what is there may be the only other copy."""
    assert run("export", "out.jsonl").exit_code == 0
    assert Path("out.jsonl").stat().st_mode & 0o777 == 0o600
    assert Path("out.jsonl").read_text() == run("export").stdout
    again = run("export", "out.jsonl")
    assert (again.exit_code, "File exists" in again.stderr) == (1, True)


def test_what_cannot_be_finished_is_not_left(here: Path) -> None:
    """Without a database no empty file stays that could be taken for an export."""
    assert run("export", "out.jsonl").exit_code == 1
    assert not Path("out.jsonl").exists()


def test_what_was_exported_is_imported(pool: Path) -> None:
    """Bytes, order, note and default of one pool are those of the other."""
    lines = [line(draft(emaid).exi(), emaid, metaData=f"note {emaid}") for emaid in EMAIDS]
    put = run_alone(pool, "import", stdin=b"".join(lines))
    assert (put.returncode, put.stdout) == (0, "4 stored, 0 were there already, 0 refused.\n")
    made = run_alone(pool, "default", EMAIDS[2], PCID_TEXT)
    assert made.returncode == 0, made.stderr
    assert run_alone(pool, "export", "out.jsonl").returncode == 0
    other = {"database_url": f"sqlite:///{pool}/other.db"}
    taken = run_alone(pool, "import", "out.jsonl", "--json", **other)
    assert json.loads(taken.stdout) == {"stored": 4, "there": 0, "refused": 0}
    before, after = records(pool / "ccp.db"), records(pool / "other.db")
    assert after == before
    assert [one.emaid.text for one in before] == EMAIDS
    assert [one.is_default for one in before] == [False, False, True, False]
    assert run_alone(pool, "export", **other).stdout == (pool / "out.jsonl").read_text()


def test_an_import_goes_on_where_it_was(pool: Path) -> None:
    """What is there, byte for byte, is passed over; nothing is written twice."""
    lines = [line(draft(emaid).exi(), emaid) for emaid in EMAIDS]
    run_alone(pool, "import", stdin=b"".join(lines[:2]))
    again = run_alone(pool, "import", stdin=b"".join(lines))
    assert again.stdout == "2 stored, 2 were there already, 0 refused.\n"
    trail = run_alone(pool, "audit").stdout.splitlines()
    assert [entry.split()[2:4] for entry in trail] == [["put", emaid] for emaid in EMAIDS]
    assert all(" ccp import (" in entry for entry in trail)


def test_another_message_replaces(pool: Path) -> None:
    """As a PUT does: only the very same is passed over."""
    run_alone(pool, "import", stdin=line(draft().exi()))
    newer = draft().exi()
    assert run_alone(pool, "import", stdin=line(newer)).stdout.startswith("1 stored")
    assert run_alone(pool, "import", stdin=line(newer, metaData="new")).stdout.startswith("1 st")
    (found,) = records(pool / "ccp.db")
    assert (found.installation_res_exi, found.meta_data) == (newer, "new")


def test_no_file_is_lost_for_a_report(pool: Path) -> None:
    """It is written once something is refused, and never over what is read."""
    content = line(draft().exi())
    (pool / "in.jsonl").write_bytes(content)
    (pool / "last.jsonl").write_text("the last report")
    both = run_alone(pool, "import", "in.jsonl", "--refused", "in.jsonl")
    assert (both.returncode, (pool / "in.jsonl").read_bytes()) == (2, content)
    run_alone(pool, "import", "in.jsonl", "--refused", "last.jsonl", checks="no")
    run_alone(pool, "import", "in.jsonl", "--refused", "last.jsonl")
    assert (pool / "last.jsonl").read_text() == "the last report"


@pytest.mark.parametrize("name", ["unsigned-emaid", "contract-expired", "cps-foreign-root"])
def test_what_a_put_refuses_is_refused(pool: Path, name: str) -> None:
    """With the words of the API, in a report; the others go in."""
    fault = CONTRACT_FAULTS[EDITION_2][name]
    content = (
        line(fault.apply_fault(draft()).exi()) + b"\n" + line(draft(EMAIDS[1]).exi(), EMAIDS[1])
    )
    result = run_alone(pool, "import", "--refused", "report.jsonl", stdin=content)
    assert (result.returncode, result.stdout) == (
        1,
        "1 stored, 0 were there already, 1 refused.\n",
    )
    (told,) = map(json.loads, (pool / "report.jsonl").read_text().splitlines())
    assert told["line"] == 1
    assert fault.told in " ".join(told["errorMessages"])
    assert f"Line 1: {' '.join(told['errorMessages'])}" in result.stderr
    assert [one.emaid.text for one in records(pool / "ccp.db")] == [EMAIDS[1]]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"nonsense\n", "not valid JSON"),
        (b"[]\n", "must be of type object"),
        (b"{}\n", "emaid : must not be null"),
        (line(b"\x80\x98"), "EXI format is invalid!"),
        (line(b"", emaid="short"), "emaid : size must be between 14 and 36"),
        (b'{"a":"' + b"x" * MOST_BYTES + b'"}\n', f"more than {MOST_BYTES} bytes"),
        (b'{"a":' * 40 + b"1" + b"}" * 40 + b"\n", "nested"),
        (b"\xff\xfe\n", "not valid JSON"),
    ],
    ids=["nonsense", "list", "empty", "exi", "emaid", "long", "deep", "no UTF-8"],
)
def test_whatever_a_line_is_the_next_one_is_read(pool: Path, content: bytes, told: str) -> None:
    """Each is told with its number, and nothing else."""
    result = run_alone(pool, "import", stdin=content + line(draft().exi()).rstrip())
    assert (result.returncode, result.stdout[:8]) == (1, "1 stored")
    assert result.stderr.startswith("Line 1: ")
    assert told in result.stderr
    assert "Traceback" not in result.stderr
    assert len(result.stderr) < 1000


def test_lab_mode_takes_what_a_lab_pool_takes(pool: Path) -> None:
    """By the settings of the environment."""
    wrong = CONTRACT_FAULTS[EDITION_2]["unsigned-emaid"].apply_fault(draft())
    result = run_alone(pool, "import", stdin=line(wrong.exi()), checks="lab")
    assert (result.returncode, result.stdout[:8]) == (0, "1 stored")
    assert "lab mode lets pass" in result.stderr


def test_a_car_without_a_default_is_given_none(pool: Path) -> None:
    """Which contract a driver pays with is never chosen for them."""
    lines = [line(draft(emaid).exi(), emaid) for emaid in EMAIDS[:2]]
    run_alone(pool, "import", stdin=b"".join(lines))
    store = Store(pool / "ccp.db")
    store.delete(Emaid.parse(EMAIDS[0]), ORIGIN)
    store.close()
    exported = run_alone(pool, "export").stdout
    assert json.loads(exported)["defaultContract"] is False
    other = {"database_url": f"sqlite:///{pool}/other.db"}
    assert run_alone(pool, "import", stdin=exported.encode(), **other).returncode == 0
    assert [one.is_default for one in records(pool / "other.db")] == [False]


def test_a_default_of_one_edition_is_none_of_the_other(store: Store) -> None:
    """A contract that is put as the default is so in its own namespace alone."""
    for namespace in (ISO_15118_2, "other"):
        store.put(record(EMAIDS[0], namespace=namespace), ORIGIN)
    store.put(record(EMAIDS[1]), ORIGIN)
    store.put(record(EMAIDS[1], namespace="other"), ORIGIN, default=True)
    car = Pcid.parse(PCID_TEXT)
    (in_2,) = store.find_default(car, ISO_15118_2)
    (in_other,) = store.find_default(car, "other")
    assert [in_2.emaid.text, in_other.emaid.text] == EMAIDS[:2]


def test_a_default_is_moved_by_a_later_import(pool: Path) -> None:
    """Though all is there already; and one that is none no longer stays what it is."""
    lines = [line(draft(emaid).exi(), emaid) for emaid in EMAIDS[:2]]
    run_alone(pool, "import", stdin=b"".join(lines))
    moved = json.dumps(json.loads(lines[1]) | {"defaultContract": True}).encode()
    assert run_alone(pool, "import", stdin=moved).stdout.startswith("1 stored")
    assert run_alone(pool, "import", stdin=moved).stdout.startswith("0 stored, 1 were there")
    by_emaid = {one.emaid.text: one.is_default for one in records(pool / "ccp.db")}
    assert by_emaid == {EMAIDS[0]: False, EMAIDS[1]: True}


def test_roots_that_a_root_pool_gave_are_trusted(pool: Path) -> None:
    """As by the pool itself, when it starts while the root pool is down."""
    (pool / "trust").rename(pool / "files")
    (pool / "trust").mkdir()
    url = "http://127.0.0.1:1"
    asks = {"rcp_url": url, "trust_dir": "trust"}
    content = line(draft().exi())
    assert "trusts" in run_alone(pool, "import", stdin=content, **asks).stderr
    roots = {
        kind: [_pki().v2g_root("A").certificate.public_bytes(Encoding.DER)]
        if kind == "v2g"
        else [_pki().emsp.root.certificate.public_bytes(Encoding.DER)]
        for kind in KINDS
    }
    settings = {"CCP_DATABASE_URL": f"sqlite:///{pool}/ccp.db", "CCP_RCP_URL": url}
    KeptRoots(Settings.from_environment(settings)).save(roots)
    assert run_alone(pool, "import", stdin=content, **asks).stdout.startswith("1 stored")
    told = run_alone(pool, "check-config", **asks).stdout
    assert "anchors   v2g 1, emsp 1, oem 1" in told


def test_lines_are_read_within_bounds(tmp_path: Path) -> None:
    """Of one that is too long no more than shows it; the last one may have no end."""
    (tmp_path / "lines").write_bytes(b"a\n\n" + b"x" * (3 * MOST_BYTES) + b"\nb\r\nc")
    with (tmp_path / "lines").open("rb") as file:
        found = list(lines_of(file))
    assert [found[0], found[1], *found[3:]] == [b"a", b"", b"b", b"c"]
    assert MOST_BYTES < len(found[2]) <= MOST_BYTES + 2
