"""The car's request, judged by EXIficient and OpenSSL."""

import hashlib
from base64 import b64decode
from pathlib import Path

from ccp.iso15118 import (
    decode,
    encode,
    iso2,
)
from ccp.workshop import Pki, RequestDraft, draft_request
from ccp.workshop.certificates import Chain
from tests.builders import NOW
from tests.iso15118.as_xml import element_xml
from tests.iso15118.exificient import Exificient
from tests.workshop.conftest import SESSION
from tests.workshop.openssl import needs_openssl
from tests.workshop.test_cps import signed_info_holds


@needs_openssl
def test_independent_judges_verify_the_request(
    request_draft: RequestDraft, exificient: Exificient, tmp_path: Path
) -> None:
    """EXIficient's fragment has the digest, and OpenSSL verifies its SignedInfo."""
    message = decode(request_draft.exi())
    assert message.header.signature
    (reference,) = message.header.signature.signed_info.references
    assert reference.uri == "#id1"
    xml = element_xml(message, "CertificateInstallationReq")
    fragment = exificient.encode(xml, "iso2", fragment=True)
    assert reference.digest_value == hashlib.sha256(fragment).digest()
    signed_info = exificient.encode(element_xml(message, "SignedInfo"), "xmldsig", fragment=True)
    key = request_draft.car.leaf.key.public_key()
    assert signed_info_holds(tmp_path, message, signed_info, key)


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


def test_a_session_id_is_drawn_unless_given(pki: Pki, car: Chain) -> None:
    """Eight bytes, others each time."""
    roots = [pki.v2g_root("A").certificate]
    drafts = [draft_request(car, roots, at=NOW) for _ in range(2)]
    assert [len(draft.session_id) for draft in drafts] == [8, 8]
    assert drafts[0].session_id != drafts[1].session_id
