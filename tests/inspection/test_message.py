"""A message inspected: what is wrong with it is told of the very piece that it is wrong with."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from ccp.domain.errors import CertificateUnreadable, SignatureInvalid
from ccp.inspection import (
    Inspection,
    UnreadableCertificate,
    UnreadableMessage,
    inspect_message,
    render_text,
)
from ccp.iso15118 import MessageKind, decode, encode, iso2, iso2_failure, iso20_failure
from ccp.messages import SignedContract, understand, verify_message
from ccp.pki.certificates import read_certificate
from ccp.trust.folder import Trust, load_trust
from ccp.workshop import (
    CONTRACT_FAULTS,
    ED448,
    EDITION_2,
    EDITION_20,
    EDITIONS,
    REQUEST_FAULTS,
    Edition,
    Fault,
    make_pki,
)
from ccp.workshop.edition import SignedPart
from ccp.workshop.signing import sign
from tests.builders import EMAID_TEXT, NOW
from tests.iso15118.bit_strings import HEADER, UNSIGNED, octets
from tests.iso15118.drawn import MESSAGES
from tests.trusted import (
    ED448_OF_RFC_9231,
    MADE_AT,
    PCIDS,
    contract_draft,
    pki,
    request_draft,
    trust_folder,
)
from tests.vectors import (
    departures,
    genuine_res,
    iso20_requests,
    iso20_shapes,
    josev_req_20,
    requests,
    shapes,
)

Wrong = set[tuple[str, str | None]]

VALUE, METHOD = ("SignatureValue", None), ("SignatureMethod", None)
# With what a fault of the signature is told, but for those of one element.
PIECES: dict[str, Wrong] = {
    "unsigned": {("Signature", None)},
    "wrong-signer": {VALUE},
    "signed-info-tampered": {VALUE},
    "signature-tampered": {VALUE},
    "signature-der": {VALUE},
    "signature-wrong-curve": {VALUE},
    "cps-wrong-curve": {VALUE},
    "provisioning-wrong-curve": {VALUE},
    "signature-method": {METHOD, VALUE},
    "canonicalization": {("CanonicalizationMethod", None)},
}
# What is wrong with these is not in the message, or a car's business.
NOT_IN_THE_MESSAGE = {"cps-other-root", "response-code", "pcid-is-none"}
SPOILT = [
    pytest.param(edition, fault, make, id=f"{edition}: {fault.name}")
    for faults, make in ((CONTRACT_FAULTS, contract_draft), (REQUEST_FAULTS, request_draft))
    for edition in EDITIONS
    for fault in faults[edition].values()
]


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    """The anchors of both editions, and of Ed448."""
    folder = trust_folder(tmp_path_factory.mktemp("trust"), None)
    return load_trust(folder, at=NOW)


def inspected(exi: bytes, trust: Trust | None = None) -> Inspection:
    """Inspect what can be read; its verdict is that of its parts, and the log has nothing of it."""
    with capture_logs() as lines:
        inspection = inspect_message(exi, at=NOW, trust=trust)
    assert lines == []
    assert isinstance(inspection, Inspection)
    signature = inspection.signature
    assert signature.holds == all(piece.holds for piece in signature.pieces) == verifies(exi)
    assert all(piece.holds != bool(piece.problems) for piece in signature.pieces)
    parts = [signature.holds, not inspection.problems, *(one.holds for one in inspection.chains)]
    assert inspection.holds == all(parts)
    return inspection


def verifies(exi: bytes) -> bool:
    """Whether the pool takes the signature, which is read by other code than its verdicts."""
    message = decode(exi, trailing_zeros=4)
    content = understand(message)
    der = content.cps_chain[0] if isinstance(content, SignedContract) else content.certificates[0]
    try:
        key = read_certificate(der, "signer").public_key
    except CertificateUnreadable:
        key = None
    try:
        verify_message(exi, message, key, content.suites)
    except SignatureInvalid:
        return False
    return True


def wrong_pieces(inspection: Inspection) -> Wrong:
    """The pieces of the signature that do not hold."""
    return {(one.name, one.element) for one in inspection.signature.pieces if not one.holds}


def wrong_elements(fault: str, parts: Sequence[SignedPart]) -> Wrong:
    """The References that a fault spoils; None is one to nothing that is to be signed."""
    elements = [part.element for part in parts]
    if fault == "reference-twice":
        return {("Reference", elements[0]), ("Reference", elements[-1])}
    if fault == "reference-elsewhere":
        return {("Reference", None), ("Reference", elements[-1])}
    if fault == "digest-method":
        return {("DigestMethod", elements[-1]), ("Reference", elements[-1])}
    return {
        ("Reference", part.element)
        for part in parts
        if fault == "tampered" or fault.partition("-")[2] == part.slug
    }


@pytest.mark.parametrize(("edition", "fault", "make"), SPOILT)
def test_every_fault_is_told_where_it_is(
    trust: Trust, edition: Edition, fault: Fault[Any], make: Any
) -> None:
    """Of the signature the very pieces, of the chains the very one; all else holds."""
    draft = make(edition=edition)
    inspection = inspected(fault.apply_fault(draft).exi(), trust)
    parts = edition.parts_of_res if make is contract_draft else edition.parts_of_req
    problems = [
        *inspection.problems,
        *(one for piece in inspection.signature.pieces for one in piece.problems),
        *(one for chain in inspection.chains for one in chain.problems),
    ]
    if fault.error is SignatureInvalid:
        assert wrong_pieces(inspection) == PIECES.get(fault.name, wrong_elements(fault.name, parts))
        assert any(fault.told in problem for problem in problems)
        return
    assert inspection.signature.holds
    wrong = [chain.name.split()[0].lower() for chain in inspection.chains if not chain.holds]
    kind = fault.name.partition("-")[0].replace("provisioning", "oem")
    if fault.name in ("emaid-swapped", "contract-of-other-emaid"):
        # In ISO 15118-20 nothing but the certificate says whose contract it is.
        assert bool(inspection.problems) == (edition is EDITION_2)
        assert wrong == []
    elif fault.name in NOT_IN_THE_MESSAGE:
        assert inspection.holds
    else:
        assert wrong == [kind]
        expected = "has expired." if "expired" in fault.name else fault.told
        expected = "is not yet valid." if "not-yet-valid" in fault.name else expected
        assert any(expected in problem for problem in problems)


@pytest.mark.parametrize("edition", EDITIONS, ids=str)
def test_a_contract_as_it_should_be_holds(trust: Trust, edition: Edition) -> None:
    """Its chains end in the roots of the PKI that made it."""
    inspection = inspected(contract_draft("B", edition=edition).exi(), trust)
    assert inspection.holds
    assert (inspection.message, inspection.edition) == (
        "CertificateInstallationRes",
        f"ISO 15118-{edition.number}",
    )
    assert (inspection.emaid, inspection.pcid, inspection.response_code) == (EMAID_TEXT, None, "OK")
    assert [chain.name for chain in inspection.chains] == [
        "CPS certificate",
        "contract certificate",
    ]
    roots = [chain.root for chain in inspection.chains]
    assert [root.subject.split(", ")[1] for root in roots if root] == [
        f"CN={pki(edition).cps['B'].authority.root.common_name}",
        f"CN={pki(edition).emsp.root.common_name}",
    ]
    assert all(chain.judged for chain in inspection.chains)


@pytest.mark.parametrize("edition", EDITIONS, ids=str)
def test_a_request_as_it_should_be_holds(trust: Trust, edition: Edition) -> None:
    """Its chain ends in the OEM's root, also where the message brings the leaf alone."""
    draft = request_draft(edition=edition)
    inspection = inspected(draft.exi(), trust)
    assert inspection.holds
    assert inspection.session_id == draft.session_id.hex().upper()
    assert (inspection.emaid, inspection.pcid) == (None, PCIDS[edition])
    (chain,) = inspection.chains
    assert (chain.name, chain.judged) == ("OEM provisioning certificate", True)
    assert len(chain.certificates) == {EDITION_2: 1, EDITION_20: 3}[edition]
    assert chain.root
    oem = pki(edition).oem
    assert int(chain.root.serial_number, 16) == oem.root.certificate.serial_number
    serial_numbers = [
        int(one.serial_number, 16) for one in (*chain.certificates[1:], *chain.supplied)
    ]
    assert serial_numbers == [one.certificate.serial_number for one in (oem.sub_2, oem.sub_1)]
    assert len(chain.supplied) == {EDITION_2: 2, EDITION_20: 0}[edition]


def test_ed448_is_judged_too(trust: Trust) -> None:
    """Of ISO 15118-20 the other suite."""
    inspection = inspected(contract_draft(edition=EDITION_20, profile=ED448).exi(), trust)
    assert inspection.holds
    assert {one.key for one in inspection.chains[0].certificates} == {"Ed448"}


def test_inspection_of_ed448_as_rfc_9231_names_it_holds_with_remarks(trust: Trust) -> None:
    """The names used before ISO 15118-20's own were known: accepted, and reported."""
    draft = contract_draft(edition=EDITION_20, profile=ED448)
    exi = encode(sign(decode(draft.exi()), draft.signing_key, suite=ED448_OF_RFC_9231))
    inspection = inspected(exi, trust)
    assert inspection.holds
    name = "The standard's name of this algorithm is urn:iso:std:iso:15118:-20:Security:"
    assert [list(one.remarks) for one in inspection.signature.pieces if one.remarks] == [
        [f"{name}xmldsig#Ed448."],
        [f"{name}xmlenc#SHAKE256."],
    ]
    assert f"    {name}xmldsig#Ed448." in list(render_text(inspection))


def test_inspection_of_a_digest_by_another_algorithm_says_that_it_holds() -> None:
    """Josev's request of ISO 15118-20 is signed and digested with SHA-256, on P-256."""
    inspection = inspected(josev_req_20())
    signature = inspection.signature
    assert not signature.holds
    assert {one.name: list(one.problems) for one in signature.pieces if one.problems} == {
        "SignatureMethod": ["Its SignatureMethod is not ecdsa-sha512 on P-521 or Ed448."],
        "DigestMethod": [
            "The DigestMethod of OEMProvisioningCertificateChain does not go with"
            " ecdsa-sha512 on P-521 or Ed448."
        ],
    }
    reference, value = signature.pieces[-2:]
    assert (reference.uri, reference.form, reference.algorithm) == (
        "#id1",
        "schema",
        "http://www.w3.org/2001/04/xmlenc#sha256",
    )
    published = "CtBDY/O/MiKlYVxJV7UlQH5VOo1MYhCcukSTaJxW7EI="
    assert reference.digest_value == reference.digests["schema"] == published
    assert (value.name, value.form) == ("SignatureValue", "standalone")
    assert "  ✓ Reference #id1 to OEMProvisioningCertificateChain (schema form)" in list(
        render_text(inspection)
    )


@pytest.mark.parametrize("edition", EDITIONS, ids=str)
@pytest.mark.parametrize("forms", [(), ("SignedInfo",), ("eMAID",), ("SignedInfo", "eMAID")])
def test_the_form_that_was_signed_is_told(edition: Edition, forms: tuple[str, ...]) -> None:
    """Whether SignedInfo and eMAID were signed as the schemas want, or as in the message."""
    draft = replace(contract_draft(edition=edition), message_grammar_for=frozenset(forms))
    inspection = inspected(draft.exi())
    assert inspection.holds
    value = inspection.signature.pieces[-1]
    assert value.form == ("message" if "SignedInfo" in forms else "standalone")
    found = {one.element: one.form for one in inspection.signature.pieces if one.element}
    assert found.pop("eMAID", "schema") == (
        "message" if "eMAID" in forms and edition is EDITION_2 else "schema"
    )
    assert set(found.values()) == {"schema"}


def test_the_genuine_message_is_told() -> None:
    """What OpenSSL and EXIficient say of it; nobody has been asked for anchors."""
    inspection = inspected(genuine_res())
    assert inspection.holds
    assert (inspection.size, inspection.session_id, inspection.emaid) == (
        4020,
        "00",
        "DEICECOPNCCERT",
    )
    order = ["#ID2", "#ID1", "#ID4", "#ID3"]
    assert [one.uri for one in inspection.signature.pieces if one.uri] == order
    methods = {one.name: one.algorithm for one in inspection.signature.pieces}
    assert methods == {
        "CanonicalizationMethod": "http://www.w3.org/TR/canonical-exi/",
        "SignatureMethod": "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
        "Reference": "http://www.w3.org/2001/04/xmlenc#sha256",
        "SignatureValue": None,
    }
    for chain in inspection.chains:
        assert (chain.judged, chain.root) == (False, None)
        assert [one.is_signed_by_it for one in chain.certificates] == [True, True, None]


# Of the genuine message, as its CPS has written them.
DIGESTS = {
    "ContractSignatureCertChain": "p0oVEWBy9Os49uoIeQwUAaapfZ1/FxlUDQd7RHuDHNI=",
    "ContractSignatureEncryptedPrivateKey": "yKQT8VBbzizau+Zkgbdure8Qze0eLeuRjhzb1rs/q0g=",
    "DHpublickey": "pS1b+lLIuAdXbPFYRXFOby/lggzIyWrS86CtVzNmeC8=",
    "eMAID": "W9hJJIoveKdKDKBs4G2B7zhexSyl9OGlIbnSxnPmm60=",
}


@pytest.mark.parametrize("changed", [None, "DHpublickey", "eMAID"])
def test_digests_are_told_as_written_and_as_they_are(changed: str | None) -> None:
    """Those of the genuine message agree; those of what is changed in it do not, in any form."""
    message = decode(genuine_res())
    assert isinstance(message.body, iso2.CertificateInstallationRes)
    if changed == "DHpublickey":
        message.body.dh_publickey.value = bytes(65)
    elif changed == "eMAID":
        message.body.emaid.value = "DEICECOPNCCERS"
    inspection = inspected(encode(message))
    pieces = {one.element: one for one in inspection.signature.pieces if one.element}
    assert {name: one.digest_value for name, one in pieces.items()} == DIGESTS
    assert {name for name, one in pieces.items() if not one.holds} == {changed} - {None}
    for name, piece in pieces.items():
        forms = {"schema", "message"} if name == "eMAID" else {"schema"}
        assert piece.digests.keys() == forms
        assert (piece.digests["schema"] == DIGESTS[name]) == (name != changed)
        assert piece.digests.get("message") != DIGESTS[name]


def test_validity_is_that_of_the_moment() -> None:
    """The genuine contract certificate is valid from 2024-07-04 to 2026-07-01."""
    for days, validity in ((-400, "not yet valid"), (0, "valid"), (400, "expired")):
        inspection = inspect_message(genuine_res(), at=NOW + timedelta(days=days))
        assert isinstance(inspection, Inspection)
        leaf = inspection.chains[1].certificates[0]
        assert leaf.validity == validity
        assert inspection.holds


@pytest.mark.parametrize("vector", [*requests().values(), *iso20_requests().values()])
def test_requests_of_others_hold(vector: Any) -> None:
    """The request vectors, of both editions, are signed by the car that they name."""
    inspection = inspected(vector.exi)
    assert inspection.signature.holds
    assert inspection.pcid == vector.name


def test_links_of_a_chain_are_told(trust: Trust) -> None:
    """A sub-CA that another one only names, and a leaf that does not come first."""
    message = decode(contract_draft().exi())
    assert isinstance(message.body, iso2.CertificateInstallationRes)
    cps = message.body.sa_provisioning_certificate_chain
    sub_2, sub_1 = cps.sub_certificates
    namesake = make_pki(EDITION_2, at=MADE_AT).cps["A"].authority.sub_2.der
    cps.sub_certificates = [namesake, sub_1]
    said = "names a certificate of its chain as its issuer, which has not signed it."
    assert inspected(encode(message)).chains[0].problems == [
        f"The CPS certificate {said}",
        f"The sub-CA of the CPS certificate {said}",
    ]
    cps.certificate, cps.sub_certificates = sub_2, [cps.certificate, sub_1]
    problems = inspected(encode(message), trust).chains[0].problems
    assert problems[0].endswith("the leaf has to come first.")


def test_anchors_that_are_not_there_judge_nothing(tmp_path: Path) -> None:
    """As in a pool: a set of anchors of which nothing is configured refuses nobody."""
    folder = trust_folder(tmp_path)
    for path in (folder / "emsp").iterdir():
        path.unlink()
    exi = contract_draft().exi()
    assert inspected(exi, load_trust(folder, at=NOW)).chains[1].problems  # not under a V2G root
    for path in (folder / "v2g").iterdir():
        path.unlink()
    assert [one.judged for one in inspected(exi, load_trust(folder, at=NOW)).chains] == [False] * 2


@pytest.mark.parametrize(
    "exi", [iso2_failure(b"12345678", "FAILED"), iso20_failure(b"12345678", "FAILED", time_stamp=7)]
)
def test_a_failure_is_told_without_certificates(exi: bytes) -> None:
    """What stands for certificates in it are none; it is told all the same."""
    inspection = inspected(exi)
    assert not inspection.holds
    assert (inspection.response_code, inspection.session_id) == ("FAILED", b"12345678".hex())
    assert wrong_pieces(inspection) == {("Signature", None)}
    for chain in inspection.chains:
        assert all(isinstance(one, UnreadableCertificate) for one in chain.certificates)
        assert "is not an X.509 certificate." in chain.problems[0]


def test_zero_bytes_behind_a_message_are_told() -> None:
    """As many as relays append."""
    exi = request_draft().exi()
    inspection = inspected(exi + bytes(3))
    assert inspection.holds
    assert (inspection.size, inspection.zero_bytes_behind) == (len(exi) + 3, 3)
    assert isinstance(inspect_message(exi + bytes(5), at=NOW), UnreadableMessage)


def test_what_cannot_be_read_is_told_by_bit_and_path() -> None:
    """EXIficient has put a KeyInfo behind the SignatureValue, where the Signature should end."""
    (vector,) = [one for one in departures() if one.name == "KeyInfo"]
    broken = inspect_message(vector.exi, at=NOW)
    assert isinstance(broken, UnreadableMessage)
    assert not broken.holds
    assert broken.path == "V2G_Message/Header/Signature"
    assert broken.reason == "Signature has a KeyInfo, which is not used here."
    assert list(broken.expected) == ["the end of the element"]
    assert broken.bit
    assert broken.kind == MessageKind.ISO2_MALFORMED.value
    assert broken.tree
    (header,) = broken.tree.children
    signature = header.children[-1]
    assert (broken.tree.end, header.end, signature.end) == (None, None, None)
    assert (header.name, signature.name) == ("Header", "Signature")
    assert [one.name for one in signature.children] == ["SignedInfo", "SignatureValue"]
    assert signature.children[-1].end == broken.bit
    cut = inspect_message(vector.exi[: broken.bit // 8 - 1], at=NOW)
    assert isinstance(cut, UnreadableMessage)
    assert "is cut off." in cut.reason


@pytest.mark.parametrize(
    ("exi", "kind"),
    [
        (b"", "empty"),
        (b"<V2G_Message/>", "XML text, not EXI"),
        (bytes.fromhex("809a004011d008004400"), "a DIN SPEC 70121 message"),
        (bytes(40_000), "no message of ISO 15118"),
    ],
)
def test_what_is_no_such_message_is_told_as_what_it_is(exi: bytes, kind: str) -> None:
    """There is nothing of it to show."""
    told = inspect_message(exi, at=NOW)
    assert isinstance(told, UnreadableMessage)
    assert (told.kind, told.tree) == (kind, None)


def test_another_message_is_told_with_its_header() -> None:
    """A SessionSetupReq: code 29 in the Body of ISO 15118-2."""
    told = inspect_message(octets(HEADER, UNSIGNED, "011101") + bytes(8), at=NOW)
    assert isinstance(told, UnreadableMessage)
    assert told.kind == "another ISO 15118-2 message"
    assert told.reason == "Body has a SessionSetupReq, which is not used here."
    assert told.tree
    header, body = told.tree.children
    assert [(one.name, one.value) for one in header.children] == [("SessionID", "01")]
    assert (body.name, body.end, list(body.children)) == ("Body", None, [])


SEEDS = [genuine_res(), *[one.exi for one in (*shapes(), *iso20_shapes())][::20]]


def assert_told(exi: bytes) -> None:
    """Whatever it is: an answer, that JSON can carry and a terminal can show."""
    inspection = inspect_message(exi, at=NOW)
    assert orjson.loads(orjson.dumps(inspection))["holds"] == inspection.holds
    assert all(line.isprintable() for line in render_text(inspection))


@given(st.binary(max_size=300) | st.binary(max_size=300).map(lambda end: b"\x80\x98" + end))
@example(b"")
@example(bytes(40_000))
@example(b"\x80\x98" + b"\xff" * 32_000)
def test_any_bytes_are_told(exi: bytes) -> None:
    """Nothing crashes."""
    assert_told(exi)


@given(st.data())
def test_a_message_with_bytes_changed_is_told(data: st.DataObject) -> None:
    """In its certificates above all, which have most of the bytes."""
    exi = bytearray(data.draw(st.sampled_from(SEEDS)))
    for _ in range(data.draw(st.integers(1, 4))):
        exi[data.draw(st.integers(2, len(exi) - 1))] = data.draw(st.integers(0, 255))
    assert_told(bytes(exi))


@given(MESSAGES)
def test_any_message_is_told(message: Any) -> None:
    """Of whatever values the schemas allow."""
    assert_told(encode(message))
