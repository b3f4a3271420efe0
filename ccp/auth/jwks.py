"""JSON Web Key Set (JWKS, RFC 7517): select the keys that may sign access tokens."""

from typing import Any

import orjson
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key
from joserfc.util import base64_to_int

from ccp.auth.algorithms import ALGORITHMS

log = structlog.get_logger()

MAX_BYTES = 256 * 1024
"""Limit on the size of a JWKS."""

_MAX_KEYS = 64  # an issuer has a handful
_MIN_RSA_BITS = 2048  # RFC 7518, 3.3
_TYPES = ("RSA", "EC", "OKP")


class KeysUnusable(Exception):
    """No usable key could be read. The text is the reason."""


def read_jwks(document: bytes) -> tuple[Key, ...]:
    """
    Return the keys of a JWKS that may sign tokens; log why another key is skipped.

    Args:
        document: JSON; untrusted.
    Raises:
        KeysUnusable: The document is not a JWKS, or has no usable key.
    """
    if len(document) > MAX_BYTES:
        raise KeysUnusable(f"it is larger than {MAX_BYTES // 1024} KiB")
    try:
        entries = orjson.loads(document)["keys"]
        if not isinstance(entries, list):
            raise TypeError
    except (ValueError, LookupError, TypeError):
        raise KeysUnusable("it is not a JSON Web Key Set") from None
    keys = []
    for entry in entries[:_MAX_KEYS]:
        try:
            keys.append(_read_key(entry))
        except KeysUnusable as error:
            kid = entry.get("kid") if isinstance(entry, dict) else None
            log.info("a key of the token issuer is not used", kid=f"{kid}"[:64], reason=str(error))
    if not keys:
        raise KeysUnusable("none of its keys can be used to check tokens")
    return tuple(keys)


def fits(name: str, key: Key) -> bool:
    """
    Return whether a key may sign tokens with an algorithm.

    Type and curve of the key have to match the algorithm, and its `use` and `key_ops` have to allow
    signatures.

    Args:
        name: The algorithm (`alg`) in the token's header; untrusted.
    """
    try:
        ALGORITHMS[name].check_key(key)
        key.check_key_op("verify")
    except (LookupError, JoseError):
        return False
    return True


def _read_key(entry: Any) -> Key:
    """Read one key; raise KeysUnusable if tokens cannot be verified with it."""
    if not isinstance(entry, dict):
        raise KeysUnusable("it is not a JSON object")
    kind = entry.get("kty")
    if kind == "oct":
        raise KeysUnusable("it is symmetric")
    if kind not in _TYPES:
        raise KeysUnusable("its type is not known")
    if "d" in entry:
        raise KeysUnusable("it is private: everybody who reads it can make tokens")
    try:
        if kind == "RSA" and base64_to_int(entry["n"]).bit_length() < _MIN_RSA_BITS:
            raise KeysUnusable(f"it has fewer than {_MIN_RSA_BITS} bits")
        key = JWKRegistry.import_key(entry)
    except (JoseError, ValueError, LookupError, TypeError):
        raise KeysUnusable("it is malformed") from None
    if entry.get("crv") in ("X25519", "X448") or not any(fits(name, key) for name in ALGORITHMS):
        raise KeysUnusable("it is not for an algorithm and use that tokens have here")
    return key
