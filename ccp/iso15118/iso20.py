"""
The messages of ISO 15118-20 (CommonMessages) as dataclasses, named as in its schemas.

Binary values are bytes, certificates X.509 DER. A list that may be absent is empty when it is.
None of the classes checks its values: encoding does.
"""

from dataclasses import dataclass, field

from ccp.iso15118.xmldsig import RootCertificateID, Signature


@dataclass(slots=True)
class Header:
    """
    The session's id, 8 bytes, and when the message was made.

    *time_stamp* counts from 1970; in seconds, milliseconds or microseconds, as the sender likes.
    """

    session_id: bytes
    time_stamp: int
    signature: Signature | None = None


@dataclass(slots=True)
class CertificateChain:
    """A certificate and its sub-CAs without the root, in either order."""

    certificate: bytes
    sub_certificates: list[bytes] = field(default_factory=list)


@dataclass(slots=True)
class SignedCertificateChain:
    """A signed certificate chain; the signature refers to *id*."""

    id: str
    certificate: bytes
    sub_certificates: list[bytes] = field(default_factory=list)


@dataclass(slots=True)
class CertificateInstallationReq:
    """
    The request of a vehicle for some of its contracts.

    *prioritized_emaids* are those that it wants first. Only the chain is signed.
    """

    oem_provisioning_certificate_chain: SignedCertificateChain
    list_of_root_certificate_ids: list[RootCertificateID]
    maximum_contract_certificate_chains: int
    prioritized_emaids: list[str] = field(default_factory=list)


@dataclass(slots=True)
class SignedInstallationData:
    """
    A contract, and the data to decrypt its private key; the signature refers to *id*.

    *dh_public_key* is the sender's key for the key agreement on *ecdh_curve*; for SECP521 it is an
    uncompressed point. One of the three encrypted private keys is present.
    """

    id: str
    contract_certificate_chain: CertificateChain
    ecdh_curve: str
    dh_public_key: bytes
    secp521_encrypted_private_key: bytes | None = None
    x448_encrypted_private_key: bytes | None = None
    tpm_encrypted_private_key: bytes | None = None


@dataclass(slots=True)
class CertificateInstallationRes:
    """
    The answer: a contract, signed by a certificate provisioning service, or a failure.

    *remaining_contract_certificate_chains* counts the answers that are to follow this one.
    """

    response_code: str
    evse_processing: str
    cps_certificate_chain: CertificateChain
    signed_installation_data: SignedInstallationData
    remaining_contract_certificate_chains: int
