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

from ccp.errors import BadRequest, SignatureInvalid
from ccp.iso15118 import Message, decode, encode, encode_fragment
from ccp.workshop import CONTRACT_FAULTS, REQUEST_FAULTS, ContractDraft, Fault, Pki, RequestDraft
from ccp.workshop.certificates import LARGEST_DER
from tests.builders import NOW
from tests.workshop.openssl import needs_openssl, verify

# Whether digests and references are right is not asked here; these have a wrong SignatureValue.
VALUE_FAULTS = {"wrong-signer", "signed-info-tampered", "signature-tampered", "signature-der"}
# OpenSSL is not told which root or EMAID the body names, nor that the leaf is to sign messages.
CHAINS_THAT_HOLD = {"cps-is-none", "cps-other-root", "cps-may-not-sign", "contract-of-other-emaid"}
CERTIFICATE_FAULTS = [
    name
    for name, fault in CONTRACT_FAULTS.items()
    if fault.error is not SignatureInvalid and name.startswith(("cps-", "contract-"))
]


def every_fault(faults: Mapping[str, Fault[Any]]) -> Any:
    """A test for each."""
    return pytest.mark.parametrize("fault", faults.values(), ids=faults.keys())


def value_holds(message: Message, key: ec.EllipticCurvePublicKey) -> bool:
    """Whether the SignatureValue is of this SignedInfo and this key."""
    assert message.header.signature
    raw = message.header.signature.signature_value.value
    half = len(raw) // 2
    value = encode_dss_signature(
        int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big")
    )
    signed_info = encode_fragment("SignedInfo", message.header.signature.signed_info)
    try:
        key.verify(value, signed_info, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def assert_readable(exi: bytes, key: ec.EllipticCurvePublicKey, fault: Fault[Any]) -> None:
    """It is the message that its draft says, and its SignatureValue is as good as it should be."""
    message = decode(exi)
    assert encode(message) == exi
    if message.header.signature:
        assert value_holds(message, key) == (fault.name not in VALUE_FAULTS)
    else:
        assert fault.name == "unsigned"


@every_fault(CONTRACT_FAULTS)
def test_a_spoilt_contract_can_be_read(
    contract_draft: ContractDraft, fault: Fault[ContractDraft]
) -> None:
    """A faulty contract is a message all the same, signed as its fault says."""
    draft = fault.spoil(contract_draft)
    assert_readable(draft.exi(), draft.cps.leaf.key.public_key(), fault)


@every_fault(REQUEST_FAULTS)
def test_a_spoilt_request_can_be_read(
    request_draft: RequestDraft, fault: Fault[RequestDraft]
) -> None:
    """The same of a car's request."""
    draft = fault.spoil(request_draft)
    assert_readable(draft.exi(), draft.car.leaf.key.public_key(), fault)


@pytest.mark.parametrize("faults", [CONTRACT_FAULTS, REQUEST_FAULTS], ids=["contract", "request"])
def test_faults_tell_what_they_are(faults: Mapping[str, Fault[Any]]) -> None:
    """Each has a line that no other has, and an error that is answered 400."""
    assert len({fault.meaning for fault in faults.values()}) == len(faults)
    for fault in faults.values():
        assert issubclass(fault.error, BadRequest)
        assert fault.told
        assert len(fault.meaning) < 80
        assert fault.name == fault.name.lower()


def test_a_fault_leaves_the_draft_as_it_was(contract_draft: ContractDraft) -> None:
    """Spoiling makes another draft; a good one can be used again and again."""
    before = contract_draft.put_body().keys(), contract_draft.cps, contract_draft.contract
    for fault in CONTRACT_FAULTS.values():
        assert fault.spoil(contract_draft) != contract_draft
    assert before == (contract_draft.put_body().keys(), contract_draft.cps, contract_draft.contract)


@needs_openssl
@pytest.mark.parametrize("name", CERTIFICATE_FAULTS)
def test_openssl_refuses_misissued_chains(
    pki: Pki, contract_draft: ContractDraft, name: str, tmp_path: Path
) -> None:
    """Exactly one of the two chains does not hold, where the fault is one of certificates."""
    draft = CONTRACT_FAULTS[name].spoil(contract_draft)
    v2g = [pki.v2g_root(letter).certificate for letter in pki.cps]
    roots: dict[str, list[x509.Certificate]] = {"cps": v2g, "contract": [pki.emsp.root.certificate]}
    chains = {"cps": draft.cps, "contract": draft.contract}
    refused = {kind for kind in chains if verify(chains[kind], tmp_path, at=NOW, roots=roots[kind])}
    wrong = {name.partition("-")[0]}
    holds = name in CHAINS_THAT_HOLD
    assert refused == (set() if holds else wrong)


@needs_openssl
@pytest.mark.parametrize("name", [name for name in REQUEST_FAULTS if "provisioning" in name])
def test_openssl_refuses_misissued_cars(
    pki: Pki, request_draft: RequestDraft, name: str, tmp_path: Path
) -> None:
    """The car's chain does not hold, unless the fault is what its key may do or is."""
    car = REQUEST_FAULTS[name].spoil(request_draft).car
    refused = bool(verify(car, tmp_path, at=NOW, roots=[pki.oem.root.certificate]))
    assert refused == (not name.endswith(("may-not-sign", "wrong-curve")))


def test_misissued_certificates_have_at_most_800_bytes(contract_draft: ContractDraft) -> None:
    """No fault is one of size."""
    for fault in CONTRACT_FAULTS.values():
        draft = fault.spoil(contract_draft)
        for chain in (draft.cps, draft.contract):
            members = (chain.leaf, chain.authority.sub_1, chain.authority.sub_2)
            assert all(len(one.der) <= LARGEST_DER for one in members)
