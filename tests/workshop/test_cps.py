"""What the CPS makes, judged by EXIficient, OpenSSL and a decryption written out by hand."""

import hashlib
from base64 import b64decode
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ccp.iso15118 import (
    Message,
    decode,
    encode,
    iso2,
)
from ccp.workshop import ContractDraft, Pki
from ccp.workshop.certificates import Chain
from ccp.workshop.pki import fingerprint
from tests.iso15118.as_xml import element_xml
from tests.iso15118.exificient import Exificient
from tests.workshop.conftest import EMAID, PCID
from tests.workshop.openssl import needs_openssl, openssl

ELEMENTS = {
    "#id1": "ContractSignatureCertChain",
    "#id2": "ContractSignatureEncryptedPrivateKey",
    "#id3": "DHpublickey",
    "#id4": "eMAID",
}


def res_of(message: Message) -> iso2.CertificateInstallationRes:
    """The answer in a message."""
    assert isinstance(message.body, iso2.CertificateInstallationRes)
    return message.body


def signed_info_holds(
    folder: Path, message: Message, fragment: bytes, key: ec.EllipticCurvePublicKey
) -> bool:
    """Whether OpenSSL takes the SignatureValue for that of a SignedInfo's *fragment*."""
    assert message.header.signature
    raw = message.header.signature.signature_value.value
    assert len(raw) == 64
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    (folder / "signature").write_bytes(encode_dss_signature(r, s))
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "key.pem").write_bytes(pem)
    arguments = ("-verify", f"{folder}/key.pem", "-signature", f"{folder}/signature")
    return openssl("dgst", "-sha256", *arguments, stdin=fragment).returncode == 0


@needs_openssl
def test_independent_judges_verify_the_signature(
    contract_draft: ContractDraft, exificient: Exificient, tmp_path: Path
) -> None:
    """EXIficient's fragments have the four digests, and OpenSSL verifies its SignedInfo."""
    message = decode(contract_draft.exi())
    assert message.header.signature
    references = message.header.signature.signed_info.references
    assert [one.uri for one in references] == list(ELEMENTS)
    for reference in references:
        xml = element_xml(message, ELEMENTS[reference.uri or ""])
        fragment = exificient.encode(xml, "iso2", fragment=True)
        assert reference.digest_value == hashlib.sha256(fragment).digest()
    signed_info = element_xml(message, "SignedInfo")
    key = contract_draft.cps.leaf.key.public_key()
    standalone = exificient.encode(signed_info, "xmldsig", fragment=True)
    assert signed_info_holds(tmp_path, message, standalone, key)
    assert not signed_info_holds(tmp_path, message, standalone[:-1] + b"\0", key)


@needs_openssl
def test_both_variants_of_signing_can_be_made(
    contract_draft: ContractDraft, exificient: Exificient, tmp_path: Path
) -> None:
    """eMAID in its short form, and SignedInfo under the message's grammar, each if asked for."""
    draft = replace(contract_draft, message_grammar_for=frozenset({"eMAID", "SignedInfo"}))
    message = decode(draft.exi())
    assert message.header.signature
    relaxed = exificient.encode(element_xml(message, "eMAID"), "iso2", fragment=True)
    digest = message.header.signature.signed_info.references[3].digest_value
    assert digest != hashlib.sha256(relaxed).digest()
    combined = exificient.encode(element_xml(message, "SignedInfo"), "iso2", fragment=True)
    assert signed_info_holds(tmp_path, message, combined, draft.cps.leaf.key.public_key())


@needs_openssl
def test_the_contract_key_reaches_the_car(contract_draft: ContractDraft, car: Chain) -> None:
    """ECDH, ConcatKDF of SHA-256 over 00000001 Z 015556, AES-128-CBC: out comes the contract's."""
    res = res_of(decode(contract_draft.exi()))
    point, sealed = res.dh_publickey.value, res.contract_signature_encrypted_private_key.value
    assert (len(point), point[0], len(sealed)) == (65, 4, 48)
    sender = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    shared = car.leaf.key.exchange(ec.ECDH(), sender)
    key = hashlib.sha256(bytes.fromhex("00000001") + shared + bytes.fromhex("015556")).digest()[:16]
    decrypted = openssl(
        *("enc", "-d", "-aes-128-cbc", "-nopad", "-K", key.hex(), "-iv", sealed[:16].hex()),
        stdin=sealed[16:],
    ).stdout
    contract_key = contract_draft.contract.leaf.key.private_numbers().private_value
    assert int.from_bytes(decrypted, "big") == contract_key


def test_no_two_messages_share_a_key(contract_draft: ContractDraft) -> None:
    """The ephemeral key and the IV are drawn anew for each message."""
    first, second = (res_of(decode(contract_draft.exi())) for _ in range(2))
    assert first.dh_publickey != second.dh_publickey
    encrypted = [one.contract_signature_encrypted_private_key.value for one in (first, second)]
    assert encrypted[0][:16] != encrypted[1][:16]


def test_the_put_body_tells_what_the_message_is(pki: Pki, contract_draft: ContractDraft) -> None:
    """EMAID, PCID, and the fingerprint of the V2G root; the message encodes to the same bytes."""
    body = contract_draft.put_body()
    exi = b64decode(body["certificateInstallationRes"])
    assert encode(decode(exi)) == exi
    assert (body["emaid"], body["pcid"]) == (EMAID, PCID)
    assert body["cpsV2GRootCertificateFingerprint"] == fingerprint(pki.v2g_root("A"))


@pytest.mark.parametrize("sub_1_first", [False, True])
def test_sub_cas_come_in_either_order(contract_draft: ContractDraft, sub_1_first: bool) -> None:
    """Sub-CA 2 first, or sub-CA 1 if asked for, in both chains."""
    res = res_of(decode(replace(contract_draft, sub_1_first=sub_1_first).exi()))
    first = 0 if sub_1_first else 1
    cps, contract = contract_draft.cps.authority, contract_draft.contract.authority
    assert res.sa_provisioning_certificate_chain.sub_certificates[first] == cps.sub_1.der
    assert res.contract_signature_cert_chain.sub_certificates[first] == contract.sub_1.der
