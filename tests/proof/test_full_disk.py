"""A disk that takes no more: what is stored can be read, nothing is half written, it goes on."""

import resource

from ccp.commands.checking import all_problems
from tests.builders import BASE, VALID_TODAY, installation_res, put_body
from tests.contract.conformance import assert_error
from tests.running import serving

SIGNED = f"{BASE}/signedcontractdata"
NO_ROOM = "The pool has no room to store this. Nothing was changed; try again later."


def put(client, number):
    """Put a contract in."""
    emaid, pcid = f"DEICE{number:09}", f"WAUZZZ4B0CC{number:06}"
    body = put_body(installation_res(emaid, **VALID_TODAY), emaid=emaid, pcid=pcid)
    return client.put(SIGNED, json=body)


def limit(pool, size):
    """Let no file of the pool grow beyond a size, from now on."""
    for pid in (pool.process.pid, *pool.workers):
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))


def test_a_full_disk_costs_nothing_but_writes(tmp_path):
    """Writes are told so, with 503; reads go on; and with room again so do writes."""
    with serving(tmp_path, workers=2) as pool, pool.client() as client:
        stored = 0
        limit(pool, 600_000)
        while (answer := put(client, stored)).status_code == 201:
            stored += 1
            assert stored < 500
        assert stored > 10
        for _ in range(5):
            assert_error(put(client, stored), 503, NO_ROOM)
        assert answer.headers["retry-after"] == "60"
        first = "DEICE000000000"
        default = f"{SIGNED}/{first}/WAUZZZ4B0CC000000/setdefault"
        for refused in (client.delete(f"{SIGNED}/{first}"), client.post(default)):
            assert refused.status_code in (200, 503)  # there may be room for that little
        for number in range(1, stored):
            assert client.get(f"{BASE}/contractData/emaid/DEICE{number:09}").status_code == 200
        assert client.get(f"{BASE}/contractData/emaid/DEICE{stored:09}").status_code == 404
        limit(pool, resource.RLIM_INFINITY)
        for number in range(stored, stored + 10):
            assert put(client, number).status_code == 201
    assert list(all_problems(tmp_path / "ccp.db")) == []
    assert "the disk takes no more" in pool.log  # for the operator, with the reason
