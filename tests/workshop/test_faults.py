"""Every fault makes one thing wrong, in a message that can still be read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from ccp.domain.errors import BadRequest, SignatureInvalid
from ccp.iso15118 import Message, decode, encode, encode_fragment
from ccp.workshop import (
    CONTRACT_FAULTS,
    EDITION_2,
    EDITION_20,
    EDITIONS,
    REQUEST_FAULTS,
    ContractDraft,
    Edition,
    Fault,
    Pki,
    RequestDraft,
)
from tests.builders import NOW
from tests.workshop.openssl import needs_openssl, verify

# Whether digests and references are right is not asked here; these have a wrong SignatureValue.
VALUE_FAULTS = {
    "wrong-signer",
    "signed-info-tampered",
    "signature-tampered",
    "signature-der",
    "signature-wrong-curve",
}
# OpenSSL is not told which root or EMAID the body names, nor that the leaf is to sign messages, nor
# which algorithms an edition knows.
CHAINS_THAT_HOLD = {
    "cps-is-none",
    "cps-other-root",
    "cps-may-not-sign",
    "cps-sub-ca-wrong-curve",
    "cps-wrong-hash",
    "contract-of-other-emaid",
    "contract-sub-ca-wrong-curve",
    "contract-wrong-curve",
    "contract-chain-wrong-curve",
}
HASHES = {EDITION_2: hashes.SHA256(), EDITION_20: hashes.SHA512()}


def every_fault(faults: Mapping[Edition, Mapping[str, Fault[Any]]], *names: str) -> Any:
    """A test for each whose name begins with one of these; it needs the fixture `edition`."""
    found = [
        pytest.param(edition, fault, id=f"{edition}: {fault.name}")
        for edition, by_name in faults.items()
        for fault in by_name.values()
        if fault.name.startswith(names or "")
    ]
    return pytest.mark.parametrize(("edition", "fault"), found, indirect=["edition"])


def value_holds(message: Message, key: object, edition: Edition) -> bool:
    """Whether the SignatureValue is of this SignedInfo and this key."""
    assert message.header.signature
    assert isinstance(key, ec.EllipticCurvePublicKey)
    raw = message.header.signature.signature_value.value
    half = len(raw) // 2
    value = encode_dss_signature(
        int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big")
    )
    signed_info = encode_fragment("SignedInfo", message.header.signature.signed_info)
    try:
        key.verify(value, signed_info, ec.ECDSA(HASHES[edition]))
    except InvalidSignature:
        return False
    return True


def assert_readable(exi: bytes, key: object, fault: Fault[Any], edition: Edition) -> None:
    """It is the message that its draft says, and its SignatureValue is as good as it should be."""
    message = decode(exi)
    assert encode(message) == exi
    if message.header.signature:
        assert value_holds(message, key, edition) == (fault.name not in VALUE_FAULTS)
    else:
        assert fault.name == "unsigned"


@every_fault(CONTRACT_FAULTS)
def test_a_spoilt_contract_can_be_read(
    edition: Edition, contract_draft: ContractDraft, fault: Fault[ContractDraft]
) -> None:
    """A faulty contract is a message all the same, signed as its fault says."""
    draft = fault.apply_fault(contract_draft)
    assert_readable(draft.exi(), draft.cps.leaf.key.public_key(), fault, edition)


@every_fault(REQUEST_FAULTS)
def test_a_spoilt_request_can_be_read(
    edition: Edition, request_draft: RequestDraft, fault: Fault[RequestDraft]
) -> None:
    """The same of a car's request."""
    draft = fault.apply_fault(request_draft)
    assert_readable(draft.exi(), draft.car.leaf.key.public_key(), fault, edition)


@pytest.mark.parametrize("edition", EDITIONS, ids=str)
@pytest.mark.parametrize("faults", [CONTRACT_FAULTS, REQUEST_FAULTS], ids=["contract", "request"])
def test_faults_tell_what_they_are(
    faults: Mapping[Edition, Mapping[str, Fault[Any]]], edition: Edition
) -> None:
    """Each has a name and a line that no other has, and an error that is answered 400."""
    of_edition = faults[edition]
    assert len({fault.meaning for fault in of_edition.values()}) == len(of_edition)
    for name, fault in of_edition.items():
        assert fault.name == name == name.lower()
        assert issubclass(fault.error, BadRequest)
        assert fault.told
        assert len(fault.meaning) < 80


def test_both_editions_have_the_faults_that_make_sense_in_both() -> None:
    """What is of one edition alone is what the other has not: eMAID, its sub-CAs, P-256."""
    by_edition = [set(CONTRACT_FAULTS[edition]) for edition in EDITIONS]
    assert by_edition[0] - by_edition[1] == {
        "emaid-swapped",
        "tampered-emaid",
        "unsigned-contract-chain",
        "unsigned-encrypted-key",
        "unsigned-dh-public-key",
        "unsigned-emaid",
    }
    assert by_edition[1] - by_edition[0] == {"contract-wrong-curve", "contract-chain-wrong-curve"}
    by_edition = [set(REQUEST_FAULTS[edition]) for edition in EDITIONS]
    assert by_edition[0] <= by_edition[1]
    assert all(name.startswith("provisioning-sub-ca") for name in by_edition[1] - by_edition[0])


def test_a_fault_leaves_the_draft_as_it_was(contract_draft: ContractDraft) -> None:
    """Spoiling makes another draft; a good one can be used again and again."""
    before = contract_draft.put_body().keys(), contract_draft.cps, contract_draft.contract
    for fault in CONTRACT_FAULTS[contract_draft.edition].values():
        assert fault.apply_fault(contract_draft) != contract_draft
    assert before == (contract_draft.put_body().keys(), contract_draft.cps, contract_draft.contract)


@needs_openssl
@every_fault(CONTRACT_FAULTS, "cps-", "contract-")
def test_openssl_refuses_misissued_chains(
    pki: Pki, contract_draft: ContractDraft, fault: Fault[ContractDraft], tmp_path: Path
) -> None:
    """Exactly one of the two chains does not hold, where the fault is one of certificates."""
    draft = fault.apply_fault(contract_draft)
    v2g = [pki.v2g_root(letter).certificate for letter in pki.cps]
    roots: dict[str, list[x509.Certificate]] = {"cps": v2g, "contract": [pki.emsp.root.certificate]}
    chains = {"cps": draft.cps, "contract": draft.contract}
    refused = {kind for kind in chains if verify(chains[kind], tmp_path, at=NOW, roots=roots[kind])}
    wrong = {fault.name.partition("-")[0]}
    holds = fault.name in CHAINS_THAT_HOLD or fault.error is SignatureInvalid
    assert refused == (set() if holds else wrong)


@needs_openssl
@every_fault(REQUEST_FAULTS, "provisioning-")
def test_openssl_refuses_misissued_cars(
    pki: Pki, request_draft: RequestDraft, fault: Fault[RequestDraft], tmp_path: Path
) -> None:
    """The car's chain does not hold, unless the fault is what its key may do or is."""
    car = fault.apply_fault(request_draft).car
    refused = bool(verify(car, tmp_path, at=NOW, roots=[pki.oem.root.certificate]))
    assert refused == (not fault.name.endswith(("may-not-sign", "wrong-curve")))


def test_misissued_certificates_fit_into_messages(contract_draft: ContractDraft) -> None:
    """No fault is one of size: 800 bytes in ISO 15118-2, 1600 in ISO 15118-20."""
    most = {EDITION_2: 800, EDITION_20: 1600}[contract_draft.edition]
    for fault in CONTRACT_FAULTS[contract_draft.edition].values():
        draft = fault.apply_fault(contract_draft)
        for chain in (draft.cps, draft.contract):
            members = (chain.leaf, chain.authority.sub_1, chain.authority.sub_2)
            assert all(len(one.der) <= most for one in members)
