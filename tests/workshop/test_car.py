"""The car's request, judged by EXIficient and OpenSSL."""

import hashlib
from base64 import b64decode
from dataclasses import replace
from pathlib import Path

import pytest

from ccp.iso15118 import decode, encode, iso2, iso20
from ccp.workshop import (
    ED448,
    EDITION_2,
    EDITION_20,
    Edition,
    Pki,
    RequestDraft,
    TimeUnit,
    draft_request,
    make_car,
    make_pki,
)
from ccp.workshop.certificates import Chain
from tests.builders import NOW
from tests.iso15118.exificient import Exificient
from tests.workshop.conftest import SESSION, only_2, only_20
from tests.workshop.judges import DIGESTS, fragment_of, signed_info_holds
from tests.workshop.openssl import needs_openssl

ELEMENTS = {
    EDITION_2: "CertificateInstallationReq",
    EDITION_20: "OEMProvisioningCertificateChain",
}


@needs_openssl
def test_independent_judges_verify_the_request(
    edition: Edition, request_draft: RequestDraft, exificient: Exificient, tmp_path: Path
) -> None:
    """EXIficient's fragment has the digest, and OpenSSL verifies its SignedInfo."""
    exi = request_draft.exi()
    signature = decode(exi).header.signature
    assert signature
    (reference,) = signature.signed_info.references
    assert reference.uri == "#id1"
    fragment = fragment_of(exificient, exi, ELEMENTS[edition], edition)
    assert reference.digest_value == hashlib.new(DIGESTS[edition], fragment).digest()
    signed_info = fragment_of(exificient, exi, "SignedInfo", edition, grammar="xmldsig")
    key = request_draft.car.leaf.key.public_key()
    assert signed_info_holds(tmp_path, exi, signed_info, key, edition)


@needs_openssl
@only_20
def test_a_car_of_ed448_signs(
    edition: Edition, pki: Pki, exificient: Exificient, tmp_path: Path
) -> None:
    """OpenSSL verifies what it has signed; the algorithm is named as Ed448."""
    car = make_car(make_pki(edition, at=NOW, profile=ED448).oem, edition.pcid, at=NOW)
    exi = draft_request(car, [pki.v2g_root("A").certificate], at=NOW, edition=edition).exi()
    signature = decode(exi).header.signature
    assert signature
    method = signature.signed_info.signature_method.algorithm
    assert method == "urn:iso:std:iso:15118:-20:Security:xmldsig#Ed448"
    signed_info = fragment_of(exificient, exi, "SignedInfo", edition, grammar="xmldsig")
    assert signed_info_holds(tmp_path, exi, signed_info, car.leaf.key.public_key(), edition)


@only_2
def test_the_request_says_who_asks_and_what_it_trusts(
    pki: Pki, request_draft: RequestDraft, car: Chain
) -> None:
    """The session id, the leaf alone, and each V2G root by issuer and serial number."""
    exi = b64decode(request_draft.post_body()["certificateInstallationReq"])
    message = decode(exi)
    assert encode(message) == exi
    assert message.header.session_id == SESSION
    assert isinstance(message.body, iso2.CertificateInstallationReq)
    assert message.body.oem_provisioning_cert == car.leaf.der
    root = pki.v2g_root("A").certificate
    (listed,) = message.body.list_of_root_certificate_ids
    assert listed.x509_serial_number == root.serial_number
    assert listed.x509_issuer_name == root.subject.rfc4514_string()


@only_20
def test_a_request_of_20_says_what_the_car_wants_besides(
    pki: Pki, request_draft: RequestDraft, car: Chain
) -> None:
    """The whole chain but its root, the present, room for three contracts, and no wish."""
    body = request_draft.post_body()
    assert body["xsdMsgDefNamespace"] == "urn:iso:15118:20:2020:MsgDef"
    message = decode(b64decode(body["certificateInstallationReq"]))
    assert isinstance(message.header, iso20.Header)
    assert (message.header.session_id, message.header.time_stamp) == (SESSION, NOW.timestamp())
    req = message.body
    assert isinstance(req, iso20.CertificateInstallationReq)
    assert req.oem_provisioning_certificate_chain.certificate == car.leaf.der
    authority = car.authority
    assert req.oem_provisioning_certificate_chain.sub_certificates == [
        authority.sub_2.der,
        authority.sub_1.der,
    ]
    (listed,) = req.list_of_root_certificate_ids
    assert listed.x509_serial_number == pki.v2g_root("A").certificate.serial_number
    assert req.maximum_contract_certificate_chains == 3
    assert req.prioritized_emaids == []


@only_20
def test_wishes_are_in_the_message(request_draft: RequestDraft) -> None:
    """How many contracts, and which of them first."""
    wanted = ["DEWRKC00000003", "DEWRKC00000001"]
    message = decode(replace(request_draft, maximum=7, prioritized=wanted).exi())
    assert isinstance(message.body, iso20.CertificateInstallationReq)
    assert message.body.maximum_contract_certificate_chains == 7
    assert message.body.prioritized_emaids == wanted


@only_20
@pytest.mark.parametrize(
    ("unit", "digits"),
    [(TimeUnit.SECONDS, ""), (TimeUnit.MILLISECONDS, "123"), (TimeUnit.MICROSECONDS, "123456")],
)
def test_a_time_stamp_is_in_the_car_s_unit(
    request_draft: RequestDraft, unit: TimeUnit, digits: str
) -> None:
    """Seconds, milliseconds or microseconds since 1970, none of them rounded up."""
    at = NOW.replace(microsecond=123456)
    message = decode(replace(request_draft, at=at, time_unit=unit).exi())
    assert isinstance(message.header, iso20.Header)
    assert str(message.header.time_stamp) == f"{int(NOW.timestamp())}{digits}"


def test_a_session_id_is_drawn_unless_given(edition: Edition, pki: Pki, car: Chain) -> None:
    """Eight bytes, others each time."""
    roots = [pki.v2g_root("A").certificate]
    drafts = [draft_request(car, roots, at=NOW, edition=edition) for _ in range(2)]
    assert [len(draft.session_id) for draft in drafts] == [8, 8]
    assert drafts[0].session_id != drafts[1].session_id


def test_a_session_remembers_what_was_asked(request_draft: RequestDraft) -> None:
    """All that the answer is held against later."""
    draft = replace(request_draft, maximum=5, time_unit=TimeUnit.MILLISECONDS)
    session = draft.session
    assert (session.session_id, session.roots) == (SESSION, draft.roots)
    assert (session.maximum, session.time_unit) == (5, TimeUnit.MILLISECONDS)
    assert session.edition is draft.edition
