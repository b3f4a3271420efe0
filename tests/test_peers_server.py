"""The pool among others, over real HTTP: peers that answer, hang or ask in circles; the PKI."""

import base64
import json
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from ccp.iso15118 import decode
from ccp.store import read_audit_trail
from ccp.workshop import EDITION_2, draft_contract, make_car, make_pki
from tests.builders import (
    BASE,
    EMAID_TEXT,
    PCID_TEXT,
    installation_req,
    installation_res,
    post_body,
    put_body,
)
from tests.clients.scripted import Says, scripted
from tests.issuer import bearer, ec_key, jwt_settings
from tests.running import assert_clean, free_port, refused_start, serving, wait_until
from tests.waiting import NEVER

URL = f"{BASE}/signedcontractdata"
NOW = datetime.now(UTC)
VALID = {"not_before": NOW - timedelta(days=1), "not_after": NOW + timedelta(days=1)}
SESSION = bytes.fromhex("2A3DC6D75411F647")
CONTRACT = put_body(installation_res(**VALID))
REQUEST = post_body(installation_req(session_id=SESSION, **VALID))
BROADCAST = {"broadcast": "true"}
# A pool that waits for its peers for longer than a test does.
PATIENT = f"""
from ccp.clients import clients
make = clients.PeerPools
clients.PeerPools = lambda pools, *, seconds, **limits: make(pools, seconds={NEVER}, **limits)
from wsgi import app
"""


def requests_of(server):
    """The log lines of the requests that a server has had."""
    lines = (json.loads(line) for line in server.log.splitlines() if line.startswith("{"))
    return [line for line in lines if line["event"] == "request"]


@pytest.fixture
def pools(tmp_path):
    """Starts pools, each in a folder of its own."""
    with ExitStack() as stack:

        def start(name, app="wsgi:app", **variables):
            folder = tmp_path / name
            folder.mkdir()
            (folder / "patient.py").write_text(PATIENT)
            variables["log_format"] = "json"
            return stack.enter_context(serving(folder, app, workers=1, **variables))

        yield start


def url_of(server):
    """A pool's base URL."""
    return f"http://127.0.0.1:{server.port}{BASE}"


def test_a_car_is_served_across_two_pools(pools):
    """Only where it is wanted, as the other pool answers it; nothing is stored on the way."""
    there = pools("there")
    here = pools("here", peers=url_of(there))
    with there.client() as client:
        assert client.put(URL, json=CONTRACT).status_code == 201
        direct = client.post(URL, json=REQUEST).json()
    with here.client() as client:
        assert client.post(URL, json=REQUEST).status_code == 404
        answer = client.post(URL, json=REQUEST, headers=BROADCAST)
        assert (answer.status_code, answer.json()) == (200, direct)
        (item,) = answer.json()["signedContractDataCollection"]
        message = decode(base64.b64decode(item["certificateInstallationRes"]))
        assert (message.header.session_id, message.body.emaid.value) == (SESSION, EMAID_TEXT)
        assert client.get(f"{BASE}/contractData/emaid/{EMAID_TEXT}").status_code == 404
    wait_until(lambda: len(requests_of(there)) == 3)
    assert requests_of(there)[-1]["party_type"] == "ccp"


def test_a_pool_that_asks_for_tokens_serves_its_peer(pools, tmp_path):
    """With a token of the role ccp, from a file that names no other's; without it, nobody."""
    issuer = tmp_path / "issuer"
    issuer.mkdir()
    there = pools("there", **jwt_settings(issuer, ec_key()))
    (tmp_path / "tokens.toml").write_text(
        f'["{url_of(there)}"]\ntoken = "{ec_key().token(at=NOW, role="ccp")}"\n'
    )
    here = pools("here", peers=url_of(there), credentials=f"{tmp_path}/tokens.toml")
    stranger = pools("stranger", peers=url_of(there))
    with there.client() as client:
        client.headers = bearer(ec_key().token(at=NOW, role="cps"))
        assert client.put(URL, json=CONTRACT).status_code == 201
    with here.client() as client:
        assert client.post(URL, json=REQUEST, headers=BROADCAST).status_code == 200
    with stranger.client() as client:
        assert client.post(URL, json=REQUEST, headers=BROADCAST).status_code == 404


def test_three_pools_in_a_ring_ask_once_each(pools):
    """A request that a pool asks for another is never passed on: it does not go round."""
    ports = [free_port() for _ in range(3)]
    ring = [
        pools(
            f"pool{n}",
            port=str(port),
            peers=f"http://127.0.0.1:{ports[(n + 1) % 3]}{BASE}",
        )
        for n, port in enumerate(ports)
    ]
    with ring[0].client() as client:
        assert client.post(URL, json=REQUEST, headers=BROADCAST).status_code == 404
    with ring[1].client() as client:  # somebody who says to be a pool, and wants it passed on
        headers = BROADCAST | {"OPNC-from-party-type": "ccp"}
        assert client.post(URL, json=REQUEST, headers=headers).status_code == 404
    wait_until(lambda: [len(requests_of(one)) for one in ring] == [1, 2, 0])


def test_peers_that_hang_hurt_nobody(pools):
    """Local hits are answered while many requests wait for silent peers, before any of those."""
    released = threading.Event()

    def hang(_):
        released.wait(NEVER)
        return Says(404)

    with scripted(hang) as one, scripted(hang) as other:
        pool = pools("pool", "patient:app", threads="1", peers=f"{one.url},{other.url}")
        stranger = post_body(installation_req("VF1AAAAA0AA000001", **VALID))
        with pool.client() as client, ThreadPoolExecutor(10) as callers:
            assert client.put(URL, json=CONTRACT).status_code == 201
            waiting = [
                callers.submit(client.post, URL, json=stranger, headers=BROADCAST)
                for _ in range(10)
            ]
            wait_until(lambda: len(one.asked) == len(other.asked) == 10)
            hits = [client.post(URL, json=REQUEST, headers=BROADCAST) for _ in range(50)]
            assert not any(future.done() for future in waiting)
            released.set()
            assert {hit.status_code for hit in hits} == {200}
            assert {future.result().status_code for future in waiting} == {404}


@pytest.fixture
def operator(tmp_path):
    """The PKI of an operator who issues contract certificates, and the settings that say so."""
    emsp = make_pki(EDITION_2, at=NOW - timedelta(days=1))
    folder = tmp_path / "cas"
    folder.mkdir()
    (folder / "ca.pem").write_bytes(emsp.emsp.sub_2.certificate.public_bytes(Encoding.PEM))
    return emsp, str(folder)


def signed_by(pki, root):
    """The body of a PUT of a contract that the operator's CA has issued."""
    car = make_car(pki.oem, PCID_TEXT, at=NOW).leaf.certificate
    return draft_contract(pki, EMAID_TEXT, car, at=NOW, root=root).put_body()


def test_a_crash_between_revocation_and_deletion_loses_nothing(operator, tmp_path):
    """
    What was revoked is known after SIGKILL, whether or not its answer has been seen; the contract
    is still stored, and the same request finishes the job.
    """
    pki, cas = operator
    bodies = [signed_by(pki, root) for root in ("A", "B")]
    revoked: set[str] = set()

    def script(asked):
        certificate = asked.json["certificate"]
        if certificate in revoked:
            return Says(409)
        revoked.add(certificate)
        # The second one's answer comes too late.
        return Says(200, after=NEVER if len(revoked) == 2 else 0)

    with scripted(script) as service:
        settings = {
            "revocation_url": service.root,
            "revocation_timeout_seconds": "15",
            "operator_cas": cas,
        }
        trail = tmp_path / "ccp.db"
        with serving(tmp_path, workers=1, **settings) as pool, pool.client() as client:
            for body in bodies:
                assert client.put(URL, json=body).status_code == 201
            with ThreadPoolExecutor(1) as callers:
                callers.submit(lambda: client.delete(f"{URL}/{EMAID_TEXT}"))
                wait_until(lambda: "revoke" in [x.action for x in read_audit_trail(trail)])
                wait_until(lambda: len(service.asked) == 2)
                victims = [pool.process.pid, *pool.workers]
                for pid in victims:
                    os.kill(pid, signal.SIGKILL)
        with serving(tmp_path, workers=1, **settings) as pool, pool.client() as client:
            found = client.get(f"{BASE}/contractData/emaid/{EMAID_TEXT}").json()
            assert len(found["contractDataCollection"]) == 2
            assert client.delete(f"{URL}/{EMAID_TEXT}").status_code == 200
            assert client.get(f"{BASE}/contractData/emaid/{EMAID_TEXT}").status_code == 404
    assert len(revoked) == 2
    assert len(service.asked) == 3  # the one that was known to be revoked was not asked for again
    actions = [line.action for line in read_audit_trail(trail)]
    assert actions == ["put", "put", "revoke", "revoke", "delete"]


def test_a_pki_that_fails_is_told(operator, pools):
    """502 where it refuses, 503 where it is not there; the caller may leave it out."""
    pki, cas = operator
    body = signed_by(pki, "A")
    with scripted(Says(400)) as service:
        pool = pools("pool", revocation_url=service.root, operator_cas=cas)
        with pool.client() as client:
            assert client.put(URL, json=body).status_code == 201
            assert client.delete(f"{URL}/{EMAID_TEXT}").status_code == 502
    with pool.client() as client:
        answer = client.delete(f"{URL}/{EMAID_TEXT}")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
        skipping = {"X-Skip-Revocation": "true"}
        assert client.delete(f"{URL}/{EMAID_TEXT}", headers=skipping).status_code == 200


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"peers": "http://peer.example"}, "CCP_PEERS: "),
        ({"peers": "https://peer.example", "credentials": "none.toml"}, "CCP_CREDENTIALS: "),
        ({"revocation_url": "https://pki.example", "operator_cas": "none"}, "CCP_OPERATOR_CAS: "),
    ],
)
def test_wrong_settings_stop_the_start(tmp_path, variables, told):
    """One line that names the setting."""
    status, output = refused_start(tmp_path, **variables)
    assert status != 0
    assert told in output
    assert_clean(output)
