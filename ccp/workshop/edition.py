"""What an edition of ISO 15118 is to the workshop: all that its messages and keys differ in."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from ccp import iso15118
from ccp.iso15118 import Message, RootCertificateID
from ccp.workshop.certificates import DerChain
from ccp.workshop.key_transport import KeyTransport, Sealed
from ccp.workshop.profiles import Profile
from ccp.workshop.suites import Suite


class TimeUnit(Enum):
    """What a TimeStamp counts; the value is how many there are in a second."""

    SECONDS = 1
    MILLISECONDS = 1000
    MICROSECONDS = 1_000_000

    def stamp(self, at: datetime) -> int:
        """Count from 1970 to *at*, which is aware."""
        microseconds = (at - _EPOCH) // timedelta(microseconds=1)
        return microseconds * self.value // TimeUnit.MICROSECONDS.value


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a car asks; of the last three ISO 15118-2 knows nothing."""

    session_id: bytes
    car: DerChain
    roots: Sequence[RootCertificateID]
    time_stamp: int
    maximum: int
    prioritized: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """
    What a CertificateInstallationRes says; None is what its edition does not say.

    Attributes:
        time_stamp: In a unit that it does not tell.
        processing: Whether there will be another answer: EVSEProcessing.
        emaid: The contract's, besides its certificate.
        remaining: How many messages are to follow this one.
    """

    session_id: bytes
    response_code: str
    cps: DerChain
    contract: DerChain
    sealed: Sealed
    time_stamp: int | None = None
    processing: str | None = None
    emaid: str | None = None
    remaining: int | None = None


@dataclass(frozen=True, slots=True)
class SignedPart:
    """
    A part of a message that is signed, and a way to change it that leaves a message to be read.

    Attributes:
        slug: What the part is called where it is one of several.
        name: As the schemas call it.
        element: The signed element that it is in, or is, by name.
        change: Done to the body.
    """

    slug: str
    name: str
    element: str
    change: Callable[[Any], None]


class Edition(ABC):
    """
    One edition: the only one of its class.

    Attributes:
        number: What people say behind "ISO 15118-".
        namespace: Of its messages, for the pool.
        codec: The same edition, as `ccp.iso15118` knows it.
        profile: Of its PKI, unless another is asked for.
        suites: Ways to sign; the first is that of keys on curves.
        transport: How a contract's key travels.
        wrong_curve: Which no key of it may be on.
        wrong_suite: Whose names no signature of it may have.
        failure_code: A ResponseCode that is not OK.
        parts_of_req, parts_of_res: What is signed of a request and of an answer.
        requests_bring_sub_cas: Whether a pool sees a car's whole chain.
        has_lists: Whether a car asks for several contracts and gets them in several messages.
        usual_maximum: How many contracts a car asks for unless it says otherwise.
        no_session: The session id that a CPS writes, which knows of no session.
        emaid_lengths, pcid_lengths: Those allowed, in characters.
        session_id_lengths: Those allowed, in bytes.
        emaid, pcid: The contract and the car that are meant unless others are named.
    """

    number: str
    namespace: str
    codec: iso15118.Edition
    profile: Profile
    suites: Sequence[Suite]
    transport: KeyTransport
    wrong_curve: ec.EllipticCurve
    wrong_suite: Suite
    failure_code: str
    parts_of_req: Sequence[SignedPart]
    parts_of_res: Sequence[SignedPart]
    requests_bring_sub_cas: bool
    has_lists: bool
    usual_maximum: int
    no_session: bytes
    emaid_lengths: range
    pcid_lengths: range
    session_id_lengths: range
    emaid: str
    pcid: str

    def __str__(self) -> str:
        return self.codec.name

    def suite_for(self, key: object) -> Suite:
        """The way to sign that a private or public key is for; the first one if it is for none."""
        return next((suite for suite in self.suites if suite.fits(key)), self.suites[0])

    @abstractmethod
    def make_request(self, request: Request) -> Message:
        """The CertificateInstallationReq, not signed yet."""

    @abstractmethod
    def make_answer(self, answer: Answer) -> Message:
        """The CertificateInstallationRes, not signed yet."""

    @abstractmethod
    def read_answer(self, message: Message) -> Answer | None:
        """What a CertificateInstallationRes of this edition says; None if it is none."""

    @abstractmethod
    def signed_elements(self, message: Message) -> Mapping[str, Any]:
        """What has to be signed in a message of this edition, by name, in its order."""


def flipped(data: bytes) -> bytes:
    """Change the last bit."""
    return data[:-1] + bytes([data[-1] ^ 1])
