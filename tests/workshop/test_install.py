"""What a car installs, and what it does not."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ccp.iso15118 import with_session_id
from ccp.workshop import (
    CONTRACT_FAULTS,
    AnswerRefused,
    ContractDraft,
    Installed,
    Pki,
    RequestDraft,
    draft_contract,
    install,
    make_car,
)
from ccp.workshop.certificates import Chain
from tests.builders import NOW
from tests.workshop.conftest import EMAID, PCID, SESSION

Answer = Callable[..., Installed]

# The car has no root of the eMSP, and knows of no PUT; it does not look into these.
UNSEEN_BY_A_CAR = {
    "contract-foreign-root",
    "contract-impostor-root",
    "cps-other-root",
    "cps-is-none",
    "cps-may-not-sign",
    "signature-method",
    "digest-method",
    "canonicalization",
}


@pytest.fixture
def answer(pki: Pki, car: Chain) -> Answer:
    """Give an answer to the car, whose session is SESSION and whose root is A."""

    def give(exi: bytes, **changes: Any) -> Installed:
        values = {
            "car": car.leaf,
            "session_id": SESSION,
            "roots": [pki.v2g_root("A").certificate],
            "at": NOW,
        }
        return install(exi, **(values | changes))

    return give


def test_a_car_installs_its_contract(answer: Answer, contract_draft: ContractDraft) -> None:
    """Out of a good answer come the EMAID, its certificate, and the key that goes with it."""
    notes: list[str] = []
    installed = answer(with_session_id(contract_draft.exi(), SESSION), note=notes.append)
    assert installed.emaid == EMAID
    assert installed.contract.der == contract_draft.contract.leaf.der
    assert installed.contract.key.public_key() == installed.contract.certificate.public_key()
    assert len(installed.sub_certificates) == 2
    assert len(notes) == 6


@pytest.mark.parametrize("forms", [{"eMAID"}, {"SignedInfo"}], ids=["eMAID", "SignedInfo"])
def test_a_car_takes_both_ways_of_signing(
    answer: Answer, contract_draft: ContractDraft, forms: set[str]
) -> None:
    """A message signed under its own grammar is installed too; so is one with sub-CA 1 first."""
    draft = replace(contract_draft, message_grammar_for=frozenset(forms), sub_1_first=True)
    assert answer(with_session_id(draft.exi(), SESSION)).emaid == EMAID


@pytest.mark.parametrize("name", sorted(CONTRACT_FAULTS.keys() - UNSEEN_BY_A_CAR))
def test_a_car_refuses_faults(answer: Answer, contract_draft: ContractDraft, name: str) -> None:
    """What the workshop makes wrong is not installed, as far as a car can see it."""
    exi = CONTRACT_FAULTS[name].spoil(contract_draft).exi()
    with pytest.raises(AnswerRefused):
        answer(with_session_id(exi, SESSION))


def test_a_car_refuses_what_does_not_concern_it(
    answer: Answer, pki: Pki, contract_draft: ContractDraft, request_draft: RequestDraft
) -> None:
    """Another session, root, time, car or message: each is refused with its reason."""
    exi = with_session_id(contract_draft.exi(), SESSION)
    with pytest.raises(AnswerRefused, match="session id"):
        answer(contract_draft.exi())
    with pytest.raises(AnswerRefused, match="no root of this car"):
        answer(exi, roots=[pki.v2g_root("B").certificate])
    with pytest.raises(AnswerRefused, match="not valid now"):
        answer(exi, at=NOW + timedelta(days=800))
    with pytest.raises(AnswerRefused, match="key"):
        answer(exi, car=make_car(pki.oem, PCID, at=NOW).leaf)
    with pytest.raises(AnswerRefused, match="not a CertificateInstallationRes"):
        answer(request_draft.exi())
    with pytest.raises(AnswerRefused, match="cannot be read"):
        answer(exi[:-9])


def test_an_emaid_is_no_path(answer: Answer, pki: Pki, car: Chain) -> None:
    """An EMAID becomes a file's name, so one that is none is refused, whoever signed it."""
    draft = draft_contract(pki, "../../../../abc", car.leaf.certificate, at=NOW)
    with pytest.raises(AnswerRefused, match="not of the eMAID"):
        answer(with_session_id(draft.exi(), SESSION))


def test_a_car_refuses_the_key_of_another_contract(
    answer: Answer, pki: Pki, car: Chain, contract_draft: ContractDraft
) -> None:
    """A pool cannot see into the encrypted key; the car finds that it is not the certificate's."""
    other = draft_contract(pki, EMAID, car.leaf.certificate, at=NOW).contract
    false_leaf = replace(contract_draft.contract.leaf, key=other.leaf.key)
    contract = replace(contract_draft.contract, leaf=false_leaf)
    exi = replace(contract_draft, contract=contract).exi()
    with pytest.raises(AnswerRefused, match="not that of the contract certificate"):
        answer(with_session_id(exi, SESSION))
