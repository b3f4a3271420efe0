"""The car checks the answer to its request, as a car does, and installs what is in it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509

from ccp.domain.identifiers import Emaid
from ccp.iso15118 import ExiError, Message, decode
from ccp.workshop.car import Session
from ccp.workshop.car_checks import check_issued, check_signature, find_root, read_chain
from ccp.workshop.certificates import Identity, common_name
from ccp.workshop.edition import Answer
from ccp.workshop.errors import AnswerRefused

_GOOD_CODES = ("OK", "OK_CertificateExpiresSoon")
_PRESENT_SECONDS = 5 * 60


@dataclass(frozen=True, slots=True)
class Installed:
    """A contract that a car can charge with: its certificate and key, and the sub-CAs above it."""

    emaid: str
    contract: Identity
    sub_certificates: Sequence[x509.Certificate]


def install(
    answer: Sequence[bytes],
    *,
    car: Identity,
    session: Session,
    at: datetime,
    note: Callable[[str], None] = lambda _: None,
) -> list[Installed]:
    """
    Check the whole answer to a request and take the contracts out of it.

    Args:
        answer: Its CertificateInstallationRes, in order: one, or in ISO 15118-20 several.
        car: The provisioning certificate and its key.
        session: That of the request.
        at: Instant at which all certificates have to be valid, aware.
        note: Told, in a sentence each, what holds.
    Raises:
        AnswerRefused: The first thing that does not hold; then nothing is to be installed.
    """
    if not 1 <= len(answer) <= session.maximum:
        raise AnswerRefused(
            f"The answer has {len(answer)} messages; the car asked for {session.maximum} at most."
        )
    installed = []
    for to_follow, exi in zip(reversed(range(len(answer))), answer, strict=True):
        message, res = _read(exi, session)
        _check_answered(res, session, to_follow, at, note)
        installed.append(_install_one(message, res, car, session, at, note))
    if len({one.emaid for one in installed}) < len(installed):
        raise AnswerRefused("The answer has a contract twice.")
    return installed


def _read(exi: bytes, session: Session) -> tuple[Message, Answer]:
    try:
        message = decode(exi)
    except ExiError as error:
        raise AnswerRefused(f"The answer cannot be read: {error}") from None
    res = session.edition.read_answer(message)
    if res is None:
        raise AnswerRefused(f"The answer is not a CertificateInstallationRes of {session.edition}.")
    return message, res


def _check_answered(
    res: Answer,
    session: Session,
    to_follow: int,
    at: datetime,
    note: Callable[[str], None],
) -> None:
    """It answers this request, now, with a contract, and tells how many messages follow it."""
    if res.session_id != session.session_id:
        raise AnswerRefused("The session id is not that of the request.")
    note(f"The session id is that of the request: {res.session_id.hex().upper()}.")
    if res.time_stamp is not None:
        _check_time_stamp(res.time_stamp, session, at)
    if res.response_code not in _GOOD_CODES:
        raise AnswerRefused(f"The ResponseCode is {res.response_code}.")
    note(f"The ResponseCode is {res.response_code}.")
    if res.processing not in (None, "Finished"):
        raise AnswerRefused(f"EVSEProcessing is {res.processing}.")
    if res.remaining is not None:
        if res.remaining != to_follow:
            raise AnswerRefused(
                f"RemainingContractCertificateChains is {res.remaining}, not {to_follow}."
            )
        note(f"The TimeStamp is the present; messages to follow: {to_follow}.")


def _check_time_stamp(time_stamp: int, session: Session, at: datetime) -> None:
    early, late = (
        session.time_unit.stamp(at + timedelta(seconds=seconds))
        for seconds in (-_PRESENT_SECONDS, _PRESENT_SECONDS)
    )
    if not early <= time_stamp <= late:
        unit = session.time_unit.name.lower()
        raise AnswerRefused(f"The TimeStamp {time_stamp} is not the present in {unit}.")


def _install_one(
    message: Message,
    res: Answer,
    car: Identity,
    session: Session,
    at: datetime,
    note: Callable[[str], None],
) -> Installed:
    """Take the contract out of a message, once it is proved to be what it says."""
    cps = read_chain(res.cps)
    root = find_root(cps, session.roots, at)
    note(f"The signer, {common_name(cps[0])}, is certified under {common_name(root)}.")
    check_signature(message, cps[0])
    note("Its signature holds, over all that it has to cover.")

    contract = read_chain(res.contract)
    check_issued(contract, at)
    emaid = _check_emaid(res.emaid, contract[0])
    note(f"The contract certificate is of {emaid} and valid.")
    try:
        key = session.edition.transport.open(res.sealed, contract[0], car)
    except ValueError:
        raise AnswerRefused("The contract's private key cannot be decrypted.") from None
    if key.public_key() != contract[0].public_key():
        raise AnswerRefused("The decrypted key is not that of the contract certificate.")
    note("The decrypted private key is that of the contract certificate.")
    return Installed(emaid, Identity(contract[0], key), contract[1:])


def _check_emaid(beside: str | None, contract: x509.Certificate) -> str:
    """The EMAID, normalised: the certificate's, and the same that stands beside it, if one does."""
    try:
        certified = Emaid.parse(common_name(contract))
    except ValueError:
        raise AnswerRefused("The contract certificate names no EMAID.") from None
    if beside is None:
        return certified.text
    try:
        emaid = Emaid.parse(beside)
    except ValueError:
        emaid = None
    if emaid != certified:
        raise AnswerRefused("The contract certificate is not of the eMAID.")
    return emaid.text
