"""The server cleanses its pool: in one worker, beside requests, and with an end."""

import json
import os
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
from cryptography import x509

from ccp.store import read_audit_trail
from ccp.workshop import EDITION_2, EDITIONS, draft_contract, make_car, make_contract, make_pki
from ccp.workshop.folder import save_pkis
from ccp.workshop.pki_service import make_server
from ccp.workshop.revocation import Revoker
from tests.builders import BASE
from tests.clients.scripted import Says, scripted
from tests.running import Server, free_port, serving, wait_until
from tests.waiting import NEVER

NOW = datetime.now(UTC)
EVERY = {"cleanse_hours": "0.0001", "log_format": "json"}
# A pool that would wait for a responder for longer than a test does.
PATIENT = f"""
from ccp.clients import ocsp_crl
ocsp_crl._OCSP_SECONDS = {NEVER}
from wsgi import app
"""
URL = f"{BASE}/signedcontractdata"


class Workshop:
    """Test PKIs whose certificates name a service; contracts of theirs, as bodies of PUTs."""

    def __init__(self, folder: Path, pki_url: str) -> None:
        self.folder = folder
        pkis = [make_pki(one, at=NOW - timedelta(days=1), pki_url=pki_url) for one in EDITIONS]
        save_pkis(folder, pkis)
        self.trust = str(folder / "trust")
        self._pki = pkis[0]
        self._car = make_car(self._pki.oem, EDITION_2.pcid, at=NOW).leaf.certificate

    def put(self, client: httpx2.Client, emaid: str) -> x509.Certificate:
        """Put a contract into a pool; its certificate."""
        chain = make_contract(self._pki.emsp, emaid, at=NOW)
        draft = draft_contract(self._pki, emaid, self._car, at=NOW, contract=chain)
        assert client.put(URL, json=draft.put_body()).status_code == 201
        return chain.leaf.certificate


@contextmanager
def pki_service(workshop: Workshop, port: int) -> Iterator[Revoker]:
    """The real service that the workshop's certificates name."""
    revoker = Revoker(workshop.folder, lambda: datetime.now(UTC))
    with make_server(revoker, port, lambda _: None) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield revoker
        server.shutdown()


def cleanser(pool: Server) -> int:
    """The worker whose turn it is, as the system tells it."""
    found: list[int] = []

    def is_held() -> bool:
        turn = pool.folder / "ccp.db.cleansing"
        inode = turn.stat().st_ino if turn.exists() else None
        locks = Path("/proc/locks").read_text()
        holders = re.findall(rf"FLOCK +ADVISORY +WRITE (\d+) \w+:\w+:{inode} ", locks)
        found[:] = pool.workers & set(map(int, holders))
        return len(found) == 1

    wait_until(is_held)
    return found[0]


def revoked(pool: Server) -> int:
    """How many records have left as revoked, as the log tells."""
    lines = [json.loads(line) for line in pool.log.splitlines() if line.startswith("{")]
    done = [line for line in lines if line["event"] == "cleansing finished"]
    return sum(line["revoked"] for line in done)


def test_one_worker_does_it_and_another_takes_over(tmp_path: Path) -> None:
    """What is revoked leaves by itself, before and after that worker has been killed."""
    port = free_port()
    workshop = Workshop(tmp_path / "workshop", f"http://127.0.0.1:{port}")
    with (
        pki_service(workshop, port) as revoker,
        serving(tmp_path, workers=2, trust_dir=workshop.trust, **EVERY) as pool,
        pool.client() as client,
    ):
        for number, emaid in enumerate(("DEWRKC00000001", "DEWRKC00000002"), 1):
            revoker.revoke(workshop.put(client, emaid), x509.ReasonFlags.key_compromise)
            path = f"{BASE}/contractData/emaid/{emaid}"
            wait_until(lambda number=number: revoked(pool) == number)
            assert client.get(path).status_code == 404
            last = cleanser(pool)
            os.kill(last, signal.SIGKILL)
            wait_until(lambda last=last: last not in pool.workers)
            assert cleanser(pool) != last
    actions = [line.action for line in read_audit_trail(tmp_path / "ccp.db")]
    assert actions == ["put", "cleanse-revoked"] * 2
    assert "DEWRKC0000000" not in pool.log


def test_a_responder_that_hangs_holds_up_neither_requests_nor_the_end(tmp_path: Path) -> None:
    """Requests are answered meanwhile, and SIGTERM waits for nobody who does not answer."""
    (tmp_path / "patient.py").write_text(PATIENT)
    arguments = ("--graceful-timeout", str(NEVER), "patient:app")
    with scripted(Says(200, b"late", after=NEVER)) as service:
        workshop = Workshop(tmp_path / "workshop", service.root)
        with serving(tmp_path, *arguments, workers=2, trust_dir=workshop.trust, **EVERY) as pool:
            with pool.client() as client:
                workshop.put(client, "DEWRKC00000001")
                wait_until(lambda: service.asked)
                path = f"{BASE}/contractData/emaid/DEWRKC00000001"
                assert client.get(path).status_code == 200
                assert service.given_up == 0
            assert pool.end() == 0
            wait_until(lambda: service.given_up == len(service.asked))
    assert "Traceback" not in pool.log
    assert [line.action for line in read_audit_trail(tmp_path / "ccp.db")] == ["put"]


def test_a_pool_is_not_cleansed_unasked(tmp_path: Path) -> None:
    """By default nobody is asked, and no file is there to be locked."""
    with scripted(Says(500)) as service:
        workshop = Workshop(tmp_path / "workshop", service.root)
        with (
            serving(tmp_path, workers=1, trust_dir=workshop.trust) as pool,
            pool.client() as client,
        ):
            workshop.put(client, "DEWRKC00000001")
    assert service.asked == []
    assert not (tmp_path / "ccp.db.cleansing").exists()
