"""The CPS, and the eMSP behind it: a contract, encrypted for one car and signed."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from ccp.identifiers import ISO_15118_2
from ccp.iso15118 import (
    Message,
    SignedInfo,
    encode,
    iso2,
)
from ccp.workshop.certificates import Chain, common_name
from ccp.workshop.errors import WorkshopError
from ccp.workshop.key_transport import encrypt_key
from ccp.workshop.pki import Pki, fingerprint, make_contract
from ccp.workshop.signing import sign

SESSION_ID = b"\0"
"""What a CPS writes, which knows of no session; the pool puts the car's in its place."""


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
        message_emaid: What the message says.
        sub_1_first: The order of the sub-CAs in the message; both are met.
        message_grammar_for: See `sign`; both are legal, or at least met.
        alter_signed_info: Done before signing.
        tamper: Done after signing.
    """

    at: datetime
    emaid: str
    pcid: str
    fingerprint: str
    car: x509.Certificate
    contract: Chain
    cps: Chain
    signing_key: ec.EllipticCurvePrivateKey
    message_emaid: str
    response_code: str = "OK"
    sub_1_first: bool = False
    message_grammar_for: frozenset[str] = frozenset()
    alter_signed_info: Callable[[SignedInfo], SignedInfo] = lambda info: info
    tamper: Callable[[Message], Message] = lambda message: message

    def exi(self) -> bytes:
        """The CertificateInstallationRes; with another ephemeral key each time."""
        car_key = self.car.public_key()
        if not isinstance(car_key, ec.EllipticCurvePublicKey):
            raise WorkshopError("the key of the provisioning certificate is not of a curve")
        encrypted_key, dh_public_key = encrypt_key(self.contract.leaf.key, car_key)
        body = iso2.CertificateInstallationRes(
            response_code=self.response_code,
            sa_provisioning_certificate_chain=self._chain(self.cps),
            contract_signature_cert_chain=self._chain(self.contract, "id1"),
            contract_signature_encrypted_private_key=iso2.ContractSignatureEncryptedPrivateKey(
                "id2", encrypted_key
            ),
            dh_publickey=iso2.DiffieHellmanPublickey("id3", dh_public_key),
            emaid=iso2.EMAID("id4", self.message_emaid),
        )
        signed = sign(
            Message(iso2.Header(SESSION_ID), body),
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
            "xsdMsgDefNamespace": ISO_15118_2,
            "cpsV2GRootCertificateFingerprint": self.fingerprint,
        }

    def _chain(self, chain: Chain, id_: str | None = None) -> iso2.CertificateChain:
        sub_cas = [chain.authority.sub_2.der, chain.authority.sub_1.der]
        if self.sub_1_first:
            sub_cas.reverse()
        return iso2.CertificateChain(chain.leaf.der, sub_cas, id_)


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
    Prepare a contract as it should be.

    Args:
        emaid: 14 or 15 characters, no hyphens.
        car: The provisioning certificate of the car that it is for.
        root: The V2G root, A or B, whose CPS signs.
        contract: The contract certificate; a new one if there is none yet.
    """
    cps = pki.cps[root]
    return ContractDraft(
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
