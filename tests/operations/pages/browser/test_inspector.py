"""Somebody has a message at hand, and the inspector takes it apart."""

import hashlib
import re
from base64 import b64encode
from pathlib import Path

import pytest
from playwright.sync_api import Page

from ccp.workshop import CONTRACT_FAULTS, EDITION_2, EDITION_20, EDITIONS, Edition
from tests.operations.pages.browser.conftest import OpenPage
from tests.operations.pages.browser.furnished import CARS, CONTRACTS, Furnished
from tests.operations.pages.browser.views import UNKNOWN, contract_exi, inspect, request_exi, sent
from tests.vectors import genuine_res

# As an independent codec and OpenSSL tell it: see tests/vectors.
GENUINE = (
    "DEICECOPNCCERT",
    "p0oVEWBy9Os49uoIeQwUAaapfZ1/FxlUDQd7RHuDHNI=",
    "Prov Sub2 CA QA G1.2.1",
    "2026-07-01 14:32 UTC",
)
COUNTED_AT = re.compile(r"Counted \S+ \S+ UTC")
HOLDS = "All that was judged holds."


def text_of(page: Page) -> str:
    """All that the page says."""
    return page.get_by_role("main").inner_text()


def b64(exi: bytes) -> str:
    """Base64, as it is pasted."""
    return b64encode(exi).decode()


@pytest.mark.parametrize("java_script", [True, False])
def test_a_message_is_pasted(open_page: OpenPage, java_script: bool) -> None:
    """It is taken apart below the form, and stays in it."""
    page = open_page(java_script_enabled=java_script)
    inspect(page, b64(genuine_res()))
    assert all(fact in text_of(page) for fact in GENUINE)
    assert page.get_by_label("Message", exact=True).input_value() == b64(genuine_res())


@pytest.mark.parametrize("java_script", [True, False])
def test_a_file_is_chosen(open_page: OpenPage, tmp_path: Path, java_script: bool) -> None:
    """It is inspected when the button is pressed; with scripts, whatever was pasted before."""
    (tmp_path / "message.exi").write_bytes(genuine_res())
    page = open_page(java_script_enabled=java_script)
    page.goto("/inspector")
    if java_script:
        page.get_by_label("Message", exact=True).fill("something else")
    page.get_by_label("or a file").set_input_files(tmp_path / "message.exi")
    sent(page)
    assert all(fact in text_of(page) for fact in GENUINE)


def test_a_file_is_dropped(page: Page) -> None:
    """On the form, where that is shown; the file counts, not what was pasted before."""
    page.goto("/inspector")
    page.get_by_label("Message", exact=True).fill("something else")
    files = page.evaluate_handle(
        """bytes => {
          const files = new DataTransfer();
          files.items.add(new File([new Uint8Array(bytes)], "message.exi"));
          return files;
        }""",
        list(genuine_res()),
    )
    form = page.locator("form.inspect")
    form.dispatch_event("dragover", {"dataTransfer": files})
    assert form.evaluate("one => getComputedStyle(one).outlineStyle") == "dashed"
    with page.expect_navigation():
        form.dispatch_event("drop", {"dataTransfer": files})
    assert all(fact in text_of(page) for fact in GENUINE)


@pytest.mark.parametrize("make", [contract_exi, request_exi])
@pytest.mark.parametrize("edition", EDITIONS, ids=str)
def test_a_good_message_holds(page: Page, pool: Furnished, edition: Edition, make) -> None:
    """Of both editions; its chains end in the anchors of this pool."""
    inspect(page, b64(make(pool, edition)))
    text = text_of(page)
    assert HOLDS in text
    assert "✗" not in text
    assert f"ISO 15118-{edition.number}" in text
    pki = pool.workshops[edition].pki
    if make is contract_exi:
        roots, owner = [pki.v2g_root("A"), pki.emsp.root], UNKNOWN
    else:
        roots, owner = [pki.oem.root], CARS[edition]
    assert owner in text
    for root in roots:
        assert page.locator(".links .root", has_text=root.common_name).first.is_visible()
        assert f"{root.certificate.serial_number:X}" in text


@pytest.mark.parametrize("edition", EDITIONS, ids=str)
def test_what_the_pool_would_answer_is_told(page: Page, pool: Furnished, edition: Edition) -> None:
    """To a car its contracts, to a CPS that it may put one; and nobody has been answered."""
    page.goto("/")
    before = text_of(page)
    inspect(page, b64(request_exi(pool, edition)))
    assert "POST: 200" in text_of(page)
    (default,) = page.get_by_role("listitem").filter(has_text="its default").all()
    assert default.get_by_role("link").inner_text() == CONTRACTS[edition][0]
    inspect(page, b64(contract_exi(pool, edition)))
    assert f"PUT: 201 under {UNKNOWN}" in text_of(page)
    page.goto("/")
    assert COUNTED_AT.sub("", text_of(page)) == COUNTED_AT.sub("", before)


def test_what_is_wrong_is_told_of_its_piece(page: Page, pool: Furnished) -> None:
    """A bit of the signature is flipped: the digests are right, the SignatureValue is not."""
    workshop = pool.workshops[EDITION_20]
    draft = workshop.contract(UNKNOWN, workshop.car(CARS[EDITION_20]))
    fault = CONTRACT_FAULTS[EDITION_20]["signature-tampered"]
    inspect(page, b64(fault.apply_fault(draft).exi()))
    assert HOLDS not in text_of(page)
    pieces = page.get_by_role("heading", name="Signature", exact=True).locator("~ ul, ~ ol").first
    wrong = pieces.get_by_role("listitem").filter(has_text="✗")
    assert wrong.count() == 1
    assert "SignatureValue" in wrong.inner_text()
    assert pieces.get_by_role("listitem").filter(has_text="✓").count() > 1


def test_a_message_that_is_cut_off_is_told_where(page: Page) -> None:
    """The path, and the byte that is the last to be understood, marked among its neighbours."""
    inspect(page, b64(genuine_res()[:2000]))
    assert "It cannot be read: Certificate is cut off." in text_of(page)
    assert "SAProvisioningCertificateChain" in text_of(page)
    byte, bit = page.locator("main mark").all()
    assert bytes.fromhex(byte.inner_text()) in genuine_res()[:2000]
    assert bit.inner_text() in ("0", "1")


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        ("", 400, "There is no message"),
        ("certificate!", 400, "There is no message"),
        (b64(hashlib.shake_128(b"random").digest(500)), 200, "It cannot be read"),
        ("A" * 200_000, 413, "too large"),
        ("</textarea><script src=/x></script>", 200, "It cannot be read"),
    ],
    ids=["nothing", "no base64", "random bytes", "too large", "hostile"],
)
def test_what_is_no_message_is_told(page: Page, text: str, status: int, said: str) -> None:
    """In words; what was pasted stays in the form, to be corrected."""
    assert inspect(page, text).status == status
    assert said in text_of(page)
    if status != 413:
        assert page.get_by_label("Message", exact=True).input_value() == text


def test_what_a_message_says_is_text(page: Page, pool: Furnished) -> None:
    """A car whose name is a script."""
    name = "<script src=/x.js></script><img src=/x>"
    workshop = pool.workshops[EDITION_2]
    inspect(page, b64(workshop.request(workshop.car(name)).exi()))
    assert page.get_by_role("main").get_by_text(name, exact=True).first.is_visible()
    assert page.locator("main script, main img").count() == 0


def test_one_message_after_the_other(page: Page, pool: Furnished) -> None:
    """The form takes the next one; the way back leads to the last."""
    inspect(page, b64(genuine_res()))
    page.get_by_label("Message", exact=True).fill(b64(request_exi(pool, EDITION_2)))
    sent(page)
    assert CARS[EDITION_2] in text_of(page)
    assert GENUINE[0] not in text_of(page)
