"""A JSON Web Key Set (RFC 7517): of what an issuer publishes, the keys that may sign tokens."""

from typing import Any

import orjson
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key
from joserfc.util import base64_to_int

from ccp.auth.algorithms import ALGORITHMS

log = structlog.get_logger()

MAX_BYTES = 256 * 1024
"""A larger document is none."""

_MOST_KEYS = 64  # an issuer has a handful
_FEWEST_RSA_BITS = 2048  # RFC 7518, 3.3
_TYPES = ("RSA", "EC", "OKP")


class KeysUnusable(Exception):
    """There is no key to check a token with in what was read; the text says why."""


def read_jwks(document: bytes) -> tuple[Key, ...]:
    """
    Take the keys out of a JWKS; those that cannot sign tokens are left out, and the log says why.

    Args:
        document: JSON, as it was read.
    Raises:
        KeysUnusable: It is no JWKS, or none of its keys is of use.
    """
    if len(document) > MAX_BYTES:
        raise KeysUnusable(f"it is larger than {MAX_BYTES // 1024} KiB")
    try:
        entries = orjson.loads(document)["keys"]
        if not isinstance(entries, list):
            raise TypeError
    except (ValueError, LookupError, TypeError):
        raise KeysUnusable("it is no JSON Web Key Set") from None
    keys = []
    for entry in entries[:_MOST_KEYS]:
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
    Tell whether a key may have signed a token.

    Its type and curve have to be the algorithm's, and what the key says of its use must allow it.

    Args:
        name: Of the algorithm, as the token's header has it; any text.
    """
    try:
        ALGORITHMS[name].check_key(key)
        key.check_key_op("verify")
    except (LookupError, JoseError):
        return False
    return True


def _read_key(entry: Any) -> Key:
    """Read one key; KeysUnusable says why not."""
    if not isinstance(entry, dict):
        raise KeysUnusable("it is no JSON object")
    kind = entry.get("kty")
    if kind == "oct":
        raise KeysUnusable("it is symmetric")
    if kind not in _TYPES:
        raise KeysUnusable("its type is not known")
    if "d" in entry:
        raise KeysUnusable("it is private: whoever reads it can make tokens")
    try:
        if kind == "RSA" and base64_to_int(entry["n"]).bit_length() < _FEWEST_RSA_BITS:
            raise KeysUnusable(f"it has fewer than {_FEWEST_RSA_BITS} bits")
        key = JWKRegistry.import_key(entry)
    except (JoseError, ValueError, LookupError, TypeError):
        raise KeysUnusable("it is malformed") from None
    if entry.get("crv") in ("X25519", "X448") or not any(fits(name, key) for name in ALGORITHMS):
        raise KeysUnusable("it is not for an algorithm and use that tokens have here")
    return key
