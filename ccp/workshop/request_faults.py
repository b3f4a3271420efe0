"""Everything that can be wrong with the request of a car."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from ccp.domain.errors import (
    CertificateChainBroken,
    CertificateChainExpired,
    CertificateUnreadable,
    ProvisioningCertificateExpired,
    ProvisioningCertificateNotYetValid,
)
from ccp.workshop.bad_certificates import (
    foreign,
    future,
    impostor,
    past,
    with_foreign_sub_2,
    with_leaf,
    with_sub_2,
    with_sub_2_key,
)
from ccp.workshop.car import RequestDraft
from ccp.workshop.certificates import Chain
from ccp.workshop.edition import Edition
from ccp.workshop.editions import EDITION_2, EDITION_20, EDITIONS
from ccp.workshop.fault import Fault, agrees_only, by_name, on_wrong_curve
from ccp.workshop.pki import make_car
from ccp.workshop.profiles import new_key
from ccp.workshop.signature_faults import signature_fault, signature_faults


def _car(change: Callable[[Chain, RequestDraft], Chain]) -> Callable[[RequestDraft], RequestDraft]:
    """Another provisioning certificate, whose key signs."""

    def apply_fault(draft: RequestDraft) -> RequestDraft:
        car = change(draft.car, draft)
        return replace(draft, car=car, signing_key=car.leaf.key)

    return apply_fault


_CERTIFICATES: list[Fault[RequestDraft]] = [
    Fault(
        "pcid-is-none",
        "the common name of the provisioning certificate is no PCID",
        CertificateUnreadable,
        "The common name of the OEM provisioning certificate is not a PCID: it has 7 characters",
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

_OF_ONE_EDITION: Mapping[Edition, list[Fault[RequestDraft]]] = {
    EDITION_2: [],
    # Its requests bring the sub-CAs. Where these are wrong the leaf is a new one, since a pool may
    # remember a leaf that it has verified.
    EDITION_20: [
        Fault(
            "provisioning-sub-ca-swapped",
            "sub-CA 2 of the provisioning certificate is somebody else's",
            CertificateChainBroken,
            "The chain of the OEM provisioning certificate",
            _car(lambda chain, draft: with_foreign_sub_2(with_leaf(chain), at=draft.at)),
        ),
        Fault(
            "provisioning-sub-ca-expired",
            "sub-CA 2 of the provisioning certificate has expired",
            CertificateChainExpired,
            "A CA certificate of the OEM provisioning certificate has expired.",
            _car(lambda chain, draft: with_sub_2(with_leaf(chain), validity=past(draft.at))),
        ),
        Fault(
            "provisioning-sub-ca-wrong-curve",
            "sub-CA 2 of the provisioning certificate has a key on secp256r1",
            CertificateChainBroken,
            "The chain of the OEM provisioning certificate has a key that is not",
            _car(lambda chain, draft: with_sub_2_key(chain, new_key(draft.edition.wrong_curve))),
        ),
    ],
}


def _all(edition: Edition) -> Iterator[Fault[RequestDraft]]:
    yield from _CERTIFICATES
    yield from _OF_ONE_EDITION[edition]
    yield signature_fault(
        "provisioning-wrong-curve",
        f"the provisioning certificate has a key on {edition.wrong_curve.name}",
        f"is not on {edition.profile.curve.name}",
        _car(on_wrong_curve),
    )
    yield from signature_faults(edition, edition.parts_of_req, "provisioning")


REQUEST_FAULTS: Mapping[Edition, Mapping[str, Fault[RequestDraft]]] = {
    edition: by_name(_all(edition)) for edition in EDITIONS
}
"""By edition and name; a strict pool serves none of it."""
