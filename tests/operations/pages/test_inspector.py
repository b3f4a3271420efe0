"""The inspector: whatever is pasted or sent as a file, all that can be said of it is said."""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator

import pytest
from httpx2 import Response
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from ccp.iso15118 import ExiError, RootCertificateID, decode, encode, iso2
from ccp.workshop import CONTRACT_FAULTS, EDITIONS, REQUEST_FAULTS, Edition
from ccp.workshop.certificates import common_name
from tests.builders import EMAID_TEXT, b64
from tests.operations.pages.looking import Page, looking
from tests.trusted import PCIDS, contract_draft, pki, request_draft, trust_folder
from tests.vectors import genuine_res

BROKEN = "It cannot be read:"


@pytest.fixture(scope="module")
def operators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """They look at a pool with anchors and no contract in it."""
    folder = tmp_path_factory.mktemp("pool")
    trust = str(trust_folder(folder / "pki", None))
    with looking(folder, trust_dir=trust) as (_, operators):
        yield operators


def paste(operators: TestClient, text: str) -> Response:
    """Send a message as the form does where one is pasted."""
    files = {"message": (None, text), "file": ("", b"", "application/octet-stream")}
    return operators.post("/inspector", files=files)


def drop(operators: TestClient, data: bytes) -> Response:
    """Send a file as the form does."""
    files = {"message": (None, ""), "file": ("x.exi", data, "application/octet-stream")}
    return operators.post("/inspector", files=files)


def inspected(answer: Response, status: int = 200) -> Page:
    """The page that tells of it."""
    assert answer.status_code == status, answer.text
    page = Page(answer)
    assert page.all("h1") == ["Inspector"]
    return page


def test_the_genuine_message_is_taken_apart(operators: TestClient) -> None:
    """With what OpenSSL and EXIficient say of it; its roots are no anchors of this pool."""
    page = inspected(paste(operators, b64(genuine_res())))
    assert "Message CertificateInstallationRes of ISO 15118-2" in page.text
    assert "Size 4 020 bytes" in page.text
    assert "✓ The signature by the CPS certificate holds." in page.text
    pieces = page.all("ol", **{"class": "pieces"})[0]
    for name, uri in {
        "ContractSignatureEncryptedPrivateKey": "#ID2",
        "ContractSignatureCertChain": "#ID1",
        "eMAID": "#ID4",
        "DHpublickey": "#ID3",
    }.items():
        assert f"✓ Reference holds to {name} {uri}" in pieces
    assert pieces.count("is the same") == 4
    assert "relaxed grammar (EXI 1.0, 8.5.3)" in pieces
    assert "schema of XML Signature alone" in pieces
    assert page.all("p", **{"class": "name"}).count("none of this pool's") == 2
    assert f"eMAID Id=ID4 {EMAID_TEXT}" in page.text


@pytest.mark.parametrize("edition", EDITIONS, ids=str)
def test_messages_of_both_editions_hold(operators: TestClient, edition: Edition) -> None:
    """What the workshop has signed; the pool trusts its roots."""
    request, contract = request_draft(edition=edition), contract_draft(edition=edition)
    for exi, name, owner in (
        (request.exi(), "CertificateInstallationReq", f"PCID {PCIDS[edition]}"),
        (contract.exi(), "CertificateInstallationRes", f"EMAID {EMAID_TEXT}"),
    ):
        page = inspected(paste(operators, b64(exi)))
        assert "✓ All that was judged holds." in page.text
        assert f"Message {name} of ISO 15118-{edition.number}" in page.text
        assert owner in page.text
        chains = page.all("div", **{"class": "chain"})
        assert len(chains) == (2 if owner.startswith("EMAID") else 1)
        assert all("✓ ends in an anchor of this pool" in chain for chain in chains)


@pytest.mark.parametrize("edition", EDITIONS, ids=str)
def test_a_chain_is_drawn_from_its_root_down(operators: TestClient, edition: Edition) -> None:
    """Each below whoever has signed it, also where the car leaves out sub-CAs that the pool has."""
    page = inspected(paste(operators, b64(request_draft(edition=edition).exi())))
    oem = pki(edition).oem
    names = [common_name(one.certificate) for one in (oem.root, oem.sub_1, oem.sub_2)]
    drawn = page.all("p", **{"class": "name"})[-4:]
    assert drawn == [f"{one} valid" for one in (*names, PCIDS[edition])]
    assert page.all("p", **{"class": "link good"}) == [f"↓ signed by {name}" for name in names]


def test_a_chain_that_does_not_hold_is_told_where_it_ends(operators: TestClient) -> None:
    """In the root by names and signatures, also where a certificate has expired."""
    fault = CONTRACT_FAULTS[EDITIONS[0]]["cps-expired"]
    page = inspected(paste(operators, b64(fault.apply_fault(contract_draft()).exi())))
    cps, contract = page.all("div", **{"class": "chain"})
    assert "✗ ends in an anchor of this pool, but does not hold" in cps
    assert "V2G Root CA A valid" in cps
    assert "has expired" in cps
    assert "✓ ends in an anchor of this pool" in contract


def test_a_chain_that_ends_elsewhere_is_told_so(operators: TestClient) -> None:
    """A root that has but the name of an anchor is none."""
    fault = CONTRACT_FAULTS[EDITIONS[0]]["cps-impostor-root"]
    page = inspected(paste(operators, b64(fault.apply_fault(contract_draft()).exi())))
    cps = page.all("div", **{"class": "chain"})[0]
    assert "✗ does not hold" in cps
    assert "anchor none of this pool's" in cps


def test_who_has_signed_is_told_by_name(operators: TestClient) -> None:
    """Sub-CAs may come in either order: what is drawn above need not be the issuer."""
    message = decode(contract_draft().exi())
    assert isinstance(message.body, iso2.CertificateInstallationRes)
    message.body.sa_provisioning_certificate_chain.sub_certificates.reverse()
    page = inspected(paste(operators, b64(encode(message))))
    cps = pki(EDITIONS[0]).cps["A"].authority
    names = [common_name(one.certificate) for one in (cps.sub_1, cps.root, cps.sub_2)]
    links = page.all("p", **{"class": "link good"})[:3]
    assert links == [f"↓ signed by {name}" for name in names]


def test_a_chain_that_cannot_be_read_is_not_judged(operators: TestClient) -> None:
    """Which is another thing than that there are no anchors to judge it by."""
    message = decode(request_draft().exi())
    assert isinstance(message.body, iso2.CertificateInstallationReq)
    message.body.oem_provisioning_cert = b"none"
    page = inspected(paste(operators, b64(encode(message))))
    (chain,) = page.all("div", **{"class": "chain"})
    assert "not judged: not all of it can be read" in chain


@pytest.mark.parametrize("name", ["wrong-signer", "tampered-emaid", "cps-expired", "unsigned"])
def test_what_is_wrong_is_told_where_it_is(operators: TestClient, name: str) -> None:
    """Faults of the workshop, in the words of its own car and pool."""
    fault = next(f for f in CONTRACT_FAULTS[EDITIONS[0]].values() if f.name == name)
    page = inspected(paste(operators, b64(fault.apply_fault(contract_draft()).exi())))
    assert "✗ Something does not hold." in page.text
    problems = " ".join(page.all("ul", **{"class": "problems"}))
    assert fault.told.removesuffix(" or not yet valid.") in problems or "has expired" in problems


def test_a_file_is_taken_as_it_is(operators: TestClient) -> None:
    """EXI, base64 and JSON say the same, and can be sent again from the field."""
    exi = request_draft().exi()
    as_json = json.dumps({"items": [{"certificateInstallationReq": b64(exi)}]})
    sections = []
    for data in (exi, b64(exi).encode(), as_json.encode()):
        page = inspected(drop(operators, data))
        sections.append(page.all("section", **{"class": "record"}))
        (field,) = page.all("textarea")
        again = inspected(paste(operators, field))
        assert again.all("section", **{"class": "record"}) == sections[0]
    assert sections[0] == sections[1] == sections[2] != []


def test_a_file_may_be_in_the_field_for_text(operators: TestClient) -> None:
    """As `curl -F message=@file` sends it."""
    files = {"message": ("put.json", b64(genuine_res()).encode(), "application/json")}
    page = inspected(operators.post("/inspector", files=files))
    assert "CertificateInstallationRes of" in page.text


def test_what_is_pasted_comes_first(operators: TestClient) -> None:
    """Where a file is there too."""
    files = {
        "message": (None, b64(genuine_res())),
        "file": ("x", request_draft().exi(), "application/octet-stream"),
    }
    page = inspected(operators.post("/inspector", files=files))
    assert "CertificateInstallationRes of" in page.text
    assert "CertificateInstallationReq of" not in page.text


def test_a_document_with_many_messages_is_bounded(operators: TestClient) -> None:
    """Five are shown, and it is said how many are not."""
    many = [{"certificateInstallationRes": b64(bytes([0x80, n]))} for n in range(14)]
    page = inspected(paste(operators, json.dumps(many)))
    assert len(page.all("section", **{"class": "record"})) == 5
    assert "9 more messages of this document are not shown." in page.text


@given(st.integers(2, len(genuine_res()) - 1))
@settings(max_examples=20)
def test_a_message_that_is_cut_off_is_told_to_the_bit(operators: TestClient, length: int) -> None:
    """Where the decoder stops: its bit is marked among the bytes that are there."""
    exi = genuine_res()[:length]
    try:
        decode(exi)
    except ExiError as fault:
        error = fault
    page = inspected(paste(operators, b64(exi)))
    assert f"{BROKEN} {error.reason}" in page.text
    assert error.bit is not None
    byte, bit = divmod(error.bit, 8)
    assert f"bit {error.bit}: byte {byte}, bit {bit} of it" in page.text
    marks = page.all("mark")
    if byte < length:
        assert marks == [f"{exi[byte]:02x}", f"{exi[byte]:08b}"[bit]]
    else:
        assert "The bytes end there." in page.text
    assert error.path in page.text
    kind = "CertificateInstallationRes" if length > 800 else ""  # its name comes behind the header
    assert f"Message begins like an ISO 15118-2 {kind}" in page.text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "nothing was pasted, and no file was chosen"),
        ("not base64!", "it is neither EXI, base64 nor JSON"),
        ("{}", "this JSON has no certificateInstallationReq or certificateInstallationRes in it"),
        ("{", "it begins as JSON does, and is none"),
    ],
)
def test_what_has_no_message_in_it_is_told(operators: TestClient, text: str, said: str) -> None:
    """400, and what was sent is still in the field."""
    page = inspected(paste(operators, text), 400)
    assert said in page.text
    assert page.all("textarea") == [text]


def test_a_body_is_bounded_like_the_apis(operators: TestClient) -> None:
    """64 KiB, as CCP_MAX_BODY_BYTES has it by default."""
    answer = paste(operators, "A" * 66_000)
    assert answer.status_code == 413
    assert "The request body is too large." in Page(answer).text


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=x", b"x"),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="a"'),
        ("application/x-www-form-urlencoded", b"message=gJg&message=x&" + b"a=b&" * 500),
        ("application/json", b"{}"),
        ("\xff", b""),
    ],
)
def test_forms_that_are_none_are_refused(
    operators: TestClient, content_type: str, body: bytes
) -> None:
    """As a fault of whoever sends them."""
    headers = {"Content-Type": content_type.encode("latin1")}
    answer = operators.post("/inspector", content=body, headers=headers)
    assert answer.status_code == 400
    Page(answer)


@given(st.binary(max_size=600) | st.text(max_size=300).map(str.encode))
@settings(max_examples=30)
def test_anything_gets_a_page(operators: TestClient, data: bytes) -> None:
    """Nothing that can be sent makes the inspector fail, or becomes part of the page."""
    for answer in (drop(operators, data), paste(operators, data.decode("latin1"))):
        assert answer.status_code in (200, 400)
        page = Page(answer)
        assert len(page.all("script")) == 1
        assert len(page.all("form")) == 2


def test_strings_of_a_message_are_text(operators: TestClient) -> None:
    """What a car writes as the name of a root does nothing in a browser."""
    message = decode(request_draft().exi())
    assert isinstance(message.body, iso2.CertificateInstallationReq)
    hostile = "<img src=x onerror=alert(1)></code>\"'&lt;"
    message.body.list_of_root_certificate_ids = [RootCertificateID(hostile, 7)]
    page = inspected(paste(operators, b64(encode(message))))
    assert f"X509IssuerName {hostile}" in page.text
    assert [given["src"] for name, given, _ in page.elements if name == "img"] == [
        "/static/icon.svg"
    ]


def test_certificates_can_be_taken_along(operators: TestClient) -> None:
    """As PEM, byte for byte."""
    draft = contract_draft()
    answer = paste(operators, b64(draft.exi()))
    found = re.findall("-----BEGIN CERTIFICATE-----(.*?)-----END", answer.text, re.DOTALL)
    ders = {b64decode(text) for text in found}
    assert draft.contract.leaf.der in ders
    assert len(ders) == 6
    assert b64encode(draft.cps.leaf.der).decode()[:60] in answer.text


def test_faults_of_requests_are_told(operators: TestClient) -> None:
    """A request that another car has signed."""
    fault = next(f for f in REQUEST_FAULTS[EDITIONS[1]].values() if f.name == "wrong-signer")
    draft = fault.apply_fault(request_draft(edition=EDITIONS[1]))
    page = inspected(paste(operators, b64(draft.exi())))
    assert "✗ The signature by the OEM provisioning certificate does not hold." in page.text
