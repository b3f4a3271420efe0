"""A pool as it is run loses anchors: at a reload, and between two starts."""

import shutil
import signal
from pathlib import Path

from ccp.workshop import EDITION_2, REQUEST_FAULTS
from ccp.workshop.folder import Folder
from ccp.workshop.pki import fingerprint
from tests.running import Server, assert_clean, refused_start, serving, wait_until
from tests.test_trusting_server import URL, contract, pki_of, request

FORGED = REQUEST_FAULTS[EDITION_2]["provisioning-foreign-root"]
OPERATORS = {"operations_bind": "127.0.0.1:0"}


def reload(server: Server) -> None:
    """Send SIGHUP, and wait until new workers serve."""
    old, serving_before = server.workers, server.log.count("ASGI server listening")
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: server.workers and not server.workers & old)
    wait_until(lambda: server.log.count("ASGI server listening") >= serving_before + 2)


def readiness(server: Server) -> tuple[int, str]:
    """Return the status of readiness, and what it says of anchors."""
    with server.operators as operators:
        answer = operators.get("/health/ready")
        return answer.status_code, answer.json()["checks"]["anchors"]


def status_of_forged_request(server: Server) -> int:
    """Return the status that a car under a foreign OEM root gets."""
    with server.client() as client:
        body = FORGED.apply_fault(request()).post_body()
        return client.post(URL, json=body).status_code


def test_server_oem_anchors_removed_reload_is_refused(tmp_path: Path) -> None:
    """A forged request stays refused, readiness says why, and what is put back is taken."""
    Folder(tmp_path / "pki").save_pki(pki_of(EDITION_2))
    oem = tmp_path / "pki" / "trust" / "oem"
    with serving(tmp_path, workers=1, trust_dir="pki/trust", **OPERATORS) as server:
        with server.client() as client:
            assert client.put(URL, json=contract().put_body()).status_code == 201
        assert status_of_forged_request(server) == 400
        wait_until(lambda: readiness(server) == (200, "ok"))
        shutil.move(oem, tmp_path / "away")
        reload(server)
        refusal = "CCP_TRUST_DIR: there are no oem anchors any more"
        assert f"The pool goes on as it was.\n{refusal}" in server.log
        assert status_of_forged_request(server) == 400
        status, said = readiness(server)
        assert status == 503
        assert refusal in said
        with server.client() as client:
            assert client.post(URL, json=request().post_body()).status_code == 200
        shutil.move(tmp_path / "away", oem)
        reload(server)
        wait_until(lambda: readiness(server) == (200, "ok"))
        assert server.end() == 0
    shutil.rmtree(oem)
    status, output = refused_start(tmp_path, trust_dir="pki/trust")
    assert status == 1
    assert_clean(output)
    assert "pki/trust had oem anchors when the pool last started, and has none now" in output
    (tmp_path / "ccp.db.anchors").unlink()
    with serving(tmp_path, workers=1, trust_dir="pki/trust") as server:
        assert "Chains of cars are not verified" in server.log


def test_server_provider_table_removed_reload_is_refused(tmp_path: Path) -> None:
    """A contract of a provider that the eMSP root may not issue for stays refused."""
    pki = pki_of(EDITION_2)
    Folder(tmp_path / "pki").save_pki(pki)
    table = tmp_path / "pki" / "trust" / "emsp.toml"
    table.write_text(f'{fingerprint(pki.emsp.root)} = ["DEABC"]\n')
    with serving(tmp_path, workers=1, trust_dir="pki/trust", **OPERATORS) as server:
        for _ in range(2):
            with server.client() as client:
                answer = client.put(URL, json=contract().put_body())
            assert answer.status_code == 400
            assert "may not issue contracts of the provider" in answer.text
            table.unlink(missing_ok=True)
            reload(server)
        status, said = readiness(server)
        assert status == 503
        assert "emsp.toml is not there any more" in said


def test_server_protected_mode_without_oem_anchors_is_refused(tmp_path: Path) -> None:
    """Unless it is waived by the setting."""
    Folder(tmp_path / "pki").save_pki(pki_of(EDITION_2))
    shutil.rmtree(tmp_path / "pki" / "trust" / "oem")
    given = {"host": "0.0.0.0", "auth": "none", "trust_dir": "pki/trust"}  # noqa: S104
    status, output = refused_start(tmp_path, **given)
    assert status == 1
    assert_clean(output)
    assert "OEM trust anchors in CCP_TRUST_DIR" in output
    with serving(tmp_path, workers=1, oem_anchors="optional", **given) as server:
        assert "Chains of cars are not verified" in server.log
