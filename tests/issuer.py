"""A token issuer, made by hand of RFC 7515 and 7517: keys, a JWKS, tokens right and wrong."""

import base64
import hmac
import json
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.builders import NOW

ISSUER = "https://issuer.example"
AUDIENCE = "the pool"
LIFE_SECONDS = 8 * 60 * 60  # of a token: no test run takes that long

PrivateKey = (
    rsa.RSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
)


def b64url(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _number(value: int, size: int = 0) -> str:
    return b64url(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


@dataclass(frozen=True)
class SigningKey:
    """A private key of the issuer; *algorithm* is what its tokens say."""

    private: PrivateKey
    algorithm: str
    kid: str | None = None

    def jwk(self, **changes: Any) -> dict[str, Any]:
        """The public key as an issuer publishes it; a change to None leaves a member out."""
        public = self.private.public_key()
        members: dict[str, Any]
        if isinstance(public, rsa.RSAPublicKey):
            numbers = public.public_numbers()
            members = {"kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e)}
        elif isinstance(public, ec.EllipticCurvePublicKey):
            curve = {"secp256r1": "P-256", "secp384r1": "P-384"}[public.curve.name]
            point, size = public.public_numbers(), (public.curve.key_size + 7) // 8
            members = {"kty": "EC", "crv": curve}
            members |= {"x": _number(point.x, size), "y": _number(point.y, size)}
        else:
            curve = "Ed448" if isinstance(public, ed448.Ed448PublicKey) else "Ed25519"
            members = {"kty": "OKP", "crv": curve, "x": b64url(public.public_bytes_raw())}
        members |= {"kid": self.kid, "use": "sig", "alg": self.algorithm} | changes
        return {name: value for name, value in members.items() if value is not None}

    def published(self, form: str) -> bytes:
        """The public key as whoever confuses keys could take it for a secret: PEM, DER or JWK."""
        public = self.private.public_key()
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        members = self.jwk()
        return {
            "PEM": pem,
            "stripped PEM": pem.strip(),
            "DER": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            "JWK": json.dumps(members).encode(),
            "JWK's number": members.get("n", members.get("x", "")).encode(),
        }[form]

    def signature(self, text: bytes) -> bytes:
        """Sign as RFC 7518, 3 and RFC 8037, 3.1 want it."""
        if isinstance(self.private, rsa.RSAPrivateKey):
            return self.private.sign(text, padding.PKCS1v15(), hashes.SHA256())
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            r, s = decode_dss_signature(self.private.sign(text, ec.ECDSA(hashes.SHA256())))
            size = (self.private.curve.key_size + 7) // 8
            return r.to_bytes(size, "big") + s.to_bytes(size, "big")
        return self.private.sign(text)

    def token(self, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token of a valid caller; changes to None leave a member of header or claims out."""
        named = {"alg": self.algorithm, "kid": self.kid, "typ": "at+jwt"} | (header or {})
        text = signing_input(named, valid_claims(**claims))
        return f"{text}.{b64url(self.signature(text.encode()))}"


def valid_claims(*, at: datetime = NOW, **changes: Any) -> dict[str, Any]:
    """The claims of an operator, for some hours from *at*; a change to None leaves a claim out."""
    now = int(at.timestamp())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "somebody",
        "iat": now,
        "nbf": now,
        "exp": now + LIFE_SECONDS,
        "role": "operator",
        "ids": [],
    }
    return {name: value for name, value in (claims | changes).items() if value is not None}


def signing_input(header: dict[str, Any], claims: object) -> str:
    """Header and payload, as they are signed."""
    given = {name: value for name, value in header.items() if value is not None}
    return ".".join(b64url(json.dumps(part).encode()) for part in (given, claims))


def hs256(secret: bytes, kid: str | None = None, **claims: Any) -> str:
    """A token with a MAC under any secret; *kid* says which key that should be."""
    text = signing_input({"alg": "HS256", "kid": kid, "typ": "JWT"}, valid_claims(**claims))
    return f"{text}.{b64url(hmac.digest(secret, text.encode(), 'sha256'))}"


def jwks(*keys: SigningKey | dict[str, Any]) -> bytes:
    """A JWKS of these keys."""
    entries = [key.jwk() if isinstance(key, SigningKey) else key for key in keys]
    return json.dumps({"keys": entries}).encode()


def jwt_settings(folder: Path, *keys: SigningKey) -> dict[str, str]:
    """The settings of a pool that trusts these keys, which are written to *folder*."""
    (folder / "jwks.json").write_bytes(jwks(*keys))
    return {
        "auth": "jwt",
        "jwt_issuer": ISSUER,
        "jwt_audience": AUDIENCE,
        "jwt_keys": str(folder / "jwks.json"),
    }


def bearer(token: str) -> dict[str, str]:
    """The header that sends a token."""
    return {"Authorization": f"Bearer {token}"}


@cache
def rsa_key(kid: str | None = "rsa", bits: int = 2048) -> SigningKey:
    """An RSA key for RS256."""
    return SigningKey(rsa.generate_private_key(65537, bits), "RS256", kid)


@cache
def ec_key(kid: str | None = "ec") -> SigningKey:
    """A P-256 key for ES256."""
    return SigningKey(ec.generate_private_key(ec.SECP256R1()), "ES256", kid)


@cache
def ed_key(kid: str | None = "ed") -> SigningKey:
    """An Ed25519 key for EdDSA."""
    return SigningKey(ed25519.Ed25519PrivateKey.generate(), "EdDSA", kid)
