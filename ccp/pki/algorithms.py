"""Digests and signatures, by the URIs that XML Signature and ISO 15118-20 give them."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from ccp.domain.errors import SignatureInvalid

_DSIG = "http://www.w3.org/2000/09/xmldsig#"
_ENC = "http://www.w3.org/2001/04/xmlenc#"
_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
_MORE_2007 = "http://www.w3.org/2007/05/xmldsig-more#"
_MORE_2021 = "http://www.w3.org/2021/04/xmldsig-more#"

SHA256 = f"{_ENC}sha256"
SHA512 = f"{_ENC}sha512"
SHAKE256 = "urn:iso:std:iso:15118:-20:Security:xmlenc#SHAKE256"
"""SHAKE256 with 64 bytes of output (V2G20-2476)."""

ECDSA_SHA256 = f"{_MORE}ecdsa-sha256"
ECDSA_SHA512 = f"{_MORE}ecdsa-sha512"
ED448 = "urn:iso:std:iso:15118:-20:Security:xmldsig#Ed448"
"""Ed448, as ISO 15118-20 names it (V2G20-2474)."""
ED448_OF_RFC_9231 = f"{_MORE_2021}eddsa-ed448"
"""Ed448, as RFC 9231 names it (2.3.12)."""
_ED25519 = f"{_MORE_2021}eddsa-ed25519"

_DIGESTS: Mapping[str, Callable[[bytes], bytes]] = {
    f"{_DSIG}sha1": lambda data: hashlib.sha1(data, usedforsecurity=False).digest(),
    f"{_MORE}sha224": lambda data: hashlib.sha224(data).digest(),
    SHA256: lambda data: hashlib.sha256(data).digest(),
    f"{_MORE}sha384": lambda data: hashlib.sha384(data).digest(),
    SHA512: lambda data: hashlib.sha512(data).digest(),
    f"{_MORE_2007}sha3-224": lambda data: hashlib.sha3_224(data).digest(),
    f"{_MORE_2007}sha3-256": lambda data: hashlib.sha3_256(data).digest(),
    f"{_MORE_2007}sha3-384": lambda data: hashlib.sha3_384(data).digest(),
    f"{_MORE_2007}sha3-512": lambda data: hashlib.sha3_512(data).digest(),
    SHAKE256: lambda data: hashlib.shake_256(data).digest(64),
}
_ECDSA: Mapping[str, hashes.HashAlgorithm] = {
    f"{_MORE}ecdsa-sha1": hashes.SHA1(),  # noqa: S303  # old messages can be inspected
    f"{_MORE}ecdsa-sha224": hashes.SHA224(),
    ECDSA_SHA256: hashes.SHA256(),
    f"{_MORE}ecdsa-sha384": hashes.SHA384(),
    ECDSA_SHA512: hashes.SHA512(),
    f"{_MORE_2021}ecdsa-sha3-224": hashes.SHA3_224(),
    f"{_MORE_2021}ecdsa-sha3-256": hashes.SHA3_256(),
    f"{_MORE_2021}ecdsa-sha3-384": hashes.SHA3_384(),
    f"{_MORE_2021}ecdsa-sha3-512": hashes.SHA3_512(),
}
_RSA: Mapping[str, hashes.HashAlgorithm] = {
    f"{_DSIG}rsa-sha1": hashes.SHA1(),  # noqa: S303
    f"{_MORE}rsa-sha224": hashes.SHA224(),
    f"{_MORE}rsa-sha256": hashes.SHA256(),
    f"{_MORE}rsa-sha384": hashes.SHA384(),
    f"{_MORE}rsa-sha512": hashes.SHA512(),
}
SIGNATURE_METHODS = frozenset({*_ECDSA, *_RSA, ED448, ED448_OF_RFC_9231, _ED25519})
"""The URIs that `verify` knows."""


def digest(digest_method: str, data: bytes) -> bytes | None:
    """Compute the digest of *data*; return None if no digest has the URI *digest_method*."""
    algorithm = _DIGESTS.get(digest_method)
    return None if algorithm is None else algorithm(data)


def verify(signature_method: str, key: Any, signature: bytes, signed: bytes) -> None:
    """
    Verify a signature with a key of any size or curve.

    Args:
        signature_method: One of SIGNATURE_METHODS.
        key: A public key of pyca/cryptography, or None.
        signature: The SignatureValue; of ECDSA r and s, each as long as the key.
        signed: The octets of SignedInfo.
    Raises:
        InvalidSignature: The signature was not made with the private key of *key*.
        SignatureInvalid: The algorithm cannot be used with *key*, or the signature has a length
            that no signature of *key* has.
    """
    uri = signature_method
    try:
        match key:
            case ec.EllipticCurvePublicKey() if uri in _ECDSA:
                raw = _as_dss(signature, key.curve)
                key.verify(raw, signed, ec.ECDSA(_ECDSA[uri]))
            case ed448.Ed448PublicKey() if uri in (ED448, ED448_OF_RFC_9231):
                key.verify(signature, signed)
            case ed25519.Ed25519PublicKey() if uri == _ED25519:
                key.verify(signature, signed)
            case rsa.RSAPublicKey() if uri in _RSA:
                key.verify(signature, signed, padding.PKCS1v15(), _RSA[uri])
            case _:
                raise SignatureInvalid("The signer's key does not go with the SignatureMethod.")
    except UnsupportedAlgorithm:
        raise SignatureInvalid("The SignatureMethod cannot be verified by this pool.") from None


def _as_dss(signature: bytes, curve: ec.EllipticCurve) -> bytes:
    """Convert r and s, one after the other, to DER."""
    size = (curve.key_size + 7) // 8
    if len(signature) != 2 * size:
        raise SignatureInvalid(f"The SignatureValue has {len(signature)} bytes, not {2 * size}.")
    r, s = (int.from_bytes(half, "big") for half in (signature[:size], signature[size:]))
    return encode_dss_signature(r, s)


def curve_of(key: object) -> str:
    """Return the name of the curve of a public key; empty if the pool has no name for it."""
    match key:
        case ec.EllipticCurvePublicKey(curve=curve):
            return str(curve.name)
        case ed448.Ed448PublicKey():
            return "Ed448"
    return ""
