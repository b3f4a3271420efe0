"""The strict pool with trust anchors as it is run: what it stores, serves, refuses, and reloads."""

import base64
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccp.iso15118 import decode
from ccp.workshop import CONTRACT_FAULTS, REQUEST_FAULTS
from ccp.workshop.car import RequestDraft, draft_request
from ccp.workshop.certificates import Chain
from ccp.workshop.cps import ContractDraft, draft_contract
from ccp.workshop.folder import Folder
from ccp.workshop.install import install
from ccp.workshop.pki import Pki, fingerprint, make_car, make_pki
from tests.builders import BASE
from tests.contract.conformance import assert_error
from tests.running import SECONDS, Server, serving, wait_until

NOW = datetime.now(UTC)
EMAID, OTHER, PCID = "DEWRKSERVER001", "DEWRKSERVER002", "WRKSERVERCAR00001"
URL = f"{BASE}/signedcontractdata"


@pytest.fixture(scope="module")
def pki() -> Pki:
    """A PKI of today."""
    return make_pki(at=NOW - timedelta(days=1))


@pytest.fixture(scope="module")
def car(pki: Pki) -> Chain:
    """A car of today."""
    return make_car(pki.oem, PCID, at=NOW - timedelta(days=1))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, pki: Pki) -> Iterator[Server]:
    """A strict pool that trusts the PKI."""
    folder = tmp_path_factory.mktemp("trusting")
    Folder(folder / "pki").save_pki(pki)
    with serving(folder, trust_dir="pki/trust") as server:
        yield server


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx2.Client]:
    """A client of that pool; every answer is held against the spec."""
    with server.client() as client:
        yield client


def contract(pki: Pki, car: Chain, emaid: str = EMAID, root: str = "A") -> ContractDraft:
    """A contract as it should be."""
    return draft_contract(pki, emaid, car.leaf.certificate, at=NOW, root=root)


def request(pki: Pki, car: Chain, root: str = "A") -> RequestDraft:
    """A request as it should be, of a car that has one V2G root."""
    return draft_request(car, [pki.v2g_root(root).certificate], at=NOW)


def test_all_seven_operations(client: httpx2.Client, pki: Pki, car: Chain) -> None:
    """A contract goes in, is seen, chosen and fetched; the car installs it; then it is gone."""
    for emaid, root in ((EMAID, "A"), (OTHER, "A"), (OTHER, "B")):
        answer = client.put(URL, json=contract(pki, car, emaid, root).put_body())
        assert answer.status_code == 201
    listed = client.get(f"{BASE}/contractData/emaid/{EMAID}").json()["contractDataCollection"]
    assert [one["cpsV2GRootCertificateFingerprint"] for one in listed] == [
        fingerprint(pki.v2g_root("A"))
    ]
    assert client.post(f"{URL}/{OTHER}/{PCID}/setdefault").status_code == 200
    listed = client.get(f"{BASE}/contractData/pcid/{PCID}").json()["contractDataCollection"]
    assert [(one["emaid"], one["defaultContract"]) for one in listed] == [
        (OTHER, True),
        (OTHER, True),
        (EMAID, False),
    ]
    fetched = client.get(f"{URL}/{EMAID}/{PCID}", params={"sessionID": "0102030405060708"}).json()
    (item,) = fetched["signedContractDataCollection"]
    message = decode(base64.b64decode(item["certificateInstallationRes"]))
    assert message.header.session_id == bytes(range(1, 9))
    for root in ("A", "B"):
        draft = request(pki, car, root)
        (item,) = client.post(URL, json=draft.post_body()).json()["signedContractDataCollection"]
        installed = install(
            base64.b64decode(item["certificateInstallationRes"]),
            car=car.leaf,
            session_id=draft.session_id,
            roots=draft.roots,
            at=NOW,
        )
        assert installed.emaid == OTHER
    for emaid in (EMAID, OTHER):
        assert client.delete(f"{URL}/{emaid}").status_code == 200
    assert client.post(URL, json=request(pki, car).post_body()).status_code == 404


@settings(deadline=None, max_examples=30, suppress_health_check=list(HealthCheck))
@given(
    name=st.sampled_from(sorted(CONTRACT_FAULTS)),
    root=st.sampled_from("AB"),
    was_there=st.booleans(),
)
def test_no_fault_is_stored(
    client: httpx2.Client, pki: Pki, car: Chain, name: str, root: str, was_there: bool
) -> None:
    """Whatever is wrong with a contract, it is refused in its words, and nothing changes."""
    client.delete(f"{URL}/{EMAID}")
    if was_there:
        assert client.put(URL, json=contract(pki, car).put_body()).status_code == 201
    before = stored(client)
    assert bool(before) == was_there
    fault = CONTRACT_FAULTS[name]
    answer = client.put(URL, json=fault.spoil(contract(pki, car, root=root)).put_body())
    assert answer.status_code == 400
    assert any(fault.told in message for message in answer.json()["errorMessages"])
    assert stored(client) == before


def stored(client: httpx2.Client) -> list[dict[str, str]]:
    """What the pool has of the contract."""
    answer = client.get(f"{URL}/{EMAID}/{PCID}")
    return answer.json().get("signedContractDataCollection", [])


@pytest.mark.parametrize("name", REQUEST_FAULTS)
def test_no_faulty_request_is_served(
    client: httpx2.Client, pki: Pki, car: Chain, name: str
) -> None:
    """The operator is told in JSON, the car in EXI."""
    client.put(URL, json=contract(pki, car).put_body())
    fault = REQUEST_FAULTS[name]
    draft = fault.spoil(request(pki, car))
    answer = client.post(URL, json=draft.post_body())
    assert answer.status_code == 400
    assert any(fault.told in message for message in answer.json()["errorMessages"])
    (item,) = answer.json()["signedContractDataCollection"]
    message = decode(base64.b64decode(item["certificateInstallationRes"]))
    assert message.body.response_code == fault.error.iso2_code
    assert message.header.session_id == draft.session_id


def test_an_open_pool_says_so_once(server: Server, tmp_path: Path) -> None:
    """One warning at the start tells what is not asked and not verified."""
    (warning,) = [line for line in server.log.splitlines() if "Whoever reaches" in line]
    assert "CCP_AUTH=none" in warning
    assert "not verified" not in warning
    with serving(tmp_path, checks="lab") as other:
        (warning,) = [line for line in other.log.splitlines() if "Whoever reaches" in line]
    for words in (
        "CCP_AUTH=none",
        "Chains of CPS and contracts and cars are not verified",
        "CCP_CHECKS=lab",
    ):
        assert words in warning


def test_anchors_are_reloaded_without_losing_a_request(
    tmp_path: Path, pki: Pki, car: Chain
) -> None:
    """SIGHUP reads the anchors anew while requests go on, and none of these fails."""
    Folder(tmp_path / "pki").save_pki(pki)
    root_b = tmp_path / "pki" / "trust" / "v2g" / "root-b.pem"
    shutil.move(root_b, tmp_path / "kept.pem")
    with serving(tmp_path, trust_dir="pki/trust") as server, server.client() as client:
        refused = client.put(URL, json=contract(pki, car, root="B").put_body())
        assert_error(
            refused,
            400,
            "The certificate chain is invalid.",
            "cpsV2GRootCertificateFingerprint : is not that of a root that this pool trusts",
        )
        assert client.put(URL, json=contract(pki, car).put_body()).status_code == 201
        shutil.move(tmp_path / "kept.pem", root_b)
        statuses: list[int] = []
        stop = threading.Event()

        def keep_asking() -> None:
            while not stop.is_set():
                # A connection of its own for each: an idle one may be closed by the old worker.
                answer = httpx2.get(
                    f"http://127.0.0.1:{server.port}{BASE}/contractData/emaid/{EMAID}",
                    timeout=SECONDS,
                )
                statuses.append(answer.status_code)

        asking = threading.Thread(target=keep_asking)
        asking.start()
        old = server.workers
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: server.workers and not server.workers & old)
        stop.set()
        asking.join(SECONDS)
        with server.client() as fresh:
            answer = fresh.put(URL, json=contract(pki, car, root="B").put_body())
            assert answer.status_code == 201, answer.text
        assert len(statuses) > 5
        assert set(statuses) == {200}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / ".env").write_text("CCP_HOST=0.0.0.0\nCCP_PORT=1"),
        lambda folder: (folder / ".env").write_text("CCP_PORT=nonsense\nCCP_HOTS=x"),
        lambda folder: (folder / "ccp.db").write_text("no database" * 99),
        lambda folder: shutil.rmtree(folder / "pki" / "trust"),
        lambda folder: (folder / "pki" / "trust" / "v2g" / "odd.der").write_bytes(b"0"),
    ],
    ids=["other host", "nonsense", "no database", "no anchors", "odd anchor"],
)
def test_a_reload_neither_ends_nor_opens_a_pool(
    tmp_path: Path, pki: Pki, spoil: Callable[[Path], object]
) -> None:
    """Whatever has happened around it, a pool that gets SIGHUP serves on, and where it was."""
    Folder(tmp_path / "pki").save_pki(pki)
    with serving(tmp_path, workers=1, trust_dir="pki/trust", auth="none") as server:
        old, listening = server.workers, server.log.count("Listening at")
        spoil(tmp_path)
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: server.workers and not server.workers & old)
        server.wait_until_serving(2)
        with server.client() as client:
            client.get(f"{BASE}/nowhere")
        assert server.log.count("Listening at") == listening
        assert not server.has_ended
