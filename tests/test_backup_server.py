"""A backup of a pool at work: another pool that is given it answers byte for byte the same."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from threading import Event

from tests.builders import (
    BASE,
    VALID_TODAY,
    installation_req,
    installation_res,
    post_body,
    put_body,
)
from tests.running import ROOT, SECONDS, serving

SIGNED = f"{BASE}/signedcontractdata"


def ids(number: int) -> tuple[str, str]:
    """A contract and its car."""
    return f"DEICE{number:09}", f"WAUZZZ4B0CC{number:06}"


def put(client, number: int) -> None:
    """Put a contract in; it has to be acknowledged."""
    emaid, pcid = ids(number)
    body = put_body(installation_res(emaid, **VALID_TODAY), emaid=emaid, pcid=pcid)
    assert client.put(SIGNED, json=body).status_code == 201


def answers(client, number: int) -> list[tuple[int, bytes]]:
    """All that a pool has to say of a contract and its car."""
    emaid, pcid = ids(number)
    asked = [
        client.get(f"{BASE}/contractData/emaid/{emaid}"),
        client.get(f"{BASE}/contractData/pcid/{pcid}"),
        client.get(f"{SIGNED}/{emaid}/{pcid}", params={"sessionID": "0102030405060708"}),
        client.post(SIGNED, json=REQUESTS[number]),
    ]
    return [(answer.status_code, answer.content) for answer in asked]


REQUESTS = {n: post_body(installation_req(ids(n)[1], **VALID_TODAY)) for n in range(8)}


def ccp(folder: Path, *arguments: str) -> str:
    """Run `ccp` in a pool's folder, on its database."""
    environment = {name: value for name, value in os.environ.items() if name[:4] != "CCP_"}
    ran = subprocess.run(
        [sys.executable, "-m", "ccp.cli", *arguments],
        cwd=folder,
        env=environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_a_restored_pool_answers_the_same(tmp_path):
    """All that was acknowledged before the backup began, though more was put in meanwhile."""
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    with serving(here) as pool, pool.client() as client:
        for number in REQUESTS:
            put(client, number)
        enough, later = Event(), count(100)

        def write() -> int:
            written = 0
            with pool.client() as own:
                while not enough.is_set():
                    put(own, next(later))
                    written += 1
            return written

        with ThreadPoolExecutor(2) as writers:
            writing = [writers.submit(write) for _ in range(2)]
            ccp(here, "backup", f"{tmp_path}/copy.db")
            enough.set()
            assert all(future.result() > 0 for future in writing)
        expected = {number: answers(client, number) for number in REQUESTS}
        assert all(status == 200 for told in expected.values() for status, _ in told)
        # Into a pool that is running, and has others already.
        with serving(there) as other, other.client() as theirs:
            put(theirs, 50)
            assert ccp(there, "check", f"{tmp_path}/copy.db") == "Nothing is wrong.\n"
            ccp(there, "restore", f"{tmp_path}/copy.db", "--yes")
            assert {number: answers(theirs, number) for number in REQUESTS} == expected
            assert theirs.get(f"{BASE}/contractData/emaid/{ids(50)[0]}").status_code == 404
            put(theirs, 51)
            assert ccp(there, "check") == "Nothing is wrong.\n"


def test_a_pool_whose_database_was_moved_confirms_nothing_until_one_is_restored(tmp_path):
    """`mv ccp.db` under two workers, then `ccp restore`: both serve what was restored."""
    with serving(tmp_path, workers=2) as pool, pool.client() as client:
        put(client, 0)
        ccp(tmp_path, "backup", "copy.db")
        put(client, 1)
        (tmp_path / "ccp.db").rename(tmp_path / "moved.db")
        emaid, pcid = ids(2)
        body = put_body(installation_res(emaid, **VALID_TODAY), emaid=emaid, pcid=pcid)
        assert {_alone(pool, "PUT", SIGNED, json=body) for _ in range(10)} == {503}
        ccp(tmp_path, "restore", "copy.db", "--yes")
        assert {_alone(pool, "PUT", SIGNED, json=body) for _ in range(10)} == {201}
        for number, status in ((0, 200), (1, 404), (2, 200)):
            url = f"{BASE}/contractData/emaid/{ids(number)[0]}"
            assert {_alone(pool, "GET", url) for _ in range(10)} == {status}
    assert ccp(tmp_path, "check") == "Nothing is wrong.\n"
    stored = {json.loads(line)["emaid"] for line in ccp(tmp_path, "export").splitlines()}
    assert stored == {ids(0)[0], ids(2)[0]}


def _alone(pool, method: str, url: str, **what: object) -> int:
    """Ask in a connection of its own, which any worker may accept; the status."""
    with pool.client() as client:
        return client.request(method, url, **what).status_code
