"""Make one certificate: the profiles of ISO 15118-2, P-256 and SHA-256."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

LARGEST_DER = 800
"""Bytes that ISO 15118-2 leaves for a certificate."""

ORGANIZATION = "CCP Workshop"
_CLOCKS_DIFFER_BY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate, and the private key that goes with it."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def der(self) -> bytes:
        """The certificate, X.509 DER."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def common_name(self) -> str:
        """Of the subject: an EMAID, a PCID, or what a CA is called."""
        return common_name(self.certificate)


@dataclass(frozen=True, slots=True)
class Authority:
    """A root CA and its two sub-CAs, of which the second issues leaves."""

    root: Identity
    sub_1: Identity
    sub_2: Identity


@dataclass(frozen=True, slots=True)
class Chain:
    """A leaf and the authority that issued it."""

    leaf: Identity
    authority: Authority


@dataclass(frozen=True, slots=True)
class Validity:
    """From when to when a certificate holds; aware, both included."""

    not_before: datetime
    not_after: datetime

    @classmethod
    def years(cls, years: int, *, at: datetime) -> Self:
        """So many years from *at*, and a day before, since clocks differ."""
        return cls(at - _CLOCKS_DIFFER_BY, at + timedelta(days=365 * years))


def common_name(certificate: x509.Certificate) -> str:
    """The common name of the subject; empty where there is none."""
    found = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else ""


def subject(common_name: str, domain: str) -> x509.Name:
    """
    Name a certificate as real PKIs do.

    Args:
        domain: The domain component: V2G, CPS, MO (eMSP) or OEM.
    """
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANIZATION),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
            x509.NameAttribute(NameOID.DOMAIN_COMPONENT, domain),
        ]
    )


def ca(path_length: int | None = None) -> x509.BasicConstraints:
    """The basic constraints of a CA; a root has no path length."""
    return x509.BasicConstraints(ca=True, path_length=path_length)


LEAF = x509.BasicConstraints(ca=False, path_length=None)


def key_usage(*, ca: bool = False, signs: bool = False, agrees: bool = False) -> x509.KeyUsage:
    """
    What a key is for.

    Args:
        ca: To sign certificates and revocation lists.
        signs: To sign messages.
        agrees: To agree on a key by ECDH.
    """
    return x509.KeyUsage(
        digital_signature=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=agrees,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def new_key(curve: ec.EllipticCurve | None = None) -> ec.EllipticCurvePrivateKey:
    """Draw a key, on P-256 unless told otherwise."""
    return ec.generate_private_key(curve or ec.SECP256R1())


def issue(
    name: x509.Name,
    validity: Validity,
    issuer: Identity | None,
    *,
    constraints: x509.BasicConstraints,
    usage: x509.KeyUsage,
    key: ec.EllipticCurvePrivateKey | None = None,
) -> Identity:
    """
    Make a certificate.

    Args:
        name: The subject.
        issuer: Who signs it; None for a root, which signs itself.
        key: The subject's; a new one if there is none yet.
    """
    key = key or new_key()
    signer = issuer.key if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.certificate.subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(secrets.randbits(127) | 1)  # a serial has to be positive
        .not_valid_before(validity.not_before)
        .not_valid_after(validity.not_after)
        .add_extension(constraints, critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if issuer:
        authority_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        builder = builder.add_extension(authority_key, critical=False)
    return Identity(builder.sign(signer, hashes.SHA256()), key)


def reissue(
    identity: Identity,
    issuer: Identity,
    *,
    validity: Validity | None = None,
    constraints: x509.BasicConstraints | None = None,
    usage: x509.KeyUsage | None = None,
    key: ec.EllipticCurvePrivateKey | None = None,
) -> Identity:
    """Make a certificate anew for the same subject and key, but for what is given."""
    old = identity.certificate
    extensions = old.extensions
    return issue(
        old.subject,
        validity or Validity(old.not_valid_before_utc, old.not_valid_after_utc),
        issuer,
        constraints=constraints or extensions.get_extension_for_class(x509.BasicConstraints).value,
        usage=usage or extensions.get_extension_for_class(x509.KeyUsage).value,
        key=key or identity.key,
    )
