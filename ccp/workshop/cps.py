"""The CPS, and the eMSP behind it: a contract, encrypted for one car and signed."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from ccp.iso15118 import Message, SignedInfo, encode
from ccp.workshop.certificates import Chain, common_name
from ccp.workshop.edition import Answer, Edition, TimeUnit
from ccp.workshop.pki import Pki, fingerprint, make_contract
from ccp.workshop.profiles import PrivateKey
from ccp.workshop.signing import sign


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractDraft:
    """
    All that goes into one signed contract; a fault is a draft with something replaced.

    Attributes:
        at: The instant that all of it is made for, aware.
        emaid, pcid, fingerprint: What the body of the PUT says; *fingerprint* is of the V2G root.
        car: The provisioning certificate that the contract's key is encrypted for.
        contract: Its leaf's key is what travels.
        cps: The signer's chain, which the message carries.
        signing_key: The signer's.
        message_emaid: What the message says besides, where it is of ISO 15118-2.
        sub_1_first: The order of the sub-CAs in the message; both are met.
        message_grammar_for: See `sign`; both are legal, or at least met.
        alter_signed_info: Done before signing.
        tamper: Done after signing.
    """

    edition: Edition
    at: datetime
    emaid: str
    pcid: str
    fingerprint: str
    car: x509.Certificate
    contract: Chain
    cps: Chain
    signing_key: PrivateKey
    message_emaid: str
    response_code: str = "OK"
    sub_1_first: bool = False
    message_grammar_for: frozenset[str] = frozenset()
    alter_signed_info: Callable[[SignedInfo], SignedInfo] = lambda info: info
    tamper: Callable[[Message], Message] = lambda message: message

    def exi(self) -> bytes:
        """The CertificateInstallationRes; with another ephemeral key each time."""
        answer = Answer(
            session_id=self.edition.no_session,
            time_stamp=TimeUnit.SECONDS.stamp(self.at),
            response_code=self.response_code,
            processing="Finished",
            cps=self.cps.der(sub_1_first=self.sub_1_first),
            contract=self.contract.der(sub_1_first=self.sub_1_first),
            sealed=self.edition.transport.seal(self.contract.leaf, self.car),
            emaid=self.message_emaid,
            remaining=0,
        )
        signed = sign(
            self.edition.make_answer(answer),
            self.signing_key,
            alter=self.alter_signed_info,
            message_grammar_for=self.message_grammar_for,
        )
        return encode(self.tamper(signed))

    def put_body(self) -> dict[str, str]:
        """The body with which the contract is put into a pool."""
        return {
            "certificateInstallationRes": base64.b64encode(self.exi()).decode("ascii"),
            "emaid": self.emaid,
            "pcid": self.pcid,
            "xsdMsgDefNamespace": self.edition.namespace,
            "cpsV2GRootCertificateFingerprint": self.fingerprint,
        }


def draft_contract(
    pki: Pki,
    emaid: str,
    car: x509.Certificate,
    *,
    at: datetime,
    root: str = "A",
    contract: Chain | None = None,
) -> ContractDraft:
    """
    Prepare a contract as it should be, in a message of the PKI's edition.

    Args:
        emaid: No hyphens; 14 or 15 characters in ISO 15118-2, up to 36 in ISO 15118-20.
        car: The provisioning certificate of the car that it is for.
        root: The V2G root, A or B, whose CPS signs.
        contract: The contract certificate; a new one if there is none yet.
    """
    cps = pki.cps[root]
    return ContractDraft(
        edition=pki.edition,
        at=at,
        emaid=emaid,
        pcid=common_name(car),
        fingerprint=fingerprint(cps.authority.root),
        car=car,
        contract=contract or make_contract(pki.emsp, emaid, at=at),
        cps=cps,
        signing_key=cps.leaf.key,
        message_emaid=emaid,
    )
