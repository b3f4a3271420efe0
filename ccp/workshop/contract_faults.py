"""Everything that can be wrong with a contract that is put into a pool."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from ccp.domain.errors import (
    CertificateChainBroken,
    CertificateChainExpired,
    CertificateChainNotYetValid,
    ContractCertificateExpired,
    ContractCertificateNotYetValid,
    EmaidMismatch,
    ResponseCodeNotOk,
)
from ccp.workshop.bad_certificates import (
    all_on,
    foreign,
    future,
    impostor,
    past,
    with_leaf,
    with_sub_1,
    with_sub_2,
    with_sub_2_key,
)
from ccp.workshop.certificates import LEAF, Chain, ca, key_usage
from ccp.workshop.cps import ContractDraft
from ccp.workshop.edition import Edition
from ccp.workshop.editions import EDITION_2, EDITION_20, EDITIONS
from ccp.workshop.fault import Fault, agrees_only, by_name, on_wrong_curve, replaced
from ccp.workshop.pki import fingerprint, make_contract, make_station
from ccp.workshop.profiles import new_key
from ccp.workshop.signature_faults import signature_fault, signature_faults

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

    def apply_fault(draft: ContractDraft) -> ContractDraft:
        cps = change(draft.cps, draft)
        return replace(draft, cps=cps, signing_key=cps.leaf.key)

    return apply_fault


def _content(edition: Edition) -> Iterator[Fault[ContractDraft]]:
    yield Fault(
        "response-code",
        "the message tells of a failure, correctly signed",
        ResponseCodeNotOk,
        f"It is {edition.failure_code}.",
        replaced(response_code=edition.failure_code),
    )
    yield Fault(
        "contract-of-other-emaid",
        "the contract certificate is for another EMAID",
        EmaidMismatch,
        EmaidMismatch.message,
        _contract(lambda chain, draft: make_contract(chain.authority, _OTHER_EMAID, at=draft.at)),
    )


# Faults of certificates that are the same in both editions.
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


def _curves_and_hashes(edition: Edition) -> Iterator[Fault[ContractDraft]]:
    """Keys on another edition's curve, and a signature with its hash."""
    curve, digest = edition.wrong_curve, edition.wrong_suite.hash
    yield signature_fault(
        "cps-wrong-curve",
        f"the CPS certificate has a key on {curve.name}",
        f"is not on {edition.profile.curve.name}",
        _cps(on_wrong_curve),
    )
    yield Fault(
        "cps-sub-ca-wrong-curve",
        f"sub-CA 2 of the CPS certificate has a key on {curve.name}",
        CertificateChainBroken,
        "The chain of the CPS certificate has a key that is not",
        _cps(lambda chain, _: with_sub_2_key(chain, new_key(curve))),
    )
    yield Fault(
        "cps-wrong-hash",
        f"the CPS certificate is signed with {digest.name}",
        CertificateChainBroken,
        "The chain of the CPS certificate has a signature that is not",
        _cps(lambda chain, _: with_leaf(chain, digest=digest)),
    )
    yield Fault(
        "contract-sub-ca-wrong-curve",
        f"sub-CA 2 of the contract certificate has a key on {curve.name}",
        CertificateChainBroken,
        "The chain of the contract certificate has a key that is not",
        _contract(lambda chain, _: with_sub_2_key(chain, new_key(curve))),
    )


_OF_ONE_EDITION: Mapping[Edition, list[Fault[ContractDraft]]] = {
    EDITION_2: [
        Fault(
            "emaid-swapped",
            "the message's eMAID is another contract's",
            EmaidMismatch,
            EmaidMismatch.message,
            replaced(message_emaid=_OTHER_EMAID),
        ),
    ],
    EDITION_20: [
        Fault(
            "contract-wrong-curve",
            "the contract certificate has a key on secp256r1, as in ISO 15118-2",
            CertificateChainBroken,
            "The chain of the contract certificate has a key that is not",
            _contract(on_wrong_curve),
        ),
        Fault(
            "contract-chain-wrong-curve",
            "all of the contract's chain below its root is on secp256r1",
            CertificateChainBroken,
            "The chain of the contract certificate has a key that is not",
            _contract(lambda chain, draft: all_on(chain, draft.edition.wrong_curve)),
        ),
    ],
}


def _all(edition: Edition) -> Iterator[Fault[ContractDraft]]:
    yield from _content(edition)
    yield from _OF_ONE_EDITION[edition]
    yield from _CERTIFICATES
    yield from _curves_and_hashes(edition)
    yield from signature_faults(edition, edition.parts_of_res, "CPS")


CONTRACT_FAULTS: Mapping[Edition, Mapping[str, Fault[ContractDraft]]] = {
    edition: by_name(_all(edition)) for edition in EDITIONS
}
"""By edition and name; a strict pool stores none of it."""
