"""The algorithms that messages are signed with, by the names that XML Signature gives them."""

from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from ccp.workshop.profiles import Hash, PrivateKey


@dataclass(frozen=True, slots=True)
class Suite:
    """
    A way to sign.

    Attributes:
        signature_method, digest_method: URIs.
        hash: Of digests, and of the octets that ECDSA signs.
        curve: That the signer's key has to be on; None for Ed448.
    """

    signature_method: str
    digest_method: str
    hash: Hash | hashes.SHAKE256
    curve: ec.EllipticCurve | None

    def fits(self, key: object) -> bool:
        """Whether a key, private or public, is of Ed448, or else of ECDSA, as this suite is."""
        is_ed448 = isinstance(key, ed448.Ed448PrivateKey | ed448.Ed448PublicKey)
        return is_ed448 == (self.curve is None)

    def digest(self, data: bytes) -> bytes:
        """Hash a fragment."""
        hasher = hashes.Hash(self.hash)
        hasher.update(data)
        return hasher.finalize()

    def sign(self, key: PrivateKey, data: bytes) -> bytes:
        """Sign, with a key on whatever curve; ECDSA gives r and s, each as long as the key."""
        if isinstance(key, ed448.Ed448PrivateKey):
            return key.sign(data)
        r, s = decode_dss_signature(key.sign(data, ec.ECDSA(self.hash)))
        size = _bytes_of(key.curve)
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")

    def is_signed(self, key: object, value: bytes, data: bytes) -> bool:
        """Whether *value* is the signature of *data* by the owner of a public key."""
        try:
            if isinstance(key, ed448.Ed448PublicKey):
                key.verify(value, data)
                return self.curve is None
            if not isinstance(key, ec.EllipticCurvePublicKey) or self.curve is None:
                return False
            size = _bytes_of(self.curve)
            if key.curve.name != self.curve.name or len(value) != 2 * size:
                return False
            r, s = (int.from_bytes(half, "big") for half in (value[:size], value[size:]))
            key.verify(encode_dss_signature(r, s), data, ec.ECDSA(self.hash))
        except InvalidSignature:
            return False
        return True


def _bytes_of(curve: ec.EllipticCurve) -> int:
    return (curve.key_size + 7) // 8


ECDSA_SHA256 = Suite(
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
    "http://www.w3.org/2001/04/xmlenc#sha256",
    hashes.SHA256(),
    ec.SECP256R1(),
)
ECDSA_SHA512 = Suite(
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512",
    "http://www.w3.org/2001/04/xmlenc#sha512",
    hashes.SHA512(),
    ec.SECP521R1(),
)
ED448_SHAKE256 = Suite(
    "urn:iso:std:iso:15118:-20:Security:xmldsig#Ed448",
    "urn:iso:std:iso:15118:-20:Security:xmlenc#SHAKE256",
    hashes.SHAKE256(digest_size=64),
    None,
)
