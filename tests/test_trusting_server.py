"""The strict pool with trust anchors as it is run: what it stores, serves, refuses, and reloads."""

import base64
import shutil
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccp.iso15118 import decode
from ccp.workshop import CONTRACT_FAULTS, EDITION_2, EDITION_20, EDITIONS, REQUEST_FAULTS, Edition
from ccp.workshop.car import RequestDraft, draft_request
from ccp.workshop.certificates import Chain
from ccp.workshop.cps import ContractDraft, draft_contract
from ccp.workshop.folder import Folder
from ccp.workshop.install import install
from ccp.workshop.pki import Pki, fingerprint, make_car, make_pki
from tests.builders import BASE
from tests.contract.conformance import assert_error
from tests.handlers.test_odd_certificates import changed
from tests.pki.raw import extension, oid, tlv
from tests.running import SECONDS, Server, serving, wait_until

NOW = datetime.now(UTC)
EMAIDS = {
    EDITION_2: ("DEWRKSERVER001", "DEWRKSERVER002"),
    EDITION_20: ("DEWRKSERVER201", "DEWRKSERVER202"),
}
PCIDS = {EDITION_2: "WRKSERVERCAR00001", EDITION_20: "WRKSERVERCAR000020"}
URL = f"{BASE}/signedcontractdata"


@cache
def pki_of(edition: Edition) -> Pki:
    """A PKI of today."""
    return make_pki(edition, at=NOW - timedelta(days=1))


@cache
def car_of(edition: Edition) -> Chain:
    """A car of today."""
    return make_car(pki_of(edition).oem, PCIDS[edition], at=NOW - timedelta(days=1))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A strict pool that trusts the PKIs of both editions."""
    folder = tmp_path_factory.mktemp("trusting")
    for edition in EDITIONS:
        Folder(folder / "pki", edition).save_pki(pki_of(edition))
    with serving(folder, trust_dir="pki/trust") as server:
        yield server


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx2.Client]:
    """A client of that pool; every answer is held against the spec."""
    with server.client() as client:
        yield client


def contract(
    edition: Edition = EDITION_2, root: str = "A", emaid: str | None = None
) -> ContractDraft:
    """A contract as it should be."""
    car = car_of(edition).leaf.certificate
    return draft_contract(pki_of(edition), emaid or EMAIDS[edition][0], car, at=NOW, root=root)


def request(edition: Edition = EDITION_2, root: str = "A") -> RequestDraft:
    """A request as it should be, of a car that has one V2G root."""
    roots = [pki_of(edition).v2g_root(root).certificate]
    return draft_request(car_of(edition), roots, at=NOW, edition=edition)


@pytest.mark.parametrize("edition", EDITIONS, ids=str)
def test_all_seven_operations(client: httpx2.Client, edition: Edition) -> None:
    """Contracts go in, are seen, chosen and fetched; the car installs them; then they are gone."""
    (emaid, other), pcid = EMAIDS[edition], PCIDS[edition]
    query = {"xsdMsgDefNamespace": edition.namespace}
    for name, root in ((emaid, "A"), (other, "A"), (other, "B")):
        answer = client.put(URL, json=contract(edition, root, name).put_body())
        assert answer.status_code == 201
    found = client.get(f"{BASE}/contractData/emaid/{emaid}", params=query).json()
    assert [one["cpsV2GRootCertificateFingerprint"] for one in found["contractDataCollection"]] == [
        fingerprint(pki_of(edition).v2g_root("A"))
    ]
    assert client.post(f"{URL}/{other}/{pcid}/setdefault").status_code == 200
    found = client.get(f"{BASE}/contractData/pcid/{pcid}", params=query).json()
    assert [(one["emaid"], one["defaultContract"]) for one in found["contractDataCollection"]] == [
        (other, True),
        (other, True),
        (emaid, False),
    ]
    fetched = client.get(
        f"{URL}/{emaid}/{pcid}", params=query | {"sessionID": "0102030405060708"}
    ).json()
    (item,) = fetched["signedContractDataCollection"]
    message = decode(base64.b64decode(item["certificateInstallationRes"]))
    assert message.header.session_id == bytes(range(1, 9))
    # Under root B there is but one of them, so a car that has it has to ask for no more.
    for root, served in (("A", [other, emaid] if edition.has_lists else [other]), ("B", [other])):
        draft = replace(request(edition, root), maximum=len(served))
        items = client.post(URL, json=draft.post_body()).json()["signedContractDataCollection"]
        installed = install(
            [base64.b64decode(item["certificateInstallationRes"]) for item in items],
            car=car_of(edition).leaf,
            session=draft.session,
            at=datetime.now(UTC),
        )
        assert [one.emaid for one in installed] == served
    for name in (emaid, other):
        assert client.delete(f"{URL}/{name}").status_code == 200
    assert client.post(URL, json=request(edition).post_body()).status_code == 404


def faults(named: Mapping[Edition, Mapping[str, object]]) -> list[tuple[Edition, str]]:
    """Each fault of each edition."""
    return [(edition, name) for edition in EDITIONS for name in named[edition]]


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(
    fault=st.sampled_from(faults(CONTRACT_FAULTS)),
    root=st.sampled_from("AB"),
    was_there=st.booleans(),
)
def test_no_fault_is_stored(
    client: httpx2.Client, fault: tuple[Edition, str], root: str, was_there: bool
) -> None:
    """Whatever is wrong with a contract, it is refused in its words, and nothing changes."""
    edition, name = fault
    client.delete(f"{URL}/{EMAIDS[edition][0]}")
    if was_there:
        assert client.put(URL, json=contract(edition).put_body()).status_code == 201
    before = stored(client, edition)
    assert bool(before) == was_there
    wrong = CONTRACT_FAULTS[edition][name]
    answer = client.put(URL, json=wrong.apply_fault(contract(edition, root)).put_body())
    assert answer.status_code == 400
    assert any(wrong.told in message for message in answer.json()["errorMessages"])
    assert stored(client, edition) == before


@pytest.mark.parametrize("edition", EDITIONS, ids=str)
def test_put_odd_extension_is_answered_in_words(client: httpx2.Client, edition: Edition) -> None:
    """A critical AuthorityInfoAccess of a sub-CA is stored; a malformed one is 400, not 500."""
    url = tlv(0x86, b"http://pki.example/ocsp")
    value = tlv(0x30, tlv(0x30, oid("1.3.6.1.5.5.7.48.1"), url))
    for content, status in ((value, 201), (b"\xff\xff", 400)):
        added = extension("1.3.6.1.5.5.7.1.1", content, b"\1\1\xff")
        draft = contract(edition)
        answer = client.put(
            URL, json=replace(draft, contract=changed(draft.contract, "sub-CA 2", added)).put_body()
        )
        assert answer.status_code == status, answer.text
    assert_error(
        answer,
        400,
        "The certificate chain is invalid.",
        "A CA certificate of the contract certificate has an extension that cannot be read:"
        " authorityInfoAccess.",
    )
    assert client.delete(f"{URL}/{draft.emaid}").status_code == 200


def stored(client: httpx2.Client, edition: Edition) -> list[dict[str, str]]:
    """What the pool has of the contract."""
    answer = client.get(
        f"{URL}/{EMAIDS[edition][0]}/{PCIDS[edition]}",
        params={"xsdMsgDefNamespace": edition.namespace},
    )
    return answer.json().get("signedContractDataCollection", [])


@pytest.mark.parametrize(
    ("edition", "name"),
    faults(REQUEST_FAULTS),
    ids=[f"{edition.number}-{name}" for edition, name in faults(REQUEST_FAULTS)],
)
def test_no_faulty_request_is_served(client: httpx2.Client, edition: Edition, name: str) -> None:
    """The operator is told in JSON, the car in EXI."""
    client.put(URL, json=contract(edition).put_body())
    fault = REQUEST_FAULTS[edition][name]
    draft = fault.apply_fault(request(edition))
    answer = client.post(URL, json=draft.post_body())
    assert answer.status_code == 400
    assert any(fault.told in message for message in answer.json()["errorMessages"])
    (item,) = answer.json()["signedContractDataCollection"]
    message = decode(base64.b64decode(item["certificateInstallationRes"]))
    codes = {EDITION_2: fault.error.iso2_code, EDITION_20: fault.error.iso20_code}
    assert message.body.response_code == codes[edition]
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


def test_anchors_are_reloaded_without_losing_a_request(tmp_path: Path) -> None:
    """SIGHUP reads the anchors anew while requests go on, and none of these fails."""
    Folder(tmp_path / "pki").save_pki(pki_of(EDITION_2))
    (root_b,) = (tmp_path / "pki" / "trust" / "v2g").glob("*root-b*")
    shutil.move(root_b, tmp_path / "kept.pem")
    with serving(tmp_path, trust_dir="pki/trust") as server, server.client() as client:
        refused = client.put(URL, json=contract(root="B").put_body())
        assert_error(
            refused,
            400,
            "The certificate chain is invalid.",
            "cpsV2GRootCertificateFingerprint : is not that of a root that this pool trusts",
        )
        assert client.put(URL, json=contract().put_body()).status_code == 201
        shutil.move(tmp_path / "kept.pem", root_b)
        statuses: list[int] = []
        stop = threading.Event()

        def keep_asking() -> None:
            while not stop.is_set():
                # A connection of its own for each: an idle one may be closed by the old worker.
                answer = httpx2.get(
                    f"http://127.0.0.1:{server.port}{BASE}/contractData/emaid/{EMAIDS[EDITION_2][0]}",
                    timeout=SECONDS,
                )
                statuses.append(answer.status_code)

        asking = threading.Thread(target=keep_asking)
        asking.start()
        old = server.workers
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: server.workers and not server.workers & old and len(statuses) > 5)
        stop.set()
        asking.join(SECONDS)
        with server.client() as fresh:
            answer = fresh.put(URL, json=contract(root="B").put_body())
            assert answer.status_code == 201, answer.text
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
    tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    """Whatever has happened around it, a pool that gets SIGHUP serves on, and where it was."""
    Folder(tmp_path / "pki").save_pki(pki_of(EDITION_2))
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
