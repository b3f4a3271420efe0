"""What a car installs, and what it does not."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ccp.iso15118 import Message, decode, encode, iso20, iso20_failure
from ccp.workshop import (
    CONTRACT_FAULTS,
    ED448,
    AnswerRefused,
    ContractDraft,
    Edition,
    Fault,
    Installed,
    Pki,
    RequestDraft,
    TimeUnit,
    draft_contract,
    install,
    make_car,
    make_contract,
    make_pki,
)
from ccp.workshop.certificates import Chain, reissue
from ccp.workshop.signing import sign
from tests.builders import NOW
from tests.workshop.conftest import EMAID, SESSION, only_2, only_20
from tests.workshop.test_faults import every_fault

Answer = Callable[..., list[Installed]]

# The car has no root of the eMSP, and knows of no PUT; it does not look into these.
UNSEEN_BY_A_CAR = {
    "contract-foreign-root",
    "contract-impostor-root",
    "contract-sub-ca-wrong-curve",
    "cps-other-root",
    "cps-is-none",
    "cps-may-not-sign",
    "cps-sub-ca-wrong-curve",
    "cps-wrong-hash",
    "signature-method",
    "digest-method",
    "canonicalization",
}
NOW_STAMP = int(NOW.timestamp())


def for_car(
    exi: bytes, *, remaining: int = 0, time_stamp: int = NOW_STAMP, processing: str = "Finished"
) -> bytes:
    """What a pool makes of a CPS's message: all that is not signed is the car's."""
    message = decode(exi)
    message.header.session_id = SESSION
    if isinstance(message.header, iso20.Header):
        message.header.time_stamp = time_stamp
    if isinstance(message.body, iso20.CertificateInstallationRes):
        message.body.evse_processing = processing
        message.body.remaining_contract_certificate_chains = remaining
    return encode(message)


@pytest.fixture
def answer(car: Chain, request_draft: RequestDraft) -> Answer:
    """Give an answer to the car, whose session is SESSION and whose root is A."""

    def give(*messages: bytes, note: Any = lambda _: None, **changes: Any) -> list[Installed]:
        own = {key: changes.pop(key) for key in ("car", "at") if key in changes}
        session = replace(request_draft.session, **changes)
        return install(messages, note=note, session=session, **({"car": car.leaf, "at": NOW} | own))

    return give


def test_a_car_installs_its_contract(answer: Answer, contract_draft: ContractDraft) -> None:
    """Out of a good answer come the EMAID, its certificate, and the key that goes with it."""
    notes: list[str] = []
    (installed,) = answer(for_car(contract_draft.exi()), note=notes.append)
    assert installed.emaid == EMAID
    assert installed.contract.der == contract_draft.contract.leaf.der
    assert installed.contract.key.public_key() == installed.contract.certificate.public_key()
    assert len(installed.sub_certificates) == 2
    assert len(notes) == (7 if contract_draft.edition.has_lists else 6)


@pytest.mark.parametrize("forms", [{"eMAID"}, {"SignedInfo"}], ids=["eMAID", "SignedInfo"])
def test_a_car_takes_both_ways_of_signing(
    answer: Answer, contract_draft: ContractDraft, forms: set[str]
) -> None:
    """A message signed under its own grammar is installed too; so is one with sub-CA 1 first."""
    draft = replace(contract_draft, message_grammar_for=frozenset(forms), sub_1_first=True)
    (installed,) = answer(for_car(draft.exi()))
    assert installed.emaid == EMAID


@every_fault(CONTRACT_FAULTS)
def test_a_car_refuses_faults(
    answer: Answer, contract_draft: ContractDraft, fault: Fault[ContractDraft]
) -> None:
    """What the workshop makes wrong is not installed, as far as a car can see it."""
    exi = for_car(fault.apply_fault(contract_draft).exi())
    if fault.name in UNSEEN_BY_A_CAR:
        assert answer(exi)
    elif fault.name == "contract-of-other-emaid" and contract_draft.edition.has_lists:
        (installed,) = answer(exi)  # a contract all the same: the EMAID of the PUT is elsewhere
        assert installed.emaid != EMAID
    else:
        with pytest.raises(AnswerRefused):
            answer(exi)


def test_a_car_refuses_what_does_not_concern_it(
    answer: Answer, pki: Pki, contract_draft: ContractDraft, request_draft: RequestDraft
) -> None:
    """Another session, root, time, car or message: each is refused with its reason."""
    exi = for_car(contract_draft.exi())
    with pytest.raises(AnswerRefused, match="session id"):
        answer(contract_draft.exi())
    with pytest.raises(AnswerRefused, match="no root of this car"):
        answer(exi, roots=[pki.v2g_root("B").certificate])
    later = NOW + timedelta(days=800)
    with pytest.raises(AnswerRefused, match="not valid now"):
        answer(for_car(contract_draft.exi(), time_stamp=int(later.timestamp())), at=later)
    with pytest.raises(AnswerRefused, match="key"):
        answer(exi, car=make_car(pki.oem, pki.edition.pcid, at=NOW).leaf)
    with pytest.raises(AnswerRefused, match="not a CertificateInstallationRes"):
        answer(request_draft.exi())
    with pytest.raises(AnswerRefused, match="cannot be read"):
        answer(exi[:-9])


@only_20
def test_a_car_of_20_takes_no_message_of_2(answer: Answer) -> None:
    """A message of the other edition is none."""
    old = make_pki(at=NOW)
    car = make_car(old.oem, old.edition.pcid, at=NOW)
    exi = draft_contract(old, EMAID, car.leaf.certificate, at=NOW).exi()
    with pytest.raises(AnswerRefused, match="CertificateInstallationRes of ISO 15118-20"):
        answer(for_car(exi))


def test_an_emaid_is_no_path(answer: Answer, pki: Pki, car: Chain) -> None:
    """An EMAID becomes a file's name, so one that is none is refused, whoever signed it."""
    draft = draft_contract(pki, "../../../../abc", car.leaf.certificate, at=NOW)
    with pytest.raises(AnswerRefused, match="names no EMAID"):
        answer(for_car(draft.exi()))


def test_a_car_refuses_the_key_of_another_contract(
    answer: Answer, pki: Pki, car: Chain, contract_draft: ContractDraft
) -> None:
    """A pool cannot see into the encrypted key; the car finds that it is not the certificate's."""
    other = draft_contract(pki, EMAID, car.leaf.certificate, at=NOW).contract
    false_leaf = replace(contract_draft.contract.leaf, key=other.leaf.key)
    contract = replace(contract_draft.contract, leaf=false_leaf)
    exi = replace(contract_draft, contract=contract).exi()
    with pytest.raises(AnswerRefused, match="not that of the contract certificate"):
        answer(for_car(exi))


@only_2
def test_a_car_of_2_gets_one_message(answer: Answer, contract_draft: ContractDraft) -> None:
    """It has asked for one contract; none and two are no answer to that."""
    exi = for_car(contract_draft.exi())
    for messages in ([], [exi, exi]):
        with pytest.raises(AnswerRefused, match="messages; the car asked for 1"):
            answer(*messages)


EMAIDS = ("DEWRKC00000003", "DEWRKC00000001", "DEWRKC00000002")


@pytest.fixture(scope="module")
def drafts(pki: Pki, car: Chain) -> list[ContractDraft]:
    """Three contracts for the car, of one eMSP."""
    return [draft_contract(pki, emaid, car.leaf.certificate, at=NOW) for emaid in EMAIDS]


def whole(drafts: Sequence[ContractDraft], remaining: Sequence[int] = (2, 1, 0)) -> list[bytes]:
    """Their messages, which say how many are to follow."""
    pairs = zip(drafts, remaining, strict=True)
    return [for_car(draft.exi(), remaining=number) for draft, number in pairs]


@only_20
def test_a_car_installs_a_whole_answer(answer: Answer, drafts: list[ContractDraft]) -> None:
    """A message for each contract, in order: all come out, and each check is told for each."""
    notes: list[str] = []
    installed = answer(*whole(drafts), note=notes.append)
    assert [one.emaid for one in installed] == list(EMAIDS)
    assert len(notes) == 3 * 7
    counted = [note for note in notes if "messages to follow" in note]
    assert counted == [f"The TimeStamp is the present; messages to follow: {n}." for n in (2, 1, 0)]


@only_20
@pytest.mark.parametrize("remaining", [(0, 1, 2), (2, 1, 1), (3, 2, 1), (2, 2, 0), (0, 0, 0)])
def test_messages_have_to_count_down(
    answer: Answer, drafts: list[ContractDraft], remaining: tuple[int, ...]
) -> None:
    """An answer with a message missing, too many or in another order is no whole one."""
    with pytest.raises(AnswerRefused, match=r"RemainingContractCertificateChains is \d, not \d"):
        answer(*whole(drafts, remaining))


@only_20
def test_a_car_gets_no_more_than_it_asked_for(answer: Answer, drafts: list[ContractDraft]) -> None:
    """Two contracts for a car with room for one, none at all, and one contract twice."""
    with pytest.raises(AnswerRefused, match="3 messages; the car asked for 2 at most"):
        answer(*whole(drafts), maximum=2)
    with pytest.raises(AnswerRefused, match="0 messages"):
        answer()
    with pytest.raises(AnswerRefused, match="twice"):
        answer(*whole([drafts[0], drafts[1], drafts[0]]))


@only_20
def test_one_bad_message_spoils_the_answer(answer: Answer, drafts: list[ContractDraft]) -> None:
    """If the last message is not right, nothing is installed."""
    fault = CONTRACT_FAULTS[drafts[2].edition]["tampered-encrypted-key"]
    with pytest.raises(AnswerRefused, match="SignedInstallationData is not what was signed"):
        answer(*whole([*drafts[:2], fault.apply_fault(drafts[2])]))


@only_20
@pytest.mark.parametrize("unit", TimeUnit)
def test_a_time_stamp_is_the_present_in_the_car_s_unit(
    answer: Answer, contract_draft: ContractDraft, unit: TimeUnit
) -> None:
    """A few minutes before or after are forgiven; another unit is another time."""
    exi, present = contract_draft.exi(), int(NOW.timestamp()) * unit.value
    for seconds in (0, -299, 299):
        shifted = for_car(exi, time_stamp=present + seconds * unit.value)
        assert answer(shifted, time_unit=unit)
    for wrong in (present - 301 * unit.value, present + 301 * unit.value, present * 1000, 0):
        with pytest.raises(AnswerRefused, match="not the present in"):
            answer(for_car(exi, time_stamp=wrong), time_unit=unit)


@only_20
@pytest.mark.parametrize(
    "code", ["WARNING_NoContractMatchingPCIDFound", "FAILED_SignatureError", "FAILED"]
)
def test_a_failure_is_told_by_its_code(answer: Answer, code: str) -> None:
    """A warning or failure has nothing else in it to look at."""
    with pytest.raises(AnswerRefused, match=rf"^The ResponseCode is {code}\.$"):
        answer(iso20_failure(SESSION, code, time_stamp=NOW_STAMP))


@only_20
def test_an_answer_to_be_waited_for_is_none(answer: Answer, contract_draft: ContractDraft) -> None:
    """EVSEProcessing says that the station is not ready: there is nothing to install yet."""
    with pytest.raises(AnswerRefused, match="EVSEProcessing is Ongoing"):
        answer(for_car(contract_draft.exi(), processing="Ongoing"))


@only_20
def test_a_car_takes_what_a_cps_of_ed448_has_signed(
    answer: Answer, edition: Edition, car: Chain
) -> None:
    """Its chain and its signature hold; the key is encrypted for P-521."""
    pki = make_pki(edition, at=NOW, profile=ED448)
    draft = draft_contract(pki, EMAID, car.leaf.certificate, at=NOW)
    roots = [pki.v2g_root("A").certificate]
    assert answer(for_car(draft.exi()), roots=roots)[0].emaid == EMAID
    wrong = CONTRACT_FAULTS[edition]["wrong-signer"].apply_fault(draft)
    with pytest.raises(AnswerRefused, match="signature is not that of"):
        answer(for_car(wrong.exi()), roots=roots)


@only_20
def test_a_key_is_for_one_pcid_and_one_contract(
    answer: Answer, pki: Pki, car: Chain, contract_draft: ContractDraft
) -> None:
    """With another PCID, or beside another contract certificate, it cannot be decrypted."""
    other_car = make_car(pki.oem, "WRKSH0PCAR00000099", at=NOW)
    renamed = reissue(other_car.leaf, pki.oem.sub_2, key=car.leaf.key)
    for_other = replace(contract_draft, car=renamed.certificate)
    with pytest.raises(AnswerRefused, match="cannot be decrypted"):
        answer(for_car(for_other.exi()))
    transport, contract = contract_draft.edition.transport, contract_draft.contract.leaf
    other_contract = make_contract(pki.emsp, EMAID, at=NOW).leaf
    sealed = transport.seal(contract, car.leaf.certificate)
    opened = transport.open(sealed, contract.certificate, car.leaf)
    assert opened.public_key() == contract.key.public_key()
    with pytest.raises(ValueError, match="tag"):
        transport.open(sealed, other_contract.certificate, car.leaf)


@only_20
def test_a_key_that_cannot_be_used_is_refused(
    answer: Answer, contract_draft: ContractDraft
) -> None:
    """One encrypted for X448 is none to this car, and a point has to be on the curve."""

    def for_x448(message: Message) -> Message:
        data = message.body.signed_installation_data
        data.ecdh_curve, data.secp521_encrypted_private_key = "X448", None
        data.x448_encrypted_private_key = bytes(84)
        return sign(message, contract_draft.signing_key)

    def no_point(message: Message) -> Message:
        message.body.signed_installation_data.dh_public_key = b"\4" + bytes(132)
        return sign(message, contract_draft.signing_key)

    for tamper in (for_x448, no_point):
        exi = replace(contract_draft, tamper=tamper).exi()
        with pytest.raises(AnswerRefused, match="cannot be decrypted"):
            answer(for_car(exi))
