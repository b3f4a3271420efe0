"""The car asks: a CertificateInstallationReq, signed with its provisioning certificate's key."""

import base64
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from ccp.iso15118 import Message, RootCertificateID, SignedInfo, encode
from ccp.workshop.certificates import Chain
from ccp.workshop.edition import Edition, Request, TimeUnit
from ccp.workshop.editions import EDITION_2
from ccp.workshop.profiles import PrivateKey
from ccp.workshop.signing import sign


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """
    What a car remembers of its request until the answer comes.

    Attributes:
        session_id: Of the charging session.
        roots: The V2G roots that the car has installed.
        time_unit: Of the request's TimeStamp, and so of the answer's.
        maximum: How many contracts it has asked for.
    """

    edition: Edition
    session_id: bytes
    roots: Sequence[x509.Certificate]
    time_unit: TimeUnit
    maximum: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestDraft:
    """
    All that goes into a car's request; a fault is a draft with something replaced.

    Attributes:
        at: The instant that all of it is made for, aware.
        car: The provisioning certificate; ISO 15118-2 has the message carry the leaf alone.
        signing_key: The car's.
        roots: The V2G roots that the car has installed.
        session_id: Up to 8 bytes; 8 in ISO 15118-20.
        maximum, prioritized: How many contracts, and the EMAIDs of those wanted first; for ISO
            15118-20, as is the next one.
        time_unit: Of the TimeStamp.
        message_grammar_for: See `sign`; both are legal, or at least met.
        alter_signed_info: Done before signing.
        tamper: Done after signing.
    """

    edition: Edition
    at: datetime
    car: Chain
    signing_key: PrivateKey
    roots: Sequence[x509.Certificate]
    session_id: bytes
    maximum: int
    prioritized: Sequence[str]
    time_unit: TimeUnit
    message_grammar_for: frozenset[str] = frozenset()
    alter_signed_info: Callable[[SignedInfo], SignedInfo] = lambda info: info
    tamper: Callable[[Message], Message] = lambda message: message

    @property
    def session(self) -> Session:
        """What the car has to remember."""
        return Session(
            edition=self.edition,
            session_id=self.session_id,
            roots=self.roots,
            time_unit=self.time_unit,
            maximum=self.maximum,
        )

    def exi(self) -> bytes:
        """The CertificateInstallationReq."""
        request = Request(
            session_id=self.session_id,
            car=self.car.der(),
            roots=[
                RootCertificateID(root.issuer.rfc4514_string(), root.serial_number)
                for root in self.roots
            ],
            time_stamp=self.time_unit.stamp(self.at),
            maximum=self.maximum,
            prioritized=self.prioritized,
        )
        signed = sign(
            self.edition.make_request(request),
            self.signing_key,
            alter=self.alter_signed_info,
            message_grammar_for=self.message_grammar_for,
        )
        return encode(self.tamper(signed))

    def post_body(self) -> dict[str, str]:
        """The body with which a CPO passes the request on to a pool."""
        return {
            "certificateInstallationReq": base64.b64encode(self.exi()).decode("ascii"),
            "xsdMsgDefNamespace": self.edition.namespace,
        }


def draft_request(
    car: Chain,
    roots: Sequence[x509.Certificate],
    *,
    at: datetime,
    edition: Edition = EDITION_2,
    session_id: bytes | None = None,
    maximum: int | None = None,
    prioritized: Sequence[str] = (),
    time_unit: TimeUnit = TimeUnit.SECONDS,
) -> RequestDraft:
    """
    Prepare a request as it should be.

    Args:
        car: Its provisioning certificate.
        roots: The V2G roots that it has installed; 1 to 20.
        session_id: That of the charging session; drawn if there is none.
        maximum, prioritized, time_unit: See `RequestDraft`; ISO 15118-2 has nothing of them.
    """
    return RequestDraft(
        edition=edition,
        at=at,
        car=car,
        signing_key=car.leaf.key,
        roots=roots,
        session_id=session_id or secrets.token_bytes(8),
        maximum=edition.usual_maximum if maximum is None else maximum,
        prioritized=prioritized,
        time_unit=time_unit,
    )
