"""
What messages have of XML Signature: the signature, and how a root certificate is named.

Binary values are bytes. A list that may be absent is empty when it is. None of the classes checks
its values: encoding does.
"""

from dataclasses import dataclass, field


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
    """The signature itself: for ECDSA r and s one after the other."""

    value: bytes
    id: str | None = None


@dataclass(slots=True)
class Signature:
    signed_info: SignedInfo
    signature_value: SignatureValue
    id: str | None = None


@dataclass(slots=True)
class RootCertificateID:
    """A V2G root that the vehicle trusts: its issuer as the vehicle spells it, its serial."""

    x509_issuer_name: str
    x509_serial_number: int
