"""What the keys and certificates of a PKI are like: on P-256, on P-521, or Ed448."""

from collections.abc import Callable
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448

PrivateKey = ec.EllipticCurvePrivateKey | ed448.Ed448PrivateKey
PublicKey = ec.EllipticCurvePublicKey | ed448.Ed448PublicKey
Hash = hashes.SHA256 | hashes.SHA512


@dataclass(frozen=True, slots=True)
class Profile:
    """
    One kind of PKI.

    Attributes:
        slug: What its files are called.
        mark: What the names of its CAs have, to tell them from those of other kinds.
        curve: Of the contracts' keys, which travel, and of the cars' that can decrypt them.
        new_key: Draws a key that signs.
        largest_der: Bytes that messages leave for a certificate.
        short_key_ids: Whether key identifiers have 8 bytes, not 20.
    """

    slug: str
    mark: str
    curve: ec.EllipticCurve
    new_key: Callable[[], PrivateKey]
    largest_der: int
    short_key_ids: bool


def new_key(curve: ec.EllipticCurve | None = None) -> ec.EllipticCurvePrivateKey:
    """Draw a key, on P-256 unless told otherwise."""
    return ec.generate_private_key(curve or ec.SECP256R1())


P256 = Profile("iso2", "", ec.SECP256R1(), new_key, 800, short_key_ids=False)
P521 = Profile(
    "iso20", "20", ec.SECP521R1(), lambda: new_key(ec.SECP521R1()), 1600, short_key_ids=True
)
ED448 = Profile(
    "iso20-ed448",
    "20 Ed448",
    ec.SECP521R1(),
    ed448.Ed448PrivateKey.generate,
    1600,
    short_key_ids=True,
)


def profile_of(key: PrivateKey) -> Profile:
    """The profile whose keys are like this one."""
    if isinstance(key, ed448.Ed448PrivateKey):
        return ED448
    return P256 if key.curve.name == P256.curve.name else P521


def another_key(key: PrivateKey) -> PrivateKey:
    """Draw a key like one that there is."""
    if isinstance(key, ed448.Ed448PrivateKey):
        return ed448.Ed448PrivateKey.generate()
    return new_key(key.curve)


def certificate_hash(key: PrivateKey) -> Hash | None:
    """What certificates are signed with that this key issues; Ed448 has its own."""
    if isinstance(key, ed448.Ed448PrivateKey):
        return None
    return hashes.SHA256() if key.key_size <= 256 else hashes.SHA512()


def key_identifier(key: PublicKey, *, short: bool) -> x509.SubjectKeyIdentifier:
    """
    Make the identifier of a key: the SHA-1 of its bits, or the four bits 0100 and its last 60.

    Source: RFC 5280, 4.2.1.2, methods 1 and 2.
    """
    whole = x509.SubjectKeyIdentifier.from_public_key(key)
    if not short:
        return whole
    last = whole.digest[-8:]
    return x509.SubjectKeyIdentifier(bytes([0x40 | last[0] & 0x0F]) + last[1:])
