"""A token issuer for a laboratory: a key pair in a folder, and tokens signed with it."""

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from joserfc import jws
from joserfc.jwk import OKPKey

from ccp.auth.algorithms import REGISTRY

ISSUER = "ccp-lab"
AUDIENCE = "ccp"


class LabIssuer:
    """
    A token issuer with its keys in a folder: `private.pem`, and `jwks.json` for the pool.

    Args:
        folder: The folder. It and the keys are created if missing; a private key is never
            replaced.
    Raises:
        OSError: The folder cannot be written or read.
        ValueError: The private key is not an Ed25519 key.
    """

    def __init__(self, folder: Path) -> None:
        self.jwks = folder / "jwks.json"
        path = folder / "private.pem"
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _write_private_key(path)
        private = load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(private, Ed25519PrivateKey):
            raise ValueError(f"{path} is not an Ed25519 key")
        self._key = OKPKey.import_key(private, {"use": "sig", "alg": "EdDSA"})
        self._key.ensure_kid()
        self.is_new = not self.jwks.exists()
        if self.is_new:
            document = {"keys": [self._key.as_dict(private=False)]}
            self.jwks.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")

    def token(
        self,
        *,
        issuer: str,
        audience: str,
        subject: str,
        roles: tuple[str, ...],
        ids: tuple[str, ...],
        at: datetime,
        ttl: timedelta,
    ) -> str:
        """
        Sign a token.

        Args:
            issuer, audience: The values of the pool's CCP_JWT_ISSUER and CCP_JWT_AUDIENCE.
            subject, roles, ids: The caller's.
            at: The present moment, aware UTC.
            ttl: The time until the token expires.
        """
        now = int(at.timestamp())
        claims: dict[str, Any] = {
            "iss": issuer,
            "aud": audience,
            "sub": subject,
            "iat": now,
            "exp": now + int(ttl.total_seconds()),
            "role": roles,
            "ids": ids,
        }
        header = {"alg": "EdDSA", "kid": self._key.kid, "typ": "at+jwt"}
        return jws.serialize_compact(header, orjson.dumps(claims), self._key, registry=REGISTRY)


def _write_private_key(path: Path) -> None:
    """Create a private key file that no other user can read at any moment."""
    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
