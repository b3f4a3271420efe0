"""What is stored, as operators see it: found in any spelling, told as the certificates tell it."""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from starlette.testclient import TestClient

from ccp.domain.identifiers import Emaid
from ccp.store import Store
from ccp.workshop import EDITION_20, ContractDraft
from ccp.workshop.certificates import common_name
from tests.builders import BASE, EMAID_TEXT, ORIGIN, PCID_TEXT
from tests.operations.pages.looking import Page, looking
from tests.trusted import contract_draft, trust_folder

SECOND = "DEICEC00000002"  # of the same car
OF_20 = "DEICEC00000020"

DRAFTS = [
    contract_draft("A"),
    contract_draft("B"),
    contract_draft("A", emaid=SECOND),
    contract_draft("A", edition=EDITION_20, emaid=OF_20),
]


@pytest.fixture(scope="module")
def operators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """They look at a pool with a contract under two V2G roots, and two others; none is written."""
    folder = tmp_path_factory.mktemp("pool")
    trust = str(trust_folder(folder / "pki", None))
    with looking(folder, trust_dir=trust) as (api, operators):
        for draft in DRAFTS:
            answer = api.put(f"{BASE}/signedcontractdata", json=draft.put_body())
            assert answer.status_code == 201, answer.text
        yield operators


@pytest.mark.parametrize(
    "query",
    [
        EMAID_TEXT,
        "de-ice-copnccert",
        " DE ICE COPNCCERT ",
        "DE-ICE-COPNCCERT-5",  # with its check digit, by ISO 15118-2 Annex H
    ],
)
def test_a_contract_is_found_in_any_spelling(operators: TestClient, query: str) -> None:
    """It leads to the one page of the contract."""
    answer = operators.get("/search", params={"q": query})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/contracts/{EMAID_TEXT}")


@pytest.mark.parametrize(
    "query", [PCID_TEXT, PCID_TEXT.lower(), f" {PCID_TEXT[:3]} {PCID_TEXT[3:]}"]
)
def test_a_car_is_found_in_any_spelling(operators: TestClient, query: str) -> None:
    """It leads to the one page of the car."""
    answer = operators.get("/search", params={"q": query})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/vehicles/{PCID_TEXT}")


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("", 200, "Ask for a contract by its EMAID"),
        ("DEICEC99999999", 404, "Nothing is stored under the EMAID DEICEC99999999."),
        ("WBAZZZ4B0CC012345", 404, "Nothing is stored under the EMAID or PCID WBAZZZ4B0CC012345."),
        ("<b>x", 400, "<b>x is neither an EMAID"),
        ("x" * 5000, 400, "is neither an EMAID"),
    ],
)
def test_what_is_not_found_is_told(
    operators: TestClient, query: str, status: int, said: str
) -> None:
    """What was asked for stands in the page and in the field, as text, and not without end."""
    answer = operators.get("/search", params={"q": query})
    page = Page(answer)
    assert answer.status_code == status
    assert said in page.text
    assert len(answer.text) < 5000
    (field,) = [given["value"] for name, given, _ in page.elements if name == "input"]
    assert field == query[:64]


def test_a_contract_is_told_with_all_its_records(operators: TestClient) -> None:
    """Each variant with its root, its car, and whether it is the car's default."""
    page = Page(operators.get(f"/contracts/{EMAID_TEXT}"))
    assert page.all("h1") == [EMAID_TEXT]
    records = page.all("section", **{"class": "record"})
    assert len(records) == 2
    for record, root in zip(records, ("V2G Root CA B", "V2G Root CA A"), strict=True):
        assert record.startswith(f"ISO 15118-2 under {root}")
        assert f"PCID {PCID_TEXT}" in record
        assert "★ the car's default contract" in record
        assert "eMSP (provider id) DEICE OEM (WMI) WAU" in record
        assert "✓ All that was judged holds." in record
        assert "ends in an anchor of this pool" in record
    assert f"/vehicles/{PCID_TEXT}" in page.links()


@pytest.mark.parametrize("draft", DRAFTS[1:], ids=lambda draft: draft.emaid)
def test_chains_are_drawn_from_the_root_down(operators: TestClient, draft: ContractDraft) -> None:
    """Each certificate with what pyca/cryptography reads in it, the leaf last."""
    page = Page(operators.get(f"/contracts/{draft.emaid}"))
    drawn = page.all("ol", **{"class": "links"})[:2]  # of the record that was put last
    for text, chain in zip(drawn, (draft.cps, draft.contract), strict=True):
        places = []
        authority = chain.authority
        for one in (authority.root, authority.sub_1, authority.sub_2, chain.leaf):
            certificate = one.certificate
            fingerprint = " ".join(re.findall("....", certificate.fingerprint(SHA256()).hex()))
            places.append(text.index(fingerprint))
            assert f"{certificate.serial_number:X}" in text
            assert common_name(certificate) in text
            if one is not authority.root:  # the pool knows it by its anchor
                assert f"{certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC" in text
        assert places == sorted(places)


def test_a_car_is_told_with_all_its_contracts(operators: TestClient) -> None:
    """Its default is marked, and each contract leads to its page."""
    page = Page(operators.get(f"/vehicles/{PCID_TEXT.lower()}"))
    assert page.all("h1") == [PCID_TEXT]
    rows = page.all("tr")[1:]
    assert [row.split()[0] for row in rows] == [SECOND, EMAID_TEXT, EMAID_TEXT]
    assert ["★ default" in row for row in rows] == [False, True, True]
    assert {f"/contracts/{SECOND}", f"/contracts/{EMAID_TEXT}"} <= set(page.links())


@pytest.mark.parametrize(
    "path",
    ["/contracts/DEICEC99999999", "/contracts/x", f"/vehicles/{EMAID_TEXT}", "/vehicles/%00"],
)
def test_what_is_not_stored_has_no_page(operators: TestClient, path: str) -> None:
    """404, in the frame of all pages."""
    answer = operators.get(path)
    assert answer.status_code == 404
    assert Page(answer).all("h1") == ["Not Found"]


def test_strings_of_a_record_are_text(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What a CPS has written as metaData does nothing in a browser."""
    hostile = "</dd><script>alert(1)</script>\"'&amp;"
    with looking(tmp_path_factory.mktemp("pool")) as (api, operators):
        body = {**contract_draft().put_body(), "metaData": hostile}
        assert api.put(f"{BASE}/signedcontractdata", json=body).status_code == 201
        page = Page(operators.get(f"/contracts/{EMAID_TEXT}"))
    assert hostile in page.text
    assert len(page.all("script")) == 1


def test_a_revoked_contract_is_told_as_such(tmp_path: Path) -> None:
    """What this pool has had revoked, until it is cleansed."""
    with looking(tmp_path) as (api, operators):
        draft = contract_draft()
        assert api.put(f"{BASE}/signedcontractdata", json=draft.put_body()).status_code == 201
        with closing(Store(tmp_path / "ccp.db")) as store:
            store.record_revoked(Emaid.parse(EMAID_TEXT), draft.contract.leaf.der, ORIGIN)
        for path in (f"/contracts/{EMAID_TEXT}", f"/vehicles/{PCID_TEXT}"):
            assert Page(operators.get(path)).all("span", **{"class": "state bad"})[0] == "revoked"


def test_lab_car_whose_name_is_no_pcid_has_its_page(tmp_path: Path) -> None:
    """Found by its name, in a path where that is quoted."""
    car = "Car 1 (dev)? 100%#e"
    with looking(tmp_path, checks="lab") as (api, operators):
        body = {**contract_draft().put_body(), "pcid": car}
        assert api.put(f"{BASE}/signedcontractdata", json=body).status_code == 201
        answer = operators.get("/search", params={"q": car.lower()})
        assert (answer.status_code, answer.headers["location"]) == (303, f"/vehicles/{quote(car)}")
        assert Page(operators.get(answer.headers["location"])).all("h1") == [car]
        assert f"/vehicles/{quote(car)}" in operators.get(f"/contracts/{EMAID_TEXT}").text
        assert operators.get("/search", params={"q": "Car 2"}).status_code == 404
