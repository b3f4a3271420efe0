"""
The messages of ISO 15118-2 as dataclasses, named as in its schemas.

Binary values are bytes, certificates X.509 DER. A list that may be absent is empty when it is.
None of the classes checks its values: encoding does.
"""

from dataclasses import dataclass, field

from ccp.iso15118.xmldsig import RootCertificateID, Signature


@dataclass(slots=True)
class Notification:
    fault_code: str
    fault_msg: str | None = None


@dataclass(slots=True)
class Header:
    """The header of a message; the session id has 0 to 8 bytes."""

    session_id: bytes
    notification: Notification | None = None
    signature: Signature | None = None


@dataclass(slots=True)
class CertificateChain:
    """A certificate and its sub-CAs without the root, in either order; *id* if it is signed."""

    certificate: bytes
    sub_certificates: list[bytes] = field(default_factory=list)
    id: str | None = None


@dataclass(slots=True)
class CertificateInstallationReq:
    """The request of a vehicle for its contract; the signature refers to *id*."""

    id: str
    oem_provisioning_cert: bytes
    list_of_root_certificate_ids: list[RootCertificateID]


@dataclass(slots=True)
class ContractSignatureEncryptedPrivateKey:
    """The contract's private key for this vehicle: 16 bytes of IV, 32 of ciphertext."""

    id: str
    value: bytes


@dataclass(slots=True)
class DiffieHellmanPublickey:
    """The sender's public key for the key agreement: an uncompressed P-256 point, 65 bytes."""

    id: str
    value: bytes


@dataclass(slots=True)
class EMAID:
    """The contract's identifier, 14 or 15 characters."""

    id: str
    value: str


@dataclass(slots=True)
class CertificateInstallationRes:
    """The answer: a contract, signed by a certificate provisioning service, or a failure."""

    response_code: str
    sa_provisioning_certificate_chain: CertificateChain
    contract_signature_cert_chain: CertificateChain
    contract_signature_encrypted_private_key: ContractSignatureEncryptedPrivateKey
    dh_publickey: DiffieHellmanPublickey
    emaid: EMAID
