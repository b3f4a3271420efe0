"""Make one certificate, whatever its profile."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from ccp.workshop.profiles import (
    Hash,
    PrivateKey,
    Profile,
    certificate_hash,
    key_identifier,
    profile_of,
)

ORGANIZATION = "CCP Workshop"
OCSP_PATH = "/ocsp"
"""Where the OCSP responder is, below a *pki_url*."""
_SHA1_BYTES = 20
_CLOCKS_DIFFER_BY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate, and the private key that goes with it."""

    certificate: x509.Certificate
    key: PrivateKey

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

    @property
    def profile(self) -> Profile:
        """That of its root, so of all that it issues."""
        return profile_of(self.root.key)


@dataclass(frozen=True, slots=True)
class DerChain:
    """A chain as messages have it: a leaf, and its sub-CAs in either order; X.509 DER."""

    leaf: bytes
    sub_cas: list[bytes]


@dataclass(frozen=True, slots=True)
class Chain:
    """A leaf and the authority that issued it."""

    leaf: Identity
    authority: Authority

    def der(self, *, sub_1_first: bool = False) -> DerChain:
        """The chain for a message: sub-CA 2 first, or sub-CA 1."""
        sub_cas = [self.authority.sub_2.der, self.authority.sub_1.der]
        return DerChain(self.leaf.der, sub_cas[::-1] if sub_1_first else sub_cas)


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


def issue(
    name: x509.Name,
    validity: Validity,
    issuer: Identity | None,
    *,
    constraints: x509.BasicConstraints,
    usage: x509.KeyUsage,
    key: PrivateKey,
    short_key_id: bool,
    digest: Hash | None = None,
    pki_url: str | None = None,
) -> Identity:
    """
    Make a certificate.

    Args:
        name: The subject.
        issuer: Who signs it; None for a root, which signs itself.
        key: The subject's.
        short_key_id: See `key_identifier`.
        digest: What to sign with; what goes with the signer's key by default.
        pki_url: Of the service that tells whether it is revoked; it names none by default.
    """
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
        .add_extension(key_identifier(key.public_key(), short=short_key_id), critical=False)
    )
    if issuer:
        authority_key = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(
            issuer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        )
        builder = builder.add_extension(authority_key, critical=False)
        if pki_url:
            for extension in _status_urls(pki_url, issuer.certificate):
                builder = builder.add_extension(extension, critical=False)
    return Identity(builder.sign(signer, digest or certificate_hash(signer)), key)


def _status_urls(pki_url: str, issuer: x509.Certificate) -> tuple[x509.ExtensionType, ...]:
    """Where the status of what a CA issues is told: an OCSP responder, and the CA's CRL."""
    ocsp, crl = (
        x509.UniformResourceIdentifier(pki_url + path) for path in (OCSP_PATH, crl_path(issuer))
    )
    access = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, ocsp)
    point = x509.DistributionPoint([crl], None, None, None)
    return x509.AuthorityInformationAccess([access]), x509.CRLDistributionPoints([point])


def pki_url_of(certificate: x509.Certificate) -> str | None:
    """The *pki_url* that a certificate was made with."""
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess)
    except x509.ExtensionNotFound:
        return None
    (responder,) = access.value
    return str(responder.access_location.value).removesuffix(OCSP_PATH)


def crl_path(ca: x509.Certificate) -> str:
    """Where the CRL of a CA is, below a *pki_url*."""
    return f"/crl/{subject_key_id(ca).hex()}.crl"


def reissue(
    identity: Identity,
    issuer: Identity,
    *,
    validity: Validity | None = None,
    constraints: x509.BasicConstraints | None = None,
    usage: x509.KeyUsage | None = None,
    key: PrivateKey | None = None,
    digest: Hash | None = None,
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
        short_key_id=len(subject_key_id(old)) < _SHA1_BYTES,
        digest=digest,
    )


def subject_key_id(certificate: x509.Certificate) -> bytes:
    """
    Read the SubjectKeyIdentifier.

    Raises:
        ValueError: There is none, or the extensions cannot be read.
    """
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    except x509.ExtensionNotFound:
        raise ValueError("the certificate has no SubjectKeyIdentifier") from None
    return extension.value.digest
