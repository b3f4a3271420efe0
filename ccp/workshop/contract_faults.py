"""Everything that can be wrong with a contract that is put into a pool."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from ccp.errors import (
    CertificateChainBroken,
    CertificateChainExpired,
    CertificateChainNotYetValid,
    ContractCertificateExpired,
    ContractCertificateNotYetValid,
    EmaidMismatch,
    ResponseCodeNotOk,
)
from ccp.workshop.certificates import LEAF, Chain, ca, key_usage
from ccp.workshop.cps import ContractDraft
from ccp.workshop.fault import (
    VALUE_IS_WRONG,
    Fault,
    after,
    agrees_only,
    before,
    other_signer,
    p384,
    replaced,
    signature_fault,
)
from ccp.workshop.misissued import (
    foreign,
    future,
    impostor,
    past,
    with_leaf,
    with_sub_1,
    with_sub_2,
)
from ccp.workshop.pki import fingerprint, make_contract, make_station
from ccp.workshop.tampering import (
    ELEMENTS,
    der_signature,
    no_signature,
    other_order,
    tamper_signature_value,
    with_canonicalization,
    with_digest_method,
    with_reference_elsewhere,
    with_reference_twice,
    with_signature_method,
    without_reference,
)

_OTHER_EMAID = "DEXYZC00000002"


def _contract(
    change: Callable[[Chain, ContractDraft], Chain],
) -> Callable[[ContractDraft], ContractDraft]:
    """Another contract certificate."""
    return lambda draft: replace(draft, contract=change(draft.contract, draft))


def _cps(
    change: Callable[[Chain, ContractDraft], Chain],
) -> Callable[[ContractDraft], ContractDraft]:
    """Another CPS certificate, whose key signs."""

    def spoil(draft: ContractDraft) -> ContractDraft:
        cps = change(draft.cps, draft)
        return replace(draft, cps=cps, signing_key=cps.leaf.key)

    return spoil


_CONTENT: list[Fault[ContractDraft]] = [
    Fault(
        "response-code",
        "the message tells of a failure, correctly signed",
        ResponseCodeNotOk,
        "It is FAILED_NoCertificateAvailable.",
        replaced(response_code="FAILED_NoCertificateAvailable"),
    ),
    Fault(
        "emaid-swapped",
        "the message's eMAID is another contract's",
        EmaidMismatch,
        EmaidMismatch.message,
        replaced(message_emaid=_OTHER_EMAID),
    ),
    Fault(
        "contract-of-other-emaid",
        "the contract certificate is for another EMAID",
        EmaidMismatch,
        EmaidMismatch.message,
        _contract(lambda chain, draft: make_contract(chain.authority, _OTHER_EMAID, at=draft.at)),
    ),
]

_CERTIFICATES: list[Fault[ContractDraft]] = [
    Fault(
        "contract-expired",
        "the contract certificate has expired",
        ContractCertificateExpired,
        ContractCertificateExpired.message,
        _contract(lambda chain, draft: with_leaf(chain, validity=past(draft.at))),
    ),
    Fault(
        "contract-not-yet-valid",
        "the contract certificate is not valid yet",
        ContractCertificateNotYetValid,
        ContractCertificateNotYetValid.message,
        _contract(lambda chain, draft: with_leaf(chain, validity=future(draft.at))),
    ),
    Fault(
        "contract-foreign-root",
        "the contract's chain ends in a root that the pool does not trust",
        CertificateChainBroken,
        "The chain of the contract certificate",
        _contract(lambda chain, draft: foreign(chain, at=draft.at)),
    ),
    Fault(
        "contract-impostor-root",
        "the contract's chain ends in a root with the name of a trusted one",
        CertificateChainBroken,
        "The chain of the contract certificate",
        _contract(lambda chain, _: impostor(chain)),
    ),
    Fault(
        "contract-sub-ca-expired",
        "a sub-CA of the contract certificate has expired",
        CertificateChainExpired,
        "A CA certificate of the contract certificate has expired.",
        _contract(lambda chain, draft: with_sub_2(chain, validity=past(draft.at))),
    ),
    Fault(
        "cps-foreign-root",
        "the signer's chain ends in a root that the pool does not trust",
        CertificateChainBroken,
        "The chain of the CPS certificate",
        _cps(lambda chain, draft: foreign(chain, at=draft.at)),
    ),
    Fault(
        "cps-impostor-root",
        "the signer's chain ends in a root with the name of a trusted one",
        CertificateChainBroken,
        "The chain of the CPS certificate",
        _cps(lambda chain, _: impostor(chain)),
    ),
    Fault(
        "cps-other-root",
        "the signer's chain does not end in the root that the body names",
        CertificateChainBroken,
        "cpsV2GRootCertificateFingerprint",
        lambda draft: replace(draft, fingerprint=fingerprint(draft.contract.authority.root)),
    ),
    Fault(
        "cps-is-none",
        "the signer's certificate is a charging station's, under the same root",
        CertificateChainBroken,
        "The signer's certificate is not that of a CPS.",
        _cps(lambda chain, draft: make_station(chain.authority, "SECC0001", at=draft.at)),
    ),
    Fault(
        "cps-expired",
        "the CPS certificate has expired",
        CertificateChainExpired,
        "The CPS certificate has expired.",
        _cps(lambda chain, draft: with_leaf(chain, validity=past(draft.at))),
    ),
    Fault(
        "cps-not-yet-valid",
        "the CPS certificate is not valid yet",
        CertificateChainNotYetValid,
        "The CPS certificate is not yet valid.",
        _cps(lambda chain, draft: with_leaf(chain, validity=future(draft.at))),
    ),
    Fault(
        "cps-sub-ca-expired",
        "a sub-CA of the CPS certificate has expired",
        CertificateChainExpired,
        "A CA certificate of the CPS certificate has expired.",
        _cps(lambda chain, draft: with_sub_1(chain, validity=past(draft.at))),
    ),
    Fault(
        "cps-path-too-long",
        "sub-CA 1 of the CPS certificate allows no sub-CA 2",
        CertificateChainBroken,
        "The chain of the CPS certificate is longer than a CA in it allows.",
        _cps(lambda chain, _: with_sub_1(chain, constraints=ca(0))),
    ),
    Fault(
        "cps-sub-ca-is-none",
        "sub-CA 2 of the CPS certificate is no CA",
        CertificateChainBroken,
        "The chain of the CPS certificate",
        _cps(lambda chain, _: with_sub_2(chain, constraints=LEAF, usage=key_usage(signs=True))),
    ),
    Fault(
        "cps-may-not-sign",
        "the key usage of the CPS certificate lacks digitalSignature",
        CertificateChainBroken,
        "The CPS certificate may not make digital signatures.",
        _cps(agrees_only),
    ),
]

_SIGNATURE: list[Fault[ContractDraft]] = [
    signature_fault(
        "unsigned",
        "the message has no signature",
        "The message is not signed.",
        after(no_signature),
    ),
    signature_fault(
        "wrong-signer",
        "signed with a key not the CPS certificate's",
        VALUE_IS_WRONG,
        other_signer,
    ),
    signature_fault(
        "cps-wrong-curve",
        "the CPS certificate has a key on P-384",
        "is not on secp256r1",
        _cps(p384),
    ),
    signature_fault(
        "signed-info-tampered",
        "the references stand in another order than the one signed",
        VALUE_IS_WRONG,
        after(other_order),
    ),
    signature_fault(
        "signature-tampered",
        "one bit of the SignatureValue is another",
        VALUE_IS_WRONG,
        after(tamper_signature_value),
    ),
    signature_fault(
        "signature-der",
        "the SignatureValue is DER, not r and s alone",
        "The SignatureValue has",
        after(der_signature),
    ),
    *(
        signature_fault(
            f"tampered-{element.slug}",
            f"{element.name} was changed after it was signed",
            f"The digest of {element.name} is not that of its content.",
            after(element.tamper),
        )
        for element in ELEMENTS
    ),
    *(
        signature_fault(
            f"unsigned-{element.slug}",
            f"no Reference to {element.name}",
            f"{element.name} is not signed.",
            before(without_reference(element.id)),
        )
        for element in ELEMENTS
    ),
    signature_fault(
        "reference-twice",
        "a Reference to one element stands twice",
        "is referenced twice.",
        before(with_reference_twice),
    ),
    signature_fault(
        "reference-elsewhere",
        "a Reference points to an element that is not in the message",
        "A Reference points to what is not to be signed.",
        before(with_reference_elsewhere),
    ),
    signature_fault(
        "signature-method",
        "SignedInfo names ecdsa-sha512",
        "Its SignatureMethod is not",
        before(with_signature_method),
    ),
    signature_fault(
        "digest-method",
        "a Reference names sha512",
        "The DigestMethod of",
        before(with_digest_method),
    ),
    signature_fault(
        "canonicalization",
        "SignedInfo names canonical XML, not canonical EXI",
        "Its CanonicalizationMethod is not canonical EXI.",
        before(with_canonicalization),
    ),
]

CONTRACT_FAULTS: Mapping[str, Fault[ContractDraft]] = {
    fault.name: fault for fault in (*_CONTENT, *_CERTIFICATES, *_SIGNATURE)
}
"""By name; a strict pool stores none of it."""
