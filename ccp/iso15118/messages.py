"""
The messages of ISO 15118-2 as dataclasses, named as in its schemas.

Binary values are bytes, certificates X.509 DER. A list that may be absent is empty when it is.
None of the classes checks its values: encoding does.
"""

from dataclasses import dataclass, field


@dataclass(slots=True)
class CertificateChain:
    """A certificate and its sub-CAs without the root, in either order; *id* if it is signed."""

    certificate: bytes
    sub_certificates: list[bytes] = field(default_factory=list)
    id: str | None = None


@dataclass(slots=True)
class RootCertificateID:
    """A V2G root that the vehicle trusts: its issuer as the vehicle spells it, its serial."""

    x509_issuer_name: str
    x509_serial_number: int


@dataclass(slots=True)
class CertificateInstallationReq:
    """A vehicle asks for its contract; *id* is what the signature refers to."""

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


@dataclass(slots=True)
class Transform:
    algorithm: str
    xpath: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Reference:
    """What is signed: *uri* is ``#`` and the element's id, *digest_method* the algorithm's URI."""

    digest_method: str
    digest_value: bytes
    transforms: list[Transform] = field(default_factory=list)
    id: str | None = None
    type: str | None = None
    uri: str | None = None


@dataclass(slots=True)
class SignatureMethod:
    algorithm: str
    hmac_output_length: int | None = None


@dataclass(slots=True)
class SignedInfo:
    """What the signature covers: *canonicalization_method* is the algorithm's URI."""

    canonicalization_method: str
    signature_method: SignatureMethod
    references: list[Reference]
    id: str | None = None


@dataclass(slots=True)
class SignatureValue:
    """The signature itself: r and s one after the other, 64 bytes for P-256."""

    value: bytes
    id: str | None = None


@dataclass(slots=True)
class Signature:
    signed_info: SignedInfo
    signature_value: SignatureValue
    id: str | None = None


@dataclass(slots=True)
class Notification:
    fault_code: str
    fault_msg: str | None = None


@dataclass(slots=True)
class Header:
    """The session's id, 0 to 8 bytes, and what goes with any message."""

    session_id: bytes
    notification: Notification | None = None
    signature: Signature | None = None


@dataclass(slots=True)
class Message:
    """
    A V2G_Message.

    *spans* tells where decoding found the elements that can be signed, by name: their first bit
    and end, for ``cut_fragment``. It is empty in a message made by hand, and no part of equality.
    """

    header: Header
    body: CertificateInstallationReq | CertificateInstallationRes
    spans: dict[str, tuple[int, int]] = field(default_factory=dict, compare=False, repr=False)
