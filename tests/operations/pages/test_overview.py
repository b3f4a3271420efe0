"""The pool at a glance: what is stored and what was answered, counted by hand here."""

import threading
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from ccp.domain.identifiers import ISO_15118_2, ISO_15118_20
from ccp.observability import measures
from ccp.operations.pages import Recent, overview
from ccp.operations.pages.overview import Overview
from ccp.policy.services import Services
from ccp.store import SignedContractData, StoreUnusable
from tests.bench.bulk import put_many
from tests.builders import (
    BASE,
    NOW,
    ORIGIN,
    ROOT_A,
    ROOT_B,
    installation_req,
    post_body,
    put_body,
    record,
)
from tests.monotonic import Ticks
from tests.operations.conftest import refusal
from tests.operations.pages.looking import Page, looking
from tests.running import SECONDS, wait_until
from tests.trusted import trust_folder

URL = f"{BASE}/signedcontractdata"
POST = "getSignedContractDataByCertificateInstallationReqV1"
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
NAMES = {
    ROOT_A: "CN=V2G Root A,O=Test,C=DE",
    ROOT_B: f"CN={HOSTILE},O=Test",
    None: "CN=V2G Root C,O=Test",
}


def stored() -> Iterator[SignedContractData]:
    """Some records of each of twelve eMSPs: of the first one the most."""
    for provider in range(12):
        for number in range(30 - provider):
            root = (ROOT_A, ROOT_A, ROOT_B, None)[number % 4]
            yield record(
                f"DEP{provider:02}{number:09}",
                f"{('WAU', 'WVW', 'VF1')[number % 3]}ZZZ4B0CC0{provider:02}{number // 2:03}",
                namespace=ISO_15118_20 if number % 5 == 0 else ISO_15118_2,
                root=root,
                v2g_root_distinguished_name=NAMES[root],
                valid_to=NOW + timedelta(days=40 * number - 100),
            )


@pytest.fixture(scope="module")
def records() -> list[SignedContractData]:
    """What is stored in the pool of most tests."""
    return list(stored())


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, records: list[SignedContractData]) -> Page:
    """The page of that pool; one car has asked there."""
    folder = tmp_path_factory.mktemp("pool")
    put_many(folder / "ccp.db", records)
    with looking(folder) as (api, operators):
        assert api.post(URL, json=post_body()).status_code == 404
        answer = operators.get("/")
        assert answer.status_code == 200
        return Page(answer)


def rows(page: Page, caption: str) -> list[list[str]]:
    """The rows of the table that has a caption; each is the texts of its cells."""
    found: list[list[str]] = []
    is_there = False
    for name, _, texts in page.elements:
        text = " ".join("".join(texts).split())
        if name == "caption":
            is_there = text == caption
        elif is_there and name == "tr":
            found.append([])
        elif is_there and name in ("th", "td"):
            found[-1].append(text)
    return found[1:]


def numbers(page: Page, caption: str) -> dict[str, int]:
    """The first number of each row of a table, by the first word of the row."""
    return {
        row[0].split()[0]: int(row[1].replace("\N{NARROW NO-BREAK SPACE}", ""))
        for row in rows(page, caption)
    }


def totals(page: Page) -> dict[str, int]:
    """The numbers that stand on top."""
    found = {}
    for name, _, texts in page.elements:
        if name == "dt":
            term = "".join(texts)
        elif name == "dd" and "".join(texts).isdigit():
            found[term] = int("".join(texts))
    return found


def test_an_empty_pool_says_so_and_what_to_do_next(tmp_path: Path) -> None:
    """By which way contracts come, and that a message can be looked into without."""
    with looking(tmp_path) as (_, operators):
        page = Page(operators.get("/"))
    assert page.all("h1") == ["The pool at a glance"]
    assert "Nothing is stored here yet." in page.text
    assert page.links().count("/inspector") == 2  # in the text, and on top
    assert "Contracts that end" not in page.text
    assert "Whose they are" not in page.text
    assert "No car has asked in the last 24 hours." in page.text
    assert page.all("figure") == []
    assert "Nobody has been refused anything since 2025-06-01 12:00 UTC." in page.text


def test_all_of_it_is_counted(page: Page, records: list[SignedContractData]) -> None:
    """Contracts, cars, records, and those that have ended or will within a month."""
    told = totals(page)
    assert told["contracts"] == told["records"] == len(records)
    assert told["cars"] == len({one.pcid for one in records})
    assert told["expired"] == sum(one.valid_to < NOW for one in records)
    soon = NOW + timedelta(days=30)
    assert told["end within 30 days"] == sum(NOW <= one.valid_to <= soon for one in records)


def test_the_most_of_each_are_named_and_the_others_summed_up(
    page: Page, records: list[SignedContractData]
) -> None:
    """Ten eMSPs of twelve, and all of what is less."""
    providers = Counter(one.emaid.provider_id for one in records)
    told = rows(page, "Records by eMSP")
    shares = [(row[0], int(row[1])) for row in told[:-1]]
    assert shares == sorted(providers.items(), key=lambda row: -row[1])[:10]
    assert told[-1][0] == "2 others"
    assert int(told[-1][1]) == providers["DEP10"] + providers["DEP11"]
    assert told[0][2] == f"{100 * 30 / len(records):.1f} %"
    assert numbers(page, "Records by OEM") == Counter(one.pcid.wmi for one in records)


def test_roots_are_told_by_name_and_fingerprint(
    page: Page, records: list[SignedContractData]
) -> None:
    """With the whole name; of one that is not known there is no fingerprint."""
    roots = Counter(one.v2g_root_fingerprint for one in records)
    told = rows(page, "Records by V2G root")
    assert [int(row[1]) for row in told] == sorted(roots.values(), reverse=True)
    assert told[0][0].startswith("V2G Root A name and fingerprint CN=V2G Root A,O=Test,C=DE")
    assert " ".join([ROOT_A[:4]] * 16) in told[0][0]
    (unknown,) = [row for row in told if row[0].startswith("V2G Root C")]
    assert unknown[0].endswith("not known: stored without an anchor")


def test_namespaces_are_told_by_edition(page: Page, records: list[SignedContractData]) -> None:
    """And as they are spelled."""
    counts = Counter(one.namespace for one in records)
    assert [row[:2] for row in rows(page, "Records by edition of ISO 15118")] == [
        [f"ISO 15118-2 {ISO_15118_2}", str(counts[ISO_15118_2])],
        [f"ISO 15118-20 {ISO_15118_20}", str(counts[ISO_15118_20])],
    ]


def test_what_ends_is_drawn_by_the_month(page: Page, records: list[SignedContractData]) -> None:
    """For two years, and all that is later; the same is in a table, and what has ended beside."""
    ends = Counter(f"{one.valid_to:%Y-%m}" for one in records if one.valid_to >= NOW)
    told = numbers(page, "Records by the month in which their contract ends")
    months = [f"{2025 + (5 + n) // 12}-{(5 + n) % 12 + 1:02}" for n in range(24)]
    assert list(told) == [*months, "later"]
    later = ends.total() - sum(ends[month] for month in months)
    assert later > 0
    assert told == {month: ends[month] for month in months} | {"later": later}
    bars = [title for title in page.all("title") if ": records " in title]
    assert bars == [f"{name}: records {number}" for name, number in told.items() if number]
    assert f"{sum(one.valid_to < NOW for one in records)} more have ended already" in page.text


def ask(api: TestClient) -> list[str]:
    """Have cars served and refused, and others refused; the trace ids of refusals."""
    stored_now = put_body()
    asked = [
        api.put(URL, json=stored_now),
        *(api.post(URL, json=post_body()) for _ in range(3)),
        api.post(URL, json=post_body(installation_req("VF1AAAAA0AA000001"))),
        api.post(URL, json=post_body(b"\x80\x98\xff")),
        api.get("/nowhere"),
    ]
    assert [answer.status_code for answer in asked] == [201, 200, 200, 200, 404, 400, 404]
    return [answer.json()["traceId"] for answer in asked[4:]]


def test_requests_of_cars_are_drawn_by_the_hour(tmp_path: Path) -> None:
    """By what has become of them, with the words for it; by name in a table."""
    with looking(tmp_path) as (api, operators):
        ask(api)
        measures.now.refusal(refusal("StoreBusy", operation=POST, status=503))
        measures.now.request(POST, None, 1)
        page = Page(operators.get("/"))
    assert [row[:2] for row in rows(page, "By outcome, in the last 24 hours")] == [
        ["served A contract was sent.", "3"],
        ["ContractOrVehicleNotFound Contract or Vehicle not found.", "1"],
        ["ExiInvalid EXI format is invalid!", "1"],
        ["StoreBusy The pool is busy; try again.", "1"],
        ["client gone The client did not wait for the answer.", "1"],
    ]
    kinds = ["served: 3", "nothing found: 1", "refused: 1", "failed: 1", "client gone: 1"]
    assert page.all("li")[-5:] == kinds
    hours = rows(page, "Answers to CertificateInstallationReqs in the last 24 hours, by the hour")
    assert [row[0] for row in hours] == [
        f"{NOW - timedelta(hours=ago):%Y-%m-%d %H:00}" for ago in range(23, -1, -1)
    ]
    assert hours[-1][1:] == ["3", "1", "1", "1", "1"]
    assert {tuple(row[1:]) for row in hours[:-1]} == {("0",) * 5}


def test_refusals_are_told_with_party_and_trace_id(tmp_path: Path) -> None:
    """The latest first, each in words; whoever was refused finds it by what it was told."""
    with looking(tmp_path) as (api, operators):
        trace_ids = ask(api)
        party = {"OPNC-from-party-type": "emsp", "OPNC-from-party-id": "DEXYZ"}
        body = put_body(pcid="WVWZZZ4B0CC099999")
        trace_ids.append(api.put(URL, json=body, headers=party).json()["traceId"])
        told = {row[4]: row for row in rows(Page(operators.get("/")), REFUSED)}
    assert set(told) == set(trace_ids)
    at, reason, operation, nobody, _ = told[trace_ids[1]]
    assert (at, operation) == ("2025-06-01 12:00:00", POST)
    assert reason.startswith("ExiInvalid (400) EXI format is invalid!")
    assert told[trace_ids[2]][1:4] == [
        "PathNotFound (404) There is no such path.",
        "none: turned away before",
        nobody,
    ]
    assert nobody == "\N{EN DASH}"
    assert told[trace_ids[3]][1:4] == [
        "EmaidBelongsToOtherPcid (400) Invalid tuple - EMAID is already used by other PCID.",
        "addSignedContractDataV1",
        "emsp DEXYZ about eMSP DEICE about OEM WVW",
    ]


REFUSED = "The last ones of each reason, so that a frequent one hides no other; the latest first"


def test_what_a_token_proves_is_told_beside_what_a_party_says(tmp_path: Path) -> None:
    """Its roles, and its own ids."""
    with looking(tmp_path) as (_, operators):
        caller = {"party_type": "cpo", "roles": ["cpo", "oem"], "ids": ["DEICE", "WAU"]}
        measures.now.refusal(refusal("RoleNotAllowed", caller=caller))
        measures.now.refusal(refusal("TokenInvalid", caller={"roles": ["ccp"], "ids": []}))
        parties = [row[3] for row in rows(Page(operators.get("/")), REFUSED)]
    nobody = "\N{EN DASH}"
    assert parties == ["cpo token of cpo, oem: DEICE, WAU", f"{nobody} token of ccp"]


def test_what_callers_say_is_text(page: Page, tmp_path: Path) -> None:
    """In messages, parties and names of roots; nothing of it is an element or an attribute."""
    with looking(tmp_path) as (_, operators):
        caller = {"party_type": HOSTILE, "party_id": HOSTILE, "roles": [HOSTILE], "ids": [HOSTILE]}
        caller |= {"wmi": HOSTILE, "provider_id": HOSTILE}
        told = {"messages": [HOSTILE], "caller": caller, "trace_id": HOSTILE, "operation": HOSTILE}
        measures.now.refusal(refusal(HOSTILE, **told))
        measures.now.refusal(refusal(HOSTILE, **told | {"operation": POST}))
        hostile = Page(operators.get("/"))
    for each in (hostile, page):
        assert HOSTILE in each.text
        (script,) = [given for name, given, _ in each.elements if name == "script"]
        assert (script["src"] or "").startswith("/static/")
        assert {given["src"] for name, given, _ in each.elements if name == "img"} == {
            "/static/icon.svg"
        }
        for _, given, _ in each.elements:
            assert not [name for name in given if name == "style" or name.startswith("on")]
    assert hostile.text.count(HOSTILE) >= 2 * 8


def test_charts_are_told_to_who_does_not_see_them(page: Page) -> None:
    """Each is an image with a name and a summary, and all ids that are named are there, once."""
    ids = [given["id"] for _, given, _ in page.elements if "id" in given]
    assert len(ids) == len(set(ids))
    charts = [given for name, given, _ in page.elements if given.get("role") == "img"]
    assert len(charts) == 2
    for name in ("aria-labelledby", "aria-describedby", "for"):
        named = [given[name] for _, given, _ in page.elements if name in given]
        assert set(named) <= set(ids)
    for fill in [given["fill"] for _, given, _ in page.elements if "fill" in given]:
        assert fill is not None
        assert fill.removeprefix("url(#").removesuffix(")") in ids
    assert len([name for name, _, _ in page.elements if name == "figcaption"]) == 2
    assert page.all("summary")[:2] == ["The same in numbers"] * 2


def test_what_the_pool_is_stands_at_the_end(tmp_path: Path) -> None:
    """Its version, how strict it is, whom it trusts, since when it counts."""
    trust = trust_folder(tmp_path / "pki", None)
    with looking(tmp_path, trust_dir=str(trust), checks="lab") as (_, operators):
        text = Page(operators.get("/")).text
    anchors = {name: len(list((trust / name).iterdir())) for name in ("v2g", "emsp", "oem")}
    assert f"Version {version('opnc-ccp')} Checks lab: what does not hold is stored" in text
    assert "(CCP_CHECKS=lab) Callers not asked who they are (CCP_AUTH=none)" in text
    assert f"V2G anchors {anchors['v2g']} eMSP anchors {anchors['emsp'] or 'none'}" in text
    assert f"OEM anchors {anchors['oem']} Answers counted since 2025-06-01 12:00 UTC" in text


def test_anchors_that_cannot_be_used_are_told(tmp_path: Path) -> None:
    """Which is not the same as none."""
    (tmp_path / "trust" / "oem").mkdir(parents=True)
    (tmp_path / "trust" / "oem" / "root.pem").write_text("no certificate")
    with looking(tmp_path) as (_, operators):
        text = Page(operators.get("/")).text
    assert "strict: what does not hold is refused" in text
    assert "V2G anchors none eMSP anchors none OEM anchors none that can be used" in text


def test_a_database_that_cannot_be_read_hides_nothing_else(tmp_path: Path) -> None:
    """The refusals are told all the same, and the log says what is the matter."""
    with looking(tmp_path) as (api, operators):
        trace_id = api.get("/nowhere").json()["traceId"]
        (tmp_path / "ccp.db").unlink()
        with capture_logs() as lines:
            answer = operators.get("/")
        page = Page(answer)
    assert answer.status_code == 200
    assert "What is stored cannot be counted now." in page.text
    assert trace_id in page.text
    assert [line["event"] for line in lines] == ["the records cannot be counted"]


@pytest.fixture
def counting(services: Services) -> tuple[Overview, Ticks]:
    """A page by itself, and the clock that says when it counts anew."""
    monotonic = Ticks()
    return Overview(services, Recent(services.clock), monotonic), monotonic


def contracts(overview: Overview) -> int:
    """How many contracts a page tells of."""
    counted = overview._count()
    assert counted
    return counted[0].contracts


def test_it_is_counted_once_a_minute(counting: tuple[Overview, Ticks], services: Services) -> None:
    """However often somebody looks."""
    overview, monotonic = counting
    assert contracts(overview) == 0
    services.store.put(record(), ORIGIN)
    monotonic.now += 59
    assert contracts(overview) == 0
    monotonic.now += 2
    assert contracts(overview) == 1


def test_it_is_not_counted_twice_at_once(
    counting: tuple[Overview, Ticks], services: Services, monkeypatch: Any
) -> None:
    """Who comes meanwhile gets the last numbers; where there are none yet, waits for the first."""
    overview_page, monotonic = counting
    goes_on, asked = threading.Event(), []
    real = overview.summarise

    def slow(path: Path, *, at: datetime) -> Any:
        asked.append(path)
        goes_on.wait(SECONDS)
        return real(path, at=at)

    monkeypatch.setattr(overview, "summarise", slow)
    found: list[int] = []

    def look() -> threading.Thread:
        thread = threading.Thread(target=lambda: found.append(contracts(overview_page)))
        thread.start()
        return thread

    threads = [look() for _ in range(4)]
    wait_until(lambda: asked)
    assert found == []
    goes_on.set()
    for thread in threads:
        thread.join()
    assert (found, len(asked)) == ([0] * 4, 1)
    goes_on.clear()
    monotonic.now += 61
    services.store.put(record(), ORIGIN)
    thread = look()
    wait_until(lambda: len(asked) == 2)
    assert contracts(overview_page) == 0
    goes_on.set()
    thread.join()
    assert (contracts(overview_page), len(asked)) == (1, 2)


def test_a_disk_that_hangs_keeps_nobody_for_ever(
    counting: tuple[Overview, Ticks], monkeypatch: Any
) -> None:
    """One waits for it; the next goes without numbers, and other pages have a thread."""
    monkeypatch.setattr(overview, "_PATIENCE_SECONDS", 0.01)
    goes_on, asked = threading.Event(), []

    def hang(path: Path, *, at: datetime) -> Any:
        asked.append(path)
        goes_on.wait(SECONDS)
        raise StoreUnusable("the disk has hung")

    monkeypatch.setattr(overview, "summarise", hang)
    overview_page, _ = counting
    thread = threading.Thread(target=overview_page._count)
    thread.start()
    wait_until(lambda: asked)
    assert overview_page._count() is None
    goes_on.set()
    thread.join()
    assert len(asked) == 1
