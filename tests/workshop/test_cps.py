"""What the CPS makes, judged by EXIficient, OpenSSL and a decryption written out by hand."""

import hashlib
from base64 import b64decode
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from ccp.iso15118 import decode, encode, iso2, iso20
from ccp.workshop import (
    ED448,
    EDITION_2,
    EDITION_20,
    ContractDraft,
    Edition,
    Pki,
    WorkshopError,
    draft_contract,
    make_car,
    make_pki,
)
from ccp.workshop.certificates import Chain
from ccp.workshop.edition import Answer
from ccp.workshop.pki import fingerprint
from tests.builders import NOW
from tests.iso15118.exificient import Exificient
from tests.workshop.conftest import EMAID, only_2, only_20
from tests.workshop.judges import DIGESTS, fragment_of, signed_info_holds
from tests.workshop.openssl import needs_openssl, openssl

ELEMENTS = {
    EDITION_2: {
        "#id1": "ContractSignatureCertChain",
        "#id2": "ContractSignatureEncryptedPrivateKey",
        "#id3": "DHpublickey",
        "#id4": "eMAID",
    },
    EDITION_20: {"#id1": "SignedInstallationData"},
}


def answer_in(draft: ContractDraft) -> Answer:
    """What the message of a draft says."""
    answer = draft.edition.read_answer(decode(draft.exi()))
    assert answer
    return answer


@needs_openssl
def test_independent_judges_verify_the_signature(
    edition: Edition, contract_draft: ContractDraft, exificient: Exificient, tmp_path: Path
) -> None:
    """EXIficient's fragments have the digests, and OpenSSL verifies its SignedInfo."""
    exi = contract_draft.exi()
    signature = decode(exi).header.signature
    assert signature
    references = signature.signed_info.references
    assert [one.uri for one in references] == list(ELEMENTS[edition])
    for reference in references:
        fragment = fragment_of(exificient, exi, ELEMENTS[edition][reference.uri or ""], edition)
        assert reference.digest_value == hashlib.new(DIGESTS[edition], fragment).digest()
        assert reference.digest_method == f"http://www.w3.org/2001/04/xmlenc#{DIGESTS[edition]}"
    method = signature.signed_info.signature_method.algorithm
    assert method == f"http://www.w3.org/2001/04/xmldsig-more#ecdsa-{DIGESTS[edition]}"
    key = contract_draft.cps.leaf.key.public_key()
    standalone = fragment_of(exificient, exi, "SignedInfo", edition, grammar="xmldsig")
    assert signed_info_holds(tmp_path, exi, standalone, key, edition)
    assert not signed_info_holds(tmp_path, exi, standalone[:-1] + b"\0", key, edition)


@needs_openssl
def test_signed_info_can_be_signed_in_the_message_s_grammar(
    edition: Edition, contract_draft: ContractDraft, exificient: Exificient, tmp_path: Path
) -> None:
    """If asked for, the signature is over SignedInfo as the message's schemas encode it."""
    exi = replace(contract_draft, message_grammar_for=frozenset({"SignedInfo"})).exi()
    combined = fragment_of(exificient, exi, "SignedInfo", edition)
    key = contract_draft.cps.leaf.key.public_key()
    assert signed_info_holds(tmp_path, exi, combined, key, edition)


@only_2
def test_the_short_form_of_emaid_can_be_signed(
    edition: Edition, contract_draft: ContractDraft, exificient: Exificient
) -> None:
    """If asked for, the digest of eMAID is not that of the relaxed form."""
    for names, same in (({"eMAID"}, False), (set(), True)):
        exi = replace(contract_draft, message_grammar_for=frozenset(names)).exi()
        signature = decode(exi).header.signature
        assert signature
        relaxed = fragment_of(exificient, exi, "eMAID", edition)
        digest = signature.signed_info.references[3].digest_value
        assert (digest == hashlib.sha256(relaxed).digest()) == same


def shared_secret(folder: Path, car: Chain, point: bytes) -> bytes:
    """What OpenSSL's ECDH makes of the car's key and the sender's point."""
    assert isinstance(car.leaf.key, ec.EllipticCurvePrivateKey)
    sender = ec.EllipticCurvePublicKey.from_encoded_point(car.leaf.key.curve, point)
    own = car.leaf.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "car.key").write_bytes(own)
    pem = sender.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "sender.pem").write_bytes(pem)
    arguments = ("-inkey", "car.key", "-peerkey", "sender.pem")
    return openssl("pkeyutl", "-derive", *arguments, folder=folder).stdout


def contract_key(draft: ContractDraft) -> int:
    """The number that is to reach the car."""
    assert isinstance(draft.contract.leaf.key, ec.EllipticCurvePrivateKey)
    return draft.contract.leaf.key.private_numbers().private_value


@needs_openssl
@only_2
def test_the_contract_key_reaches_the_car(
    contract_draft: ContractDraft, car: Chain, tmp_path: Path
) -> None:
    """ECDH, ConcatKDF of SHA-256 over 00000001 Z 015556, AES-128-CBC: out comes the contract's."""
    sealed = answer_in(contract_draft).sealed
    point, encrypted = sealed.public_key, sealed.encrypted_key
    assert (len(point), point[0], len(encrypted)) == (65, 4, 48)
    shared = shared_secret(tmp_path, car, point)
    key = hashlib.sha256(bytes.fromhex("00000001") + shared + bytes.fromhex("015556")).digest()[:16]
    decrypted = openssl(
        *("enc", "-d", "-aes-128-cbc", "-nopad", "-K", key.hex(), "-iv", encrypted[:16].hex()),
        stdin=encrypted[16:],
    ).stdout
    assert int.from_bytes(decrypted, "big") == contract_key(contract_draft)


@needs_openssl
@only_20
def test_the_contract_key_reaches_the_car_of_20(
    contract_draft: ContractDraft, car: Chain, tmp_path: Path
) -> None:
    """
    ECDH on P-521, ConcatKDF of SHA-512, AES-256-GCM: 7 zero bits and the contract's 521.

    The key is derived by OpenSSL and by hand; GCM encrypts as CTR does from block 2 on.
    """
    sealed = answer_in(contract_draft).sealed
    point, encrypted = sealed.public_key, sealed.encrypted_key
    assert (len(point), point[0], len(encrypted)) == (133, 4, 12 + 66 + 16)
    shared = shared_secret(tmp_path, car, point)
    assert len(shared) == 66
    key = hashlib.sha512(bytes.fromhex("00000001") + shared + bytes.fromhex("015556")).digest()[:32]
    options = ("digest:SHA512", f"hexkey:{shared.hex()}", "hexinfo:015556")
    kdf = [part for option in options for part in ("-kdfopt", option)]
    assert openssl("kdf", "-keylen", "32", "-binary", *kdf, "SSKDF").stdout == key
    counter = encrypted[:12] + bytes.fromhex("00000002")
    decrypted = openssl(
        *("enc", "-d", "-aes-256-ctr", "-K", key.hex(), "-iv", counter.hex()),
        stdin=encrypted[12:-16],
    ).stdout
    assert len(decrypted) == 66
    assert decrypted[0] <= 1
    assert int.from_bytes(decrypted, "big") == contract_key(contract_draft)


@needs_openssl
@only_20
def test_the_encrypted_key_is_bound_to_car_and_contract(
    contract_draft: ContractDraft, car: Chain, tmp_path: Path
) -> None:
    """The tag holds with the PCID and the contract's key identifier in capitals, and no others."""
    sealed = answer_in(contract_draft).sealed
    shared = shared_secret(tmp_path, car, sealed.public_key)
    key = hashlib.sha512(bytes.fromhex("00000001") + shared + bytes.fromhex("015556")).digest()[:32]
    (tmp_path / "contract.der").write_bytes(contract_draft.contract.leaf.der)
    printed = openssl(
        *("x509", "-inform", "DER", "-in", "contract.der", "-noout"),
        *("-ext", "subjectKeyIdentifier"),
        folder=tmp_path,
    ).stdout
    identifier = printed.split()[-1].replace(b":", b"")
    assert len(identifier) == 16
    iv, ciphertext = sealed.encrypted_key[:12], sealed.encrypted_key[12:]
    good = EDITION_20.pcid.encode() + identifier
    assert len(good) == 18 + 16
    assert len(AESGCM(key).decrypt(iv, ciphertext, good)) == 66
    for names in (good.lower(), good[:18], good[18:], b"", good + b"0"):
        with pytest.raises(InvalidTag):
            AESGCM(key).decrypt(iv, ciphertext, names)


def test_no_two_messages_share_a_key(contract_draft: ContractDraft) -> None:
    """The ephemeral key and the IV are drawn anew for each message."""
    first, second = (answer_in(contract_draft).sealed for _ in range(2))
    assert first.public_key != second.public_key
    assert first.encrypted_key[:12] != second.encrypted_key[:12]


def test_the_put_body_tells_what_the_message_is(pki: Pki, contract_draft: ContractDraft) -> None:
    """EMAID, PCID, and the fingerprint of the V2G root; the message encodes to the same bytes."""
    body = contract_draft.put_body()
    exi = b64decode(body["certificateInstallationRes"])
    assert encode(decode(exi)) == exi
    assert (body["emaid"], body["pcid"]) == (EMAID, pki.edition.pcid)
    assert body["cpsV2GRootCertificateFingerprint"] == fingerprint(pki.v2g_root("A"))


@only_20
def test_a_message_of_20_says_all_that_it_has_to(contract_draft: ContractDraft) -> None:
    """No session yet, the present, OK, nothing to wait for and nothing to follow; P-521."""
    body = contract_draft.put_body()
    assert body["xsdMsgDefNamespace"] == "urn:iso:15118:20:2020:MsgDef"
    message = decode(b64decode(body["certificateInstallationRes"]))
    assert isinstance(message.header, iso20.Header)
    assert message.header.session_id == bytes(8)
    assert message.header.time_stamp == int(NOW.timestamp())
    assert isinstance(message.body, iso20.CertificateInstallationRes)
    assert (message.body.response_code, message.body.evse_processing) == ("OK", "Finished")
    assert message.body.remaining_contract_certificate_chains == 0
    data = message.body.signed_installation_data
    assert data.ecdh_curve == "SECP521"
    assert data.contract_certificate_chain.certificate == contract_draft.contract.leaf.der
    assert contract_draft.contract.leaf.common_name == EMAID


@only_2
def test_a_message_of_2_says_all_that_it_has_to(contract_draft: ContractDraft) -> None:
    """The namespace, OK, and the EMAID beside its certificate."""
    body = contract_draft.put_body()
    assert body["xsdMsgDefNamespace"] == "urn:iso:15118:2:2013:MsgDef"
    message = decode(b64decode(body["certificateInstallationRes"]))
    assert isinstance(message.body, iso2.CertificateInstallationRes)
    assert (message.body.response_code, message.body.emaid.value) == ("OK", EMAID)


@pytest.mark.parametrize("sub_1_first", [False, True])
def test_sub_cas_come_in_either_order(contract_draft: ContractDraft, sub_1_first: bool) -> None:
    """Sub-CA 2 first, or sub-CA 1 if asked for, in both chains."""
    answer = answer_in(replace(contract_draft, sub_1_first=sub_1_first))
    first = 0 if sub_1_first else 1
    cps, contract = contract_draft.cps.authority, contract_draft.contract.authority
    assert answer.cps.sub_cas[first] == cps.sub_1.der
    assert answer.contract.sub_cas[first] == contract.sub_1.der


@needs_openssl
@only_20
def test_a_cps_of_ed448_signs_for_a_car_of_p521(
    edition: Edition, car: Chain, exificient: Exificient, tmp_path: Path
) -> None:
    """OpenSSL verifies signature and digest, named as ISO 15118-20 does (V2G20-2474, -2476)."""
    pki = make_pki(edition, at=NOW, profile=ED448)
    exi = draft_contract(pki, EMAID, car.leaf.certificate, at=NOW).exi()
    signature = decode(exi).header.signature
    assert signature
    method = signature.signed_info.signature_method.algorithm
    assert method == "urn:iso:std:iso:15118:-20:Security:xmldsig#Ed448"
    (reference,) = signature.signed_info.references
    assert reference.digest_method == "urn:iso:std:iso:15118:-20:Security:xmlenc#SHAKE256"
    fragment = fragment_of(exificient, exi, "SignedInstallationData", edition)
    (tmp_path / "fragment").write_bytes(fragment)
    arguments = ("-shake256", "-xoflen", "64", "-binary", "-out", "digest", "fragment")
    assert openssl("dgst", *arguments, folder=tmp_path).returncode == 0
    assert reference.digest_value == (tmp_path / "digest").read_bytes()
    signed_info = fragment_of(exificient, exi, "SignedInfo", edition, grammar="xmldsig")
    key = pki.cps["A"].leaf.key.public_key()
    assert signed_info_holds(tmp_path, exi, signed_info, key, edition)
    assert not signed_info_holds(tmp_path, exi, signed_info + b"\0", key, edition)


def test_a_car_with_another_kind_of_key_gets_no_contract(edition: Edition, pki: Pki) -> None:
    """Nothing can be encrypted for a key on another curve, or for one that signs alone."""
    strangers = [
        make_car(make_pki(one, at=NOW, profile=profile).oem, one.pcid, at=NOW)
        for one, profile in ((EDITION_2, None), (EDITION_20, None), (EDITION_20, ED448))
        if (one, profile) != (edition, None)
    ]
    for stranger in strangers:
        with pytest.raises(WorkshopError, match="has no key on secp"):
            draft_contract(pki, EMAID, stranger.leaf.certificate, at=NOW).exi()
