"""A disk that takes no more: what is stored can be read, nothing is half written, it goes on."""

import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccp.commands.checking import all_problems
from tests.builders import BASE, VALID_TODAY, installation_res, put_body
from tests.contract.conformance import assert_error
from tests.running import serving

FAILED = "The pool's disk reports an error. The request was not confirmed; try again later."
SIGNED = f"{BASE}/signedcontractdata"
NO_ROOM = "The pool has no room to store this. Nothing was changed; try again later."


def put(client, number):
    """Put a contract in."""
    emaid, pcid = f"DEICE{number:09}", f"WAUZZZ4B0CC{number:06}"
    body = put_body(installation_res(emaid, **VALID_TODAY), emaid=emaid, pcid=pcid)
    return client.put(SIGNED, json=body)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one MiB, in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)]
    if subprocess.run(mount, stderr=subprocess.DEVNULL).returncode:
        pytest.skip("only root can mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def limit(pool, size):
    """Let no file of the pool grow beyond a size, from now on."""
    for pid in (pool.process.pid, *pool.workers):
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))


def test_a_full_disk_costs_nothing_but_writes(tmp_path, disk):
    """Writes are told so, with 503; reads go on; and with room again so do writes."""
    database = f"sqlite:///{disk}/ccp.db"
    with serving(tmp_path, database_url=database) as pool, pool.client() as client:
        fill(client, NO_ROOM)
        subprocess.run(["mount", "-o", "remount,size=16m", str(disk)], check=True)
        for number in range(500, 510):
            assert put(client, number).status_code == 201
    assert list(all_problems(disk / "ccp.db")) == []
    assert "the disk is full" in pool.log  # for the operator, with the reason


def test_a_disk_that_fails_costs_nothing_but_writes(tmp_path):
    """As where a quota is used up, which SQLite does not take for a full disk."""
    with serving(tmp_path) as pool, pool.client() as client:
        limit(pool, 600_000)
        fill(client, FAILED)
        limit(pool, resource.RLIM_INFINITY)
        for number in range(500, 510):
            assert put(client, number).status_code == 201
    assert list(all_problems(tmp_path / "ccp.db")) == []
    assert "the disk reports an error" in pool.log


def fill(client, message):
    """Put contracts until the disk takes no more; what is stored can be read."""
    stored = 0
    while (answer := put(client, stored)).status_code == 201:
        stored += 1
        assert stored < 500
    assert stored > 10
    for _ in range(5):
        assert_error(put(client, stored), 503, message)
    assert answer.headers["retry-after"] == "60"
    first = "DEICE000000000"
    default = f"{SIGNED}/{first}/WAUZZZ4B0CC000000/setdefault"
    for refused in (client.delete(f"{SIGNED}/{first}"), client.post(default)):
        assert refused.status_code in (200, 503)  # there may be room for that little
    for number in range(1, stored):
        assert client.get(f"{BASE}/contractData/emaid/DEICE{number:09}").status_code == 200
    assert client.get(f"{BASE}/contractData/emaid/DEICE{stored:09}").status_code == 404
