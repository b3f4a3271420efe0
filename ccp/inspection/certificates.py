"""A certificate: what it says of itself, also where its encoding breaks DER."""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import SignatureAlgorithmOID

from ccp.domain.errors import CertificateUnreadable
from ccp.pki.certificates import Certificate, read_certificate
from ccp.pki.extensions import read_extensions
from ccp.pki.irregular import irregularities
from ccp.pki.names import distinguished_name

_SIGNATURE_ALGORITHMS = {
    SignatureAlgorithmOID.ECDSA_WITH_SHA1: "ECDSA with SHA-1",
    SignatureAlgorithmOID.ECDSA_WITH_SHA224: "ECDSA with SHA-224",
    SignatureAlgorithmOID.ECDSA_WITH_SHA256: "ECDSA with SHA-256",
    SignatureAlgorithmOID.ECDSA_WITH_SHA384: "ECDSA with SHA-384",
    SignatureAlgorithmOID.ECDSA_WITH_SHA512: "ECDSA with SHA-512",
    SignatureAlgorithmOID.RSA_WITH_SHA1: "RSA with SHA-1",
    SignatureAlgorithmOID.RSA_WITH_SHA224: "RSA with SHA-224",
    SignatureAlgorithmOID.RSA_WITH_SHA256: "RSA with SHA-256",
    SignatureAlgorithmOID.RSA_WITH_SHA384: "RSA with SHA-384",
    SignatureAlgorithmOID.RSA_WITH_SHA512: "RSA with SHA-512",
    SignatureAlgorithmOID.RSASSA_PSS: "RSA-PSS",
    SignatureAlgorithmOID.ED25519: "Ed25519",
    SignatureAlgorithmOID.ED448: "Ed448",
}


@dataclass(frozen=True, slots=True)
class ExtensionFacts:
    """
    What a certificate is for, and where its revocation is told.

    Attributes:
        is_ca: Whether it says that it is a CA.
        path_length: How many CAs may follow below it; None if it does not say.
        key_usage: In the names of RFC 5280, 4.2.1.3; None if it does not say.
        ocsp_urls, crl_urls: As it has them.
    """

    is_ca: bool
    path_length: int | None
    key_usage: Sequence[str] | None
    ocsp_urls: Sequence[str]
    crl_urls: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFacts:
    """
    One X.509 certificate of a chain.

    Attributes:
        name: What it is called, such as "CPS certificate".
        subject, issuer: As `distinguished_name` writes them.
        serial_number: Upper-case hex digits.
        not_before, not_after: Validity, aware UTC, both included.
        validity: At the present: "valid", "expired" or "not yet valid".
        key: The curve of its key, or what else it is.
        signature_algorithm: That its issuer has signed it with; its OID where it has no name here.
        fingerprint: SHA-256 of its DER, 64 lower-case hex digits.
        irregularities: A sentence for each thing that breaks DER or RFC 5280, and that the pool
            accepts all the same.
        extensions: None if they cannot be read.
        issuer_is_here: Whether its chain has a certificate with the name of its issuer.
        is_signed_by_it: Whether one of these has signed it; None if there is none.
        der: X.509, DER, base64.
    """

    name: str
    subject: str
    issuer: str
    serial_number: str
    not_before: datetime
    not_after: datetime
    validity: str
    key: str
    signature_algorithm: str
    fingerprint: str
    irregularities: Sequence[str]
    extensions: ExtensionFacts | None
    issuer_is_here: bool
    is_signed_by_it: bool | None
    der: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableCertificate:
    """
    What should be a certificate, and is none.

    Attributes:
        problem: A sentence.
        name, fingerprint, der: As of one that is.
    """

    name: str
    problem: str
    fingerprint: str
    der: str


def describe_certificate(
    der: bytes, name: str, *, at: datetime, is_signed: bool | None
) -> CertificateFacts | UnreadableCertificate:
    """
    Tell all of a certificate.

    Args:
        der: What should be X.509, DER.
        name: What to call it.
        at: The present, aware UTC.
        is_signed: Whether the certificate in its chain that it names as its issuer has signed it;
            None if there is none.
    """
    fingerprint, text = sha256(der).hexdigest(), b64encode(der).decode("ascii")
    try:
        certificate = read_certificate(der, name)
    except CertificateUnreadable as error:
        return UnreadableCertificate(
            name=name, problem=error.messages[-1], fingerprint=fingerprint, der=text
        )
    return CertificateFacts(
        name=name,
        subject=distinguished_name(certificate.subject),
        issuer=distinguished_name(certificate.issuer),
        serial_number=hexadecimal(certificate.serial_number),
        not_before=certificate.not_before,
        not_after=certificate.not_after,
        validity=_validity(certificate, at),
        key=_key(certificate),
        signature_algorithm=_signature_algorithm(certificate),
        fingerprint=fingerprint,
        irregularities=irregularities(certificate),
        extensions=_extensions(der),
        issuer_is_here=is_signed is not None,
        is_signed_by_it=is_signed,
        der=text,
    )


def hexadecimal(serial_number: int) -> str:
    """Write a serial number as OpenSSL does: two upper-case digits for each byte."""
    digits = f"{abs(serial_number):X}"
    return "-" * (serial_number < 0) + "0" * (len(digits) % 2) + digits


def _validity(certificate: Certificate, at: datetime) -> str:
    if certificate.is_valid_at(at):
        return "valid"
    return "expired" if at > certificate.not_after else "not yet valid"


def _key(certificate: Certificate) -> str:
    if isinstance(certificate.public_key, rsa.RSAPublicKey):
        return f"RSA, {certificate.public_key.key_size} bits"
    return certificate.curve or "of an unknown kind"


def _signature_algorithm(certificate: Certificate) -> str:
    oid = certificate.signature_algorithm
    return _SIGNATURE_ALGORITHMS.get(oid, oid.dotted_string)


def _extensions(der: bytes) -> ExtensionFacts | None:
    try:
        extensions = read_extensions(der)
    except ValueError:
        return None
    is_ca, path_length = extensions.basic_constraints
    return ExtensionFacts(
        is_ca=is_ca,
        path_length=path_length,
        key_usage=extensions.key_usages,
        ocsp_urls=_texts(extensions.ocsp_uris),
        crl_urls=_texts(extensions.crl_uris(complete_lists_only=False)),
    )


def _texts(uris: Iterable[bytes]) -> list[str]:
    return [uri.decode("ascii", "backslashreplace") for uri in uris]
