"""Everything that can be wrong with the request of a car."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from ccp.errors import (
    CertificateChainBroken,
    CertificateUnreadable,
    ProvisioningCertificateExpired,
    ProvisioningCertificateNotYetValid,
)
from ccp.workshop.car import RequestDraft
from ccp.workshop.certificates import Chain
from ccp.workshop.fault import (
    VALUE_IS_WRONG,
    Fault,
    after,
    agrees_only,
    before,
    other_signer,
    p384,
    signature_fault,
)
from ccp.workshop.misissued import foreign, future, impostor, past, with_leaf
from ccp.workshop.pki import make_car
from ccp.workshop.tampering import (
    no_signature,
    tamper_request,
    tamper_signature_value,
    with_reference_elsewhere,
)


def _car(change: Callable[[Chain, RequestDraft], Chain]) -> Callable[[RequestDraft], RequestDraft]:
    """Another provisioning certificate, whose key signs."""

    def spoil(draft: RequestDraft) -> RequestDraft:
        car = change(draft.car, draft)
        return replace(draft, car=car, signing_key=car.leaf.key)

    return spoil


_CERTIFICATE: list[Fault[RequestDraft]] = [
    Fault(
        "pcid-is-none",
        "the common name of the provisioning certificate is no PCID",
        CertificateUnreadable,
        "The common name of the OEM provisioning certificate is not a PCID.",
        _car(lambda chain, draft: make_car(chain.authority, "no PCID", at=draft.at)),
    ),
    Fault(
        "provisioning-expired",
        "the provisioning certificate has expired",
        ProvisioningCertificateExpired,
        ProvisioningCertificateExpired.message,
        _car(lambda chain, draft: with_leaf(chain, validity=past(draft.at))),
    ),
    Fault(
        "provisioning-not-yet-valid",
        "the provisioning certificate is not valid yet",
        ProvisioningCertificateNotYetValid,
        ProvisioningCertificateNotYetValid.message,
        _car(lambda chain, draft: with_leaf(chain, validity=future(draft.at))),
    ),
    Fault(
        "provisioning-foreign-root",
        "the provisioning certificate is of an OEM that the pool does not trust",
        CertificateChainBroken,
        "The chain of the OEM provisioning certificate",
        _car(lambda chain, draft: foreign(chain, at=draft.at)),
    ),
    Fault(
        "provisioning-impostor-root",
        "the provisioning certificate is of somebody with the name of a trusted OEM",
        CertificateChainBroken,
        "The chain of the OEM provisioning certificate",
        _car(lambda chain, _: impostor(chain)),
    ),
    Fault(
        "provisioning-may-not-sign",
        "the key usage of the provisioning certificate lacks digitalSignature",
        CertificateChainBroken,
        "The OEM provisioning certificate may not make digital signatures.",
        _car(agrees_only),
    ),
]


_SIGNATURE: list[Fault[RequestDraft]] = [
    signature_fault(
        "unsigned",
        "the message has no signature",
        "The message is not signed.",
        after(no_signature),
    ),
    signature_fault(
        "wrong-signer",
        "signed with a key not the provisioning certificate's",
        VALUE_IS_WRONG,
        other_signer,
    ),
    signature_fault(
        "provisioning-wrong-curve",
        "the provisioning certificate has a key on P-384",
        "is not on secp256r1",
        _car(p384),
    ),
    signature_fault(
        "tampered",
        "the request was changed after it was signed",
        "The digest of CertificateInstallationReq is not that of its content.",
        after(tamper_request),
    ),
    signature_fault(
        "signature-tampered",
        "one bit of the SignatureValue is another",
        VALUE_IS_WRONG,
        after(tamper_signature_value),
    ),
    signature_fault(
        "reference-elsewhere",
        "the Reference points to an element that is not in the message",
        "A Reference points to what is not to be signed.",
        before(with_reference_elsewhere),
    ),
]

REQUEST_FAULTS: Mapping[str, Fault[RequestDraft]] = {
    fault.name: fault for fault in (*_CERTIFICATE, *_SIGNATURE)
}
"""By name; a strict pool serves none of it."""
