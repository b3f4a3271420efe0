"""A preview against what the API then really answers, and that it leaves no trace."""

import base64
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from ccp.app import create_app
from ccp.domain.errors import StoreBusy
from ccp.domain.identifiers import ISO_15118_2, ISO_15118_20, Emaid, Pcid
from ccp.inspection import inspect_message
from ccp.iso15118 import decode, encode, iso20
from ccp.observability import measures
from ccp.policy.preview import PostPreview, Preview, PutPreview, preview
from ccp.policy.services import Services
from ccp.schemas.root_names import published_name
from ccp.store import Store, read_audit_trail
from ccp.trust import chain_cache
from ccp.workshop import CONTRACT_FAULTS, EDITION_2, EDITION_20, EDITIONS, REQUEST_FAULTS, Edition
from ccp.workshop.pki import fingerprint
from tests.builders import (
    BASE,
    EMAID_TEXT,
    NOW,
    ORIGIN,
    PCID_TEXT,
    b64,
    installation_req_20,
    installation_res_20,
    record,
)
from tests.clients.scripted import scripted
from tests.conftest import make_settings
from tests.contract.conformance import conforming_client
from tests.handlers.test_broadcast import NOT_FOUND
from tests.iso15118.drawn import MESSAGES
from tests.iso15118.test_sniff import with_body
from tests.trusted import PCIDS, contract_draft, pki, request_draft, trust_folder
from tests.vectors import (
    departures,
    genuine_res,
    iso20_departures,
    iso20_requests,
    iso20_shapes,
    requests,
    shapes,
)

URL = f"{BASE}/signedcontractdata"
OTHER_PCID = "WP0ZZZ99ZTS392124"
EMAIDS = ["DEICEC00000001", "DEICEC00000002", "DEICEC00000003"]
LAB_MODE = "lab mode lets pass what strict mode refuses"
OF_EVERY_REQUEST = {"request", "refused", "failed"}

DRAFTS = {
    f"{edition} {name}": (fault.apply_fault, make, edition)
    for faults, make in ((CONTRACT_FAULTS, contract_draft), (REQUEST_FAULTS, request_draft))
    for edition in EDITIONS
    for name, fault in faults[edition].items()
}
VECTORS = {
    "genuine": genuine_res(),
    **{f"request {pcid}": vector.exi for pcid, vector in (requests() | iso20_requests()).items()},
    **{
        f"{vectors.__name__} {vector.name}": vector.exi
        for vectors in (shapes, iso20_shapes, departures, iso20_departures)
        for vector in vectors()[::6]
    },
}


class Listening(measures.Measures):
    """Remembers all that it is told."""

    def __init__(self) -> None:
        self.refusals: list[str] = []
        self.cars: list[str] = []
        self.told = 0

    def request(self, operation: str | None, status: int | None, seconds: float) -> None:
        self.told += 1

    def refusal(self, refusal: measures.Refusal) -> None:
        self.told += 1
        self.refusals.append(refusal.reason)

    def car(self, namespace: str, response_code: str) -> None:
        self.told += 1
        self.cars.append(response_code)

    def decoded(self, message: str, seconds: float) -> None:
        self.told += 1

    def call(self, service: str, host: str, outcome: str, seconds: float) -> None:
        self.told += 1


@dataclass
class Asked:
    """What the API has answered, and what came of it."""

    status: int
    body: dict[str, Any]
    lines: list[dict[str, Any]]
    listening: Listening = field(default_factory=Listening)

    @property
    def items(self) -> list[dict[str, Any]]:
        """The collection of the answer, of an error too."""
        return self.body.get("signedContractDataCollection", [])

    @property
    def accepted_failures(self) -> list[list[str]]:
        """What the log says that lab mode has let pass."""
        return [line["failures"] for line in self.lines if line["event"] == LAB_MODE]

    @property
    def findings(self) -> set[str]:
        """What else the log has."""
        return {line["event"] for line in self.lines} - OF_EVERY_REQUEST - {LAB_MODE}


@dataclass
class Pool:
    """A pool over HTTP, and the services that its handlers are given."""

    client: TestClient
    services: Services

    def preview(self, exi: bytes) -> Preview:
        """Preview a message; nothing is written, logged or counted."""
        before = self.content()
        with listened() as listening, capture_logs() as lines:
            seen = preview(self.services, exi, at=NOW)
        assert (lines, listening.told) == ([], 0)
        assert self.content() == before
        assert orjson.dumps(seen)
        return seen

    def content(self) -> str:
        """All that is in the database, the audit trail too."""
        path = self.services.settings.database_path
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return "\n".join(connection.iterdump())

    def post(self, exi: bytes, **headers: str) -> Asked:
        """Ask as a charging station does."""
        body = {"certificateInstallationReq": b64(exi), "xsdMsgDefNamespace": namespace_of(exi)}
        return self._ask("POST", body, headers)

    def put(self, exi: bytes, emaid: str, pcid: str) -> Asked:
        """Put as a CPS does that names no V2G root."""
        body = {"certificateInstallationRes": b64(exi), "xsdMsgDefNamespace": namespace_of(exi)}
        return self._ask("PUT", body | {"emaid": emaid, "pcid": pcid}, {})

    def store(self, draft: Any) -> None:
        """Put what is as it should be."""
        assert self.put(draft.exi(), draft.emaid, draft.pcid).status == 201

    def last_action(self) -> str:
        """What the audit trail has last."""
        *_, line = read_audit_trail(self.services.settings.database_path)
        return line.action

    def _ask(self, method: str, body: dict[str, Any], headers: dict[str, str]) -> Asked:
        with listened() as listening, capture_logs() as lines:
            answer = self.client.request(method, URL, json=body, headers=headers)
        content = answer.json() if answer.content else {}
        return Asked(answer.status_code, content, list(lines), listening)


@contextmanager
def listened() -> Iterator[Listening]:
    """Whoever is told of what happens meanwhile."""
    before, measures.now = measures.now, Listening()
    try:
        yield measures.now
    finally:
        measures.now = before


def namespace_of(exi: bytes) -> str:
    """What a caller calls the edition; of what is no message anything."""
    return getattr(inspect_message(exi, at=NOW), "namespace", ISO_15118_2)


@contextmanager
def pool(folder: Path, **variables: str) -> Iterator[Pool]:
    """A pool that trusts the workshop's PKIs of both editions."""
    trust = trust_folder(folder / "pki", edition=None)
    app = create_app(make_settings(folder, trust_dir=str(trust), **variables), clock=lambda: NOW)
    with conforming_client(app, lab=app.services.settings.lab) as client:
        yield Pool(client, app.services)


@pytest.fixture(scope="module", params=["strict", "lab"])
def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pool]:
    """A pool with contracts for the cars of both editions; what is put into it stays."""
    with pool(tmp_path_factory.mktemp("pool"), checks=request.param) as one:
        fill(one)
        yield one


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[Pool]:
    """An empty strict pool."""
    with pool(tmp_path) as one:
        yield one


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Pool]:
    """An empty pool in lab mode."""
    with pool(tmp_path, checks="lab") as one:
        yield one


def fill(one: Pool) -> None:
    """Give each car contracts, in variants, and of ISO 15118-20 a default that is not the first."""
    one.store(contract_draft("A"))
    one.store(contract_draft("B"))
    for emaid in EMAIDS:
        one.store(contract_draft("A", edition=EDITION_20, emaid=emaid))
    one.store(contract_draft("B", edition=EDITION_20, emaid=EMAIDS[0]))
    pcid = Pcid.parse(PCIDS[EDITION_20])
    one.services.store.set_default(Emaid.parse(EMAIDS[1]), pcid, ORIGIN)


def assert_post(seen: PostPreview, asked: Asked) -> None:
    """Hold a preview against what a POST has come to."""
    assert seen.status == asked.status
    assert list(seen.findings) == list(dict.fromkeys(seen.findings))
    assert {text.partition(" (")[0] for text in seen.findings} == asked.findings
    assert [list(one.messages) for one in seen.accepted_failures] == asked.accepted_failures
    if seen.refusal is not None:
        assert seen.refusal.status == seen.status
        assert seen.refusal.messages == asked.body["errorMessages"]
        assert [seen.refusal.error] == asked.listening.refusals
        assert list(seen.contracts) == []
        if seen.refusal.response_code is None:
            assert asked.items == []
        else:
            (item,) = asked.items
            assert item.get("pcid") == seen.pcid
            assert answer_of(item) == (seen.refusal.response_code, 0)
            assert asked.listening.cars == [seen.refusal.response_code]
        return
    assert asked.listening.refusals == []
    assert [
        (
            one.emaid,
            one.pcid,
            one.namespace,
            one.v2g_root_fingerprint,
            published_name(one.v2g_root_distinguished_name),
            (one.response_code, one.remaining or 0),
        )
        for one in seen.contracts
    ] == [
        (
            item["emaid"],
            item["pcid"],
            item["xsdMsgDefNamespace"],
            item.get("cpsV2GRootCertificateFingerprint"),
            item.get("cpsRootDistinguishedName"),
            answer_of(item),
        )
        for item in asked.items
    ]


def answer_of(item: dict[str, Any]) -> tuple[str, int]:
    """What the car reads in a message: ResponseCode, and how many more there are."""
    body = decode(base64.b64decode(item["certificateInstallationRes"])).body
    is_20 = isinstance(body, iso20.CertificateInstallationRes)
    return body.response_code, body.remaining_contract_certificate_chains if is_20 else 0


def assert_put(one: Pool, seen: PutPreview, asked: Asked) -> None:
    """Hold a preview against what a PUT has come to."""
    assert seen.status == asked.status
    assert {text.partition(" (")[0] for text in seen.findings} == asked.findings
    assert [list(refusal.messages) for refusal in seen.accepted_failures] == asked.accepted_failures
    if seen.refusal is not None:
        assert seen.refusal.status == seen.status
        assert seen.refusal.response_code is None
        assert seen.refusal.messages == asked.body["errorMessages"]
        assert [seen.refusal.error] == asked.listening.refusals
        assert seen.v2g_root_distinguished_name is None
        return
    assert one.last_action() == ("replace" if seen.replaces else "put")
    if seen.emaid is not None:
        emaid = Emaid.parse(seen.emaid)
        found = [
            record
            for namespace in (ISO_15118_2, ISO_15118_20)
            for record in one.services.store.find_by_emaid(emaid, namespace)
        ]
        assert (seen.v2g_root_fingerprint, seen.v2g_root_distinguished_name) in [
            (record.v2g_root_fingerprint, record.v2g_root_distinguished_name) for record in found
        ]


def compare(one: Pool, exi: bytes) -> None:
    """Preview a message, then ask the API for all that was previewed."""
    seen = one.preview(exi)
    assert_post(seen.post, one.post(exi))
    emaid = seen.put.emaid or EMAID_TEXT
    told = getattr(inspect_message(exi, at=NOW), "emaid", None)
    if told is not None and seen.put.emaid is not None:
        assert Emaid.parse(told) == Emaid.parse(seen.put.emaid)
    if seen.put.pcid is not None:
        assert seen.put.for_other_car is not None
        if seen.put.refusal is None:
            refused = one.put(exi, emaid, OTHER_PCID)
            assert refused.status == seen.put.for_other_car.status
            assert refused.body["errorMessages"] == seen.put.for_other_car.messages
            assert refused.listening.refusals == [seen.put.for_other_car.error]
    assert_put(one, seen.put, one.put(exi, emaid, seen.put.pcid or PCID_TEXT))


@pytest.mark.parametrize("name", DRAFTS)
def test_every_fault_of_the_workshop_is_previewed(filled: Pool, name: str) -> None:
    """In a strict pool its refusal, in lab mode what is let pass, and what is done nevertheless."""
    apply_fault, make, edition = DRAFTS[name]
    compare(filled, apply_fault(make(edition=edition)).exi())


@pytest.mark.parametrize("name", VECTORS)
def test_vectors_are_previewed(filled: Pool, name: str) -> None:
    """The genuine message, those of unknown cars, messages in odd shapes, and what is none."""
    compare(filled, VECTORS[name])


@st.composite
def jumbled(draw: st.DrawFn) -> bytes:
    """A message that somebody has cut, lengthened or changed; or any bytes."""
    exi = draw(st.sampled_from(list(VECTORS.values())) | st.binary(min_size=1, max_size=80))
    cut = draw(st.integers(1, len(exi)))
    place, change = draw(st.integers(0, cut - 1)), draw(st.binary(max_size=3))
    return exi[:place] + change + exi[place + len(change) : cut] + draw(st.binary(max_size=6))


@settings(max_examples=30)
@given(exi=jumbled() | MESSAGES.map(encode))
@example(genuine_res() + b"\0")
@example(bytes(5))
@example(installation_req_20() + bytes(4))
def test_whatever_it_is_it_is_previewed(filled: Pool, exi: bytes) -> None:
    """Bytes that are no message, a broken one, or one with anything in it."""
    compare(filled, exi)


def test_an_update_is_refused_by_both(strict: Pool) -> None:
    """A CertificateUpdateReq is no message that this pool serves."""
    exi = with_body(7)
    seen = strict.preview(exi)
    assert {seen.post.refusal.error, seen.put.refusal.error} == {"MessageNotSupported"}
    compare(strict, exi)


def test_contracts_are_previewed_in_the_order_of_the_answer(strict: Pool) -> None:
    """What the car wants first, then its default, then the newest; of each the variant it knows."""
    fill(strict)
    roots = {name: fingerprint(pki(EDITION_20).v2g_root(name)) for name in "AB"}
    draft = request_draft("A", edition=EDITION_20, maximum=3, prioritized=[EMAIDS[2].lower()])
    seen = strict.preview(draft.exi()).post
    assert [(one.emaid, one.is_default, one.remaining) for one in seen.contracts] == [
        (EMAIDS[2], False, 2),
        (EMAIDS[1], True, 1),
        (EMAIDS[0], False, 0),
    ]
    assert {one.v2g_root_fingerprint for one in seen.contracts} == {roots["A"]}
    assert {one.root_is_installed for one in seen.contracts} == {True}
    assert {one.response_code for one in seen.contracts} == {"OK"}
    assert (seen.pcid, seen.refusal, seen.findings) == (PCIDS[EDITION_20], None, [])
    assert_post(seen, strict.post(draft.exi()))
    two = strict.preview(replace(draft, maximum=2).exi()).post
    assert [(one.emaid, one.remaining) for one in two.contracts] == [(EMAIDS[2], 1), (EMAIDS[1], 0)]


def test_a_car_of_iso_15118_2_is_offered_its_default(strict: Pool) -> None:
    """One contract, in one variant; the messages of that edition count no others."""
    fill(strict)
    (one,) = strict.preview(request_draft("A").exi()).post.contracts
    contract = contract_draft("A").contract.leaf.certificate
    assert (one.emaid, one.is_default, one.remaining) == (EMAID_TEXT, True, None)
    assert one.v2g_root_fingerprint == fingerprint(pki().v2g_root("A"))
    assert (one.valid_from, one.valid_to) == (
        contract.not_valid_before_utc,
        contract.not_valid_after_utc,
    )


@pytest.mark.parametrize("edition", EDITIONS, ids=str)
def test_a_car_with_another_root_is_noted(strict: Pool, edition: Edition) -> None:
    """It would get the newest variant, which it may not trust."""
    strict.store(contract_draft("A", edition=edition))
    exi = request_draft("B", edition=edition).exi()
    seen = strict.preview(exi).post
    assert [one.root_is_installed for one in seen.contracts] == [False]
    assert len(seen.findings) == 1
    assert "lists no V2G root" in seen.findings[0]
    assert_post(seen, strict.post(exi))


@pytest.mark.parametrize("mode", ["strict", "lab"])
def test_contracts_outside_their_validity(tmp_path: Path, mode: str) -> None:
    """Noted by both modes; refused by the one, and given by the other, which says what it skips."""
    with pool(tmp_path, checks=mode) as one:
        one.store(contract_draft())
        (found,) = one.services.store.find_contract(Emaid.parse(EMAID_TEXT))
        expired = NOW - timedelta(seconds=1)
        one.services.store.put(replace(found, valid_to=expired), ORIGIN)
        good = request_draft()
        for draft in (good, REQUEST_FAULTS[EDITION_2]["tampered"].apply_fault(good)):
            compare(one, draft.exi())
        seen = one.preview(good.exi()).post
    assert seen.findings == ["the car's contracts are outside their validity"]
    told = seen.accepted_failures[0] if mode == "lab" else seen.refusal
    assert (told.status, told.error) == (404, "ContractOrVehicleNotFound")
    assert told.response_code == "FAILED_NoCertificateAvailable"
    assert [contract.valid_to for contract in seen.contracts] == [expired] * (mode == "lab")


def test_lab_mode_tells_what_strict_mode_would_do(tmp_path: Path) -> None:
    """What it lets pass is, first of all, what a strict pool refuses with."""
    draft = REQUEST_FAULTS[EDITION_20]["tampered"].apply_fault(request_draft(edition=EDITION_20))
    seen = {}
    for mode in ("strict", "lab"):
        (folder := tmp_path / mode).mkdir()
        with pool(folder, checks=mode) as one:
            fill(one)
            seen[mode] = one.preview(draft.exi()).post
    assert seen["lab"].accepted_failures[0] == seen["strict"].refusal
    assert seen["strict"].refusal.response_code == "FAILED_SignatureError"
    assert [one.emaid for one in seen["lab"].contracts] == [EMAIDS[1], EMAIDS[0], EMAIDS[2]]


def test_peers_would_be_asked_where_nothing_is_found(tmp_path: Path) -> None:
    """Where a POST with `broadcast` goes on to a peer pool, and only there; a preview does not."""
    with scripted(NOT_FOUND) as peer, pool(tmp_path, peers=peer.url) as one:
        one.store(contract_draft())
        cases = {
            request_draft().exi(): 0,
            request_draft(edition=EDITION_20).exi(): 1,
            request_draft(edition=EDITION_20, maximum=0).exi(): 0,
            REQUEST_FAULTS[EDITION_2]["tampered"].apply_fault(request_draft()).exi(): 0,
            genuine_res(): 0,
        }
        for exi, asked in cases.items():
            before = len(peer.asked)
            assert one.preview(exi).post.asks_peers == bool(asked)
            assert len(peer.asked) == before
            one.post(exi, broadcast="true")
            assert len(peer.asked) == before + asked


def test_without_peers_nobody_would_be_asked(strict: Pool) -> None:
    """However little is found."""
    seen = strict.preview(request_draft().exi()).post
    assert (seen.refusal.error, seen.asks_peers) == ("ContractOrVehicleNotFound", False)


@pytest.mark.parametrize("edition", EDITIONS, ids=str)
def test_where_a_contract_would_be_stored(strict: Pool, edition: Edition) -> None:
    """First it is new, then another variant, then one that is there already; for its car alone."""
    drafts = {root: contract_draft(root, edition=edition) for root in "AB"}
    for root, pcid, replaces in (("A", None, False), ("B", PCIDS[edition], False), ("A", 0, True)):
        exi = drafts[root].exi()
        seen = strict.preview(exi).put
        assert (seen.emaid, seen.replaces) == (EMAID_TEXT, replaces)
        assert seen.v2g_root_fingerprint == fingerprint(pki(edition).v2g_root(root))
        assert seen.pcid == (PCIDS[edition] if pcid == 0 else pcid)
        assert (seen.for_other_car is None) == (pcid is None)
        assert_put(strict, seen, strict.put(exi, seen.emaid, PCIDS[edition]))


def test_a_contract_of_the_other_edition_holds_its_car_too(strict: Pool) -> None:
    """An EMAID is for one car in all editions; there it would be one more record."""
    strict.store(contract_draft())
    seen = strict.preview(contract_draft(edition=EDITION_20).exi()).put
    assert (seen.pcid, seen.replaces, seen.status) == (PCID_TEXT, False, 201)
    compare(strict, contract_draft(edition=EDITION_20).exi())


@pytest.mark.parametrize("mode", ["strict", "lab"])
def test_a_contract_without_an_emaid_of_its_own(tmp_path: Path, mode: str) -> None:
    """Strict mode takes it under no EMAID, and lab mode under any."""
    exi = installation_res_20("Somebody")
    with pool(tmp_path, checks=mode) as one:
        seen = one.preview(exi).put
        assert (seen.emaid, seen.pcid) == (None, None)
        told = seen.accepted_failures[0] if mode == "lab" else seen.refusal
        assert told.error == "EmaidMismatch"
        compare(one, exi)


def test_a_revoked_contract_is_refused(strict: Pool) -> None:
    """As one that the pool has had revoked."""
    draft = contract_draft()
    der = draft.contract.leaf.der
    strict.services.store.record_revoked(Emaid.parse(draft.emaid), der, ORIGIN)
    assert strict.preview(draft.exi()).put.refusal.error == "ContractCertificateRevoked"
    compare(strict, draft.exi())


def test_without_anchors_the_root_is_what_the_caller_says(tmp_path: Path) -> None:
    """The chain names it, and nobody knows its fingerprint."""
    app = create_app(make_settings(tmp_path), clock=lambda: NOW)
    with conforming_client(app) as client:
        one = Pool(client, app.services)
        seen = one.preview(contract_draft().exi()).put
        assert (seen.status, seen.v2g_root_fingerprint) == (201, None)
        assert "Root CA A" in seen.v2g_root_distinguished_name
        for _ in range(2):
            compare(one, contract_draft().exi())


def test_what_cannot_be_served_is_previewed_as_that(strict: Pool) -> None:
    """A record that has been damaged, and a database that somebody holds."""
    edition = {"pcid": PCIDS[EDITION_20], "namespace": ISO_15118_20}
    strict.services.store.put(record(exi=contract_draft().exi(), **edition), ORIGIN)
    exi = request_draft(edition=EDITION_20).exi()
    seen = strict.preview(exi).post
    assert (seen.status, seen.refusal.error) == (500, "InternalError")
    assert_post(seen, strict.post(exi))


def test_a_busy_store_is_previewed_as_that(strict: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both operations would be answered so at this moment."""

    def busy(*_: object, **__: object) -> None:
        raise StoreBusy

    for method in ("find_default", "find_by_emaid", "is_revoked"):
        monkeypatch.setattr(Store, method, busy)
    seen = [
        strict.preview(request_draft().exi()).post.refusal,
        strict.preview(contract_draft().exi()).put.refusal,
    ]
    assert [(one.status, one.error) for one in seen] == [(503, "StoreBusy")] * 2
    assert strict.post(request_draft().exi()).body["errorMessages"] == seen[0].messages
    assert strict.put(contract_draft().exi(), EMAID_TEXT, PCID_TEXT).status == 503


def test_what_a_preview_proves_is_not_remembered(
    strict: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pool proves a chain when it is its turn: nobody fills its memory by looking."""
    strict.store(contract_draft())
    proved: list[str] = []
    verify = chain_cache.verify_chain

    def counting(*args: Any, **kwargs: Any) -> Any:
        proved.append(kwargs["name"])
        return verify(*args, **kwargs)

    monkeypatch.setattr(chain_cache, "verify_chain", counting)
    exi = request_draft().exi()
    for _ in range(2):
        assert strict.preview(exi).post.status == 200
    assert len(proved) == 2
    strict.post(exi)
    assert len(proved) == 3
