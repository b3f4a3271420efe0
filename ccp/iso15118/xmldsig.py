"""
The types of XML Signature in messages: the signature, and the name of a root certificate.

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
    """A signed element: *uri* is ``#`` and its id, *digest_method* the URI of the algorithm."""

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
    """The content of the signature; *canonicalization_method* is the URI of the algorithm."""

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
