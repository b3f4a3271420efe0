"""The laboratory's token issuer; its tokens are read by hand."""

import base64
import json
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ccp.auth.lab import LabIssuer
from tests.builders import NOW


def decoded(text: str) -> bytes:
    """Base64url without padding, read."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def a_token(lab: LabIssuer) -> str:
    """A token of an eMSP."""
    return lab.token(
        issuer="us",
        audience="the pool",
        subject="me",
        roles=("emsp",),
        ids=("DEABC",),
        at=NOW,
        ttl=timedelta(minutes=5),
    )


def test_a_token_is_signed_with_the_published_key(tmp_path: Path) -> None:
    """The signature holds under the one key of jwks.json, which the header names."""
    lab = LabIssuer(tmp_path / "tokens")
    header, claims, signature = a_token(lab).split(".")
    (published,) = json.loads(lab.jwks.read_bytes())["keys"]
    assert set(published) == {"kty", "crv", "x", "kid", "use", "alg"}
    assert json.loads(decoded(header)) == {
        "alg": "EdDSA",
        "kid": published["kid"],
        "typ": "at+jwt",
    }
    key = ed25519.Ed25519PublicKey.from_public_bytes(decoded(published["x"]))
    key.verify(decoded(signature), f"{header}.{claims}".encode())
    with pytest.raises(InvalidSignature):
        key.verify(decoded(signature), f"{header}.{claims}x".encode())
    now = int(NOW.timestamp())
    assert json.loads(decoded(claims)) == {
        "iss": "us",
        "aud": "the pool",
        "sub": "me",
        "iat": now,
        "exp": now + 300,
        "role": ["emsp"],
        "ids": ["DEABC"],
    }


def test_keys_are_made_once(tmp_path: Path) -> None:
    """The private key is for its owner's eyes, and never replaced; a lost JWKS comes again."""
    lab = LabIssuer(tmp_path)
    private = tmp_path / "private.pem"
    assert lab.is_new
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    key, published = private.read_bytes(), lab.jwks.read_bytes()
    again = LabIssuer(tmp_path)
    assert not again.is_new
    lab.jwks.unlink()
    assert LabIssuer(tmp_path).is_new
    assert (private.read_bytes(), lab.jwks.read_bytes()) == (key, published)


@pytest.mark.parametrize("other", [b"no key", None])
def test_another_private_key_is_told(tmp_path: Path, other: bytes | None) -> None:
    """What is no Ed25519 key is refused, and left as it is."""
    if other is None:
        other = ec.generate_private_key(ec.SECP256R1()).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
    (tmp_path / "private.pem").write_bytes(other)
    with pytest.raises(ValueError):  # noqa: PT011 - whatever the library says
        LabIssuer(tmp_path)
    assert (tmp_path / "private.pem").read_bytes() == other
    assert not (tmp_path / "jwks.json").exists()
