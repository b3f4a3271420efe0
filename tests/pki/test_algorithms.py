"""Algorithms by the names of XML Signature, held against OpenSSL and published values."""

from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from ccp.domain.errors import SignatureInvalid
from ccp.pki.algorithms import SIGNATURE_METHODS, digest, verify
from tests.workshop.openssl import needs_openssl, openssl

SHAKE256 = "urn:iso:std:iso:15118:-20:Security:xmlenc#SHAKE256"
# URI (XML Signature, RFC 9231, V2G20-2476) and the arguments by which OpenSSL knows a digest.
DIGESTS = {
    "http://www.w3.org/2000/09/xmldsig#sha1": ["-sha1"],
    "http://www.w3.org/2001/04/xmldsig-more#sha224": ["-sha224"],
    "http://www.w3.org/2001/04/xmlenc#sha256": ["-sha256"],
    "http://www.w3.org/2001/04/xmldsig-more#sha384": ["-sha384"],
    "http://www.w3.org/2001/04/xmlenc#sha512": ["-sha512"],
    "http://www.w3.org/2007/05/xmldsig-more#sha3-224": ["-sha3-224"],
    "http://www.w3.org/2007/05/xmldsig-more#sha3-256": ["-sha3-256"],
    "http://www.w3.org/2007/05/xmldsig-more#sha3-384": ["-sha3-384"],
    "http://www.w3.org/2007/05/xmldsig-more#sha3-512": ["-sha3-512"],
    SHAKE256: ["-shake256", "-xoflen", "64"],
}
P256, P384 = (ec.generate_private_key(curve) for curve in (ec.SECP256R1(), ec.SECP384R1()))
RSA = rsa.generate_private_key(65537, 2048)
ED448, ED25519 = ed448.Ed448PrivateKey.generate(), ed25519.Ed25519PrivateKey.generate()
HASHES = {
    "sha1": hashes.SHA1(),  # noqa: S303
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
    "sha3-224": hashes.SHA3_224(),
    "sha3-256": hashes.SHA3_256(),
    "sha3-384": hashes.SHA3_384(),
    "sha3-512": hashes.SHA3_512(),
}


@needs_openssl
@pytest.mark.parametrize("uri", DIGESTS)
def test_digest_of_each_algorithm_is_that_of_openssl(uri: str, tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"a fragment")
    arguments = (*DIGESTS[uri], "-binary", "-out", "digest", "data")
    assert openssl("dgst", *arguments, folder=tmp_path).returncode == 0
    assert digest(uri, b"a fragment") == (tmp_path / "digest").read_bytes()


def test_digest_with_shake256_is_the_published_value() -> None:
    """The example of NIST for the empty message, cut to 64 bytes."""
    assert digest(SHAKE256, b"") == bytes.fromhex(
        "46b9dd2b0ba88d13233b3feb743eeb243fcd52ea62b81b82b50c27646ed5762f"
        "d75dc4ddd8c0f200cb05019d67b592f6fc821c49479ab48640292eacb3b7c4be"
    )


def test_digest_of_an_unknown_algorithm_is_none() -> None:
    assert digest("http://www.w3.org/2001/04/xmlenc#ripemd160", b"") is None


def signed_with(uri: str) -> tuple[Any, bytes]:
    """A public key that goes with a SignatureMethod, and its signature of b"data"."""
    name = uri.partition("#")[2].lower()
    if name.endswith("ed448"):
        return ED448.public_key(), ED448.sign(b"data")
    if name.endswith("ed25519"):
        return ED25519.public_key(), ED25519.sign(b"data")
    kind, _, algorithm = name.partition("-")
    if kind == "rsa":
        return RSA.public_key(), RSA.sign(b"data", padding.PKCS1v15(), HASHES[algorithm])
    r, s = decode_dss_signature(P384.sign(b"data", ec.ECDSA(HASHES[algorithm])))
    return P384.public_key(), r.to_bytes(48, "big") + s.to_bytes(48, "big")


@pytest.mark.parametrize("uri", sorted(SIGNATURE_METHODS))
def test_verify_with_each_algorithm_refuses_other_data_and_other_keys(uri: str) -> None:
    key, signature = signed_with(uri)
    verify(uri, key, signature, b"data")
    with pytest.raises(InvalidSignature):
        verify(uri, key, signature, b"Data")
    for other in (P256, RSA, ED448, ED25519):
        if not isinstance(other.public_key(), type(key)):
            with pytest.raises(SignatureInvalid, match="does not go with"):
                verify(uri, other.public_key(), signature, b"data")
    with pytest.raises(SignatureInvalid, match="does not go with"):
        verify(uri, None, signature, b"data")


def test_verify_with_an_ecdsa_signature_of_another_length_raises() -> None:
    uri = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
    with pytest.raises(SignatureInvalid, match="has 96 bytes, not 64"):
        verify(uri, P256.public_key(), bytes(96), b"data")
