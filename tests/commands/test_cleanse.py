"""`ccp cleanse`, started as people start it: what it shows, and its exit status."""

import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ccp.store import Store, read_audit_trail
from ccp.workshop import EDITION_2
from tests.builders import BASE, NOW, ORIGIN, record
from tests.cleansing.world import EMAIDS, World
from tests.clients.scripted import Says, scripted
from tests.commands.conftest import run_alone
from tests.running import serving

PCID = EDITION_2.pcid
Ran = subprocess.CompletedProcess[str]
Cleanse = Callable[..., Ran]


@pytest.fixture
def cleanse(tmp_path: Path) -> Cleanse:
    """Runs the command on the pool of this test."""
    given = {
        "database_url": f"sqlite:///{tmp_path}/ccp.db",
        "trust_dir": f"{tmp_path}/workshop/trust",
    }
    return lambda *arguments, **variables: run_alone(
        tmp_path, "cleanse", *arguments, **(given | variables)
    )


@pytest.fixture
def today(tmp_path: Path, store: Store) -> Iterator[World]:
    """A pool with two good contracts and one that has expired; its present is the command's."""
    with scripted(Says(500)) as service:
        world = World(tmp_path, store, service, now=datetime.now(UTC))
        world.put(EMAIDS[0])
        world.put(EMAIDS[1])
        store.put(record(EMAIDS[2], PCID, valid_to=NOW), replace(ORIGIN, at=world.now))
        yield world


def test_each_that_leaves_is_shown_and_all_are_counted(today: World, cleanse: Cleanse) -> None:
    """Contract, car and reason; the second time there is nothing left to do."""
    today.revoke(today.contract(EMAIDS[0]).leaf)
    expected = [
        f"{EMAIDS[2]} {PCID} expired: valid until 2025-06-01T12:00:00Z",
        f"{EMAIDS[0]} {PCID} revoked: the contract certificate is revoked",
        "records 3, expired 1, revoked 1, unreachable 0, without url 0, unproved 0, kept 1",
    ]
    would = cleanse("--dry-run")
    assert (would.returncode, would.stderr, would.stdout.splitlines()) == (0, "", expected)
    assert len(today.records()) == 3
    did = cleanse()
    assert (did.returncode, did.stderr, did.stdout.splitlines()) == (0, "", expected)
    assert today.emaids() == [EMAIDS[1]]
    assert today.trail() == ["cleanse-expired", "cleanse-revoked"]
    again = cleanse()
    assert again.stdout.splitlines() == [
        "records 1, expired 0, revoked 0, unreachable 0, without url 0, unproved 0, kept 1"
    ]


def test_json_has_everything(today: World, cleanse: Cleanse) -> None:
    """An object for each record, and one that counts."""
    today.revoke(today.pkis[EDITION_2].cps["A"].leaf)
    fingerprint = today.records()[-1].v2g_root_fingerprint
    *lines, counts = map(json.loads, cleanse("--json").stdout.splitlines())
    assert lines[1] == {
        "emaid": EMAIDS[0],
        "pcid": PCID,
        "namespace": EDITION_2.namespace,
        "v2g_root_fingerprint": fingerprint,
        "outcome": "revoked",
        "reason": "the CPS certificate is revoked",
        "leaves": True,
    }
    assert [line["outcome"] for line in lines] == ["expired", "revoked", "revoked"]
    assert counts == {
        "records": 3,
        "expired": 1,
        "revoked": 2,
        "unreachable": 0,
        "without_url": 0,
        "unproved": 0,
        "kept": 0,
    }


def test_what_could_not_be_asked_is_told_by_the_exit_status(today: World, cleanse: Cleanse) -> None:
    """1 where it was kept; where the setting has it removed, all is done as wanted."""
    today.ocsp = today.crl = False
    kept = cleanse()
    assert kept.returncode == 1
    first, second = kept.stdout.splitlines()[1:3]
    for line, emaid in ((first, EMAIDS[0]), (second, EMAIDS[1])):
        assert line.startswith(f"{emaid} {PCID} unreachable: the status of the ")
        assert line.endswith(", and it is kept")
    assert "unreachable 2, without url 0, unproved 0, kept 2" in kept.stdout
    assert today.emaids() == EMAIDS[:2]
    assert cleanse("--no-revocation").returncode == 0
    removed = cleanse(revocation_unreachable="remove")
    assert (removed.returncode, today.emaids()) == (0, [])


def test_without_revocation_nobody_is_asked(today: World, cleanse: Cleanse) -> None:
    """What has expired leaves all the same."""
    before = len(today.service.asked)
    assert cleanse("--no-revocation").stdout.splitlines()[0].startswith(f"{EMAIDS[2]} {PCID} ")
    assert len(today.service.asked) == before
    assert today.emaids() == EMAIDS[:2]


def test_it_works_beside_a_running_pool(today: World, cleanse: Cleanse, tmp_path: Path) -> None:
    """Which answers as if nothing had been there, and refuses to take it again."""
    body = today.draft(EMAIDS[0]).put_body()
    today.revoke(today.contract(EMAIDS[0]).leaf)
    trust = f"{tmp_path}/workshop/trust"
    with serving(tmp_path, workers=1, trust_dir=trust) as pool, pool.client() as client:
        path = f"{BASE}/contractData/emaid/{EMAIDS[0]}"
        assert client.get(path).status_code == 200
        assert cleanse().returncode == 0
        assert client.get(path).status_code == 404
        answer = client.put(f"{BASE}/signedcontractdata", json=body)
        told = ["The contract certificate has been revoked."]
        assert (answer.status_code, answer.json()["errorMessages"]) == (400, told)


def test_cleanse_too_many_records_is_refused_until_forced(
    tmp_path: Path, store: Store, cleanse: Cleanse
) -> None:
    """One sentence, which says how to look and how to do it all the same."""
    (tmp_path / "workshop" / "trust").mkdir(parents=True)
    now = replace(ORIGIN, at=datetime.now(UTC))
    for number in range(20):
        store.put(record(f"DEWRKC000000{number:02}", PCID, valid_to=NOW), now)
    refused = cleanse()
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == (
        "Error: At least 20 of 20 records would leave in one run, and 20 % may"
        " (CCP_CLEANSE_MAX_PERCENT). `ccp cleanse --dry-run` shows them; if they are to leave,"
        " `ccp cleanse --force` removes them.\n"
    )
    assert "expired 20" in cleanse("--dry-run").stdout
    assert "expired 20" in cleanse(cleanse_max_percent="100", audit_days="1").stdout
    store.put(record(valid_to=NOW), replace(ORIGIN, at=NOW))
    jumped = cleanse("--no-revocation")
    assert jumped.returncode == 1
    assert "(CCP_CLEANSE_CLOCK_DAYS)" in jumped.stderr
    assert "expired 1" in cleanse("--no-revocation", "--force", audit_days="1").stdout
    *_, last = read_audit_trail(tmp_path / "ccp.db")
    assert last.action == "trim"
    assert str(last.subject).startswith("ccp cleanse (")
    assert ": removed lines written before 20" in str(last.subject)


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"database_url": "sqlite:///none.db"}, "there is no database none.db"),
        ({"trust_dir": "nowhere"}, "CCP_TRUST_DIR: there is no folder nowhere"),
        ({"revocation_unreachable": "maybe"}, "CCP_REVOCATION_UNREACHABLE: must be keep or remove"),
    ],
)
def test_what_cannot_be_is_told_in_a_line(
    cleanse: Cleanse, tmp_path: Path, variables: dict[str, str], told: str
) -> None:
    """And nothing is made or changed."""
    Store(tmp_path / "ccp.db").close()
    (tmp_path / "workshop" / "trust").mkdir(parents=True)
    ran = cleanse(**variables)
    assert (ran.returncode, ran.stdout) == (1, "")
    (line,) = ran.stderr.splitlines()
    assert line.startswith("Error: ")
    assert told in line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ccp.db", "workshop"]
