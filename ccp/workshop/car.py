"""The car asks: a CertificateInstallationReq, signed with its provisioning certificate's key."""

import base64
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from ccp.identifiers import ISO_15118_2
from ccp.iso15118 import (
    Message,
    RootCertificateID,
    SignedInfo,
    encode,
    iso2,
)
from ccp.workshop.certificates import Chain
from ccp.workshop.signing import sign


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestDraft:
    """
    All that goes into a car's request; a fault is a draft with something replaced.

    Attributes:
        at: The instant that all of it is made for, aware.
        car: The provisioning certificate, of which the message carries the leaf alone.
        signing_key: The car's.
        roots: The V2G roots that the car has installed.
        session_id: Up to 8 bytes.
        message_grammar_for: See `sign`; both are legal, or at least met.
        alter_signed_info: Done before signing.
        tamper: Done after signing.
    """

    at: datetime
    car: Chain
    signing_key: ec.EllipticCurvePrivateKey
    roots: Sequence[x509.Certificate]
    session_id: bytes
    message_grammar_for: frozenset[str] = frozenset()
    alter_signed_info: Callable[[SignedInfo], SignedInfo] = lambda info: info
    tamper: Callable[[Message], Message] = lambda message: message

    def exi(self) -> bytes:
        """The CertificateInstallationReq."""
        roots = [
            RootCertificateID(root.issuer.rfc4514_string(), root.serial_number)
            for root in self.roots
        ]
        body = iso2.CertificateInstallationReq("id1", self.car.leaf.der, roots)
        signed = sign(
            Message(iso2.Header(self.session_id), body),
            self.signing_key,
            alter=self.alter_signed_info,
            message_grammar_for=self.message_grammar_for,
        )
        return encode(self.tamper(signed))

    def post_body(self) -> dict[str, str]:
        """The body with which a CPO passes the request on to a pool."""
        return {
            "certificateInstallationReq": base64.b64encode(self.exi()).decode("ascii"),
            "xsdMsgDefNamespace": ISO_15118_2,
        }


def draft_request(
    car: Chain,
    roots: Sequence[x509.Certificate],
    *,
    at: datetime,
    session_id: bytes | None = None,
) -> RequestDraft:
    """
    Prepare a request as it should be.

    Args:
        car: Its provisioning certificate.
        roots: The V2G roots that it has installed; 1 to 20.
        session_id: That of the charging session; drawn if there is none.
    """
    return RequestDraft(
        at=at,
        car=car,
        signing_key=car.leaf.key,
        roots=roots,
        session_id=session_id or secrets.token_bytes(8),
    )
