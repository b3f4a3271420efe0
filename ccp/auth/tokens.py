"""Verify an access token (a signed JWT, RFC 7519), and return its caller."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import structlog
from joserfc import jws
from joserfc.errors import BadSignatureError, ClaimError, ExpiredTokenError, JoseError
from joserfc.jwt import JWTClaimsRegistry

from ccp.auth.algorithms import LONGEST_TOKEN, REGISTRY
from ccp.auth.caller import Caller, is_id, is_subject, normalised_ids
from ccp.auth.jwks import MAX_BYTES, KeysUnusable
from ccp.auth.keys import FileSource, Keys, UrlSource
from ccp.auth.roles import parse_role_names, roles_of
from ccp.clients.last_good import LastGood
from ccp.config.settings import Settings, SettingsInvalid
from ccp.domain.errors import TokenInvalid

log = structlog.get_logger()

LEEWAY_SECONDS = 30
"""Allowed difference between the clocks of issuer and pool."""
# client_id and azp name the client that the token was issued to (RFC 9068, 2.2; OpenID Connect
# Core 1.0, 2).
_SUBJECT_CLAIMS = ("sub", "client_id", "azp")


class Tokens:
    """
    Verifies the access tokens of one issuer.

    Args:
        settings: The settings, with issuer, audience and the names of the claims.
        keys: The issuer's public keys.
        clock: Returns the present moment, aware UTC.
    Raises:
        SettingsInvalid: See `parse_role_names`.
    """

    def __init__(self, settings: Settings, keys: Keys, clock: Callable[[], datetime]) -> None:
        self.keys = keys
        self._role_claim = settings.jwt_role_claim
        self._role_names = parse_role_names(settings.jwt_role_names)
        claims = (settings.jwt_ids_claim, settings.jwt_provider_claim, settings.jwt_wmi_claim)
        self._ids_claims = tuple(filter(None, claims))
        self._registry = JWTClaimsRegistry(
            now=lambda: int(clock().timestamp()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": settings.jwt_issuer},
            aud={"essential": True, "value": settings.jwt_audience},
            exp={"essential": True},
        )

    async def caller(self, token: str) -> Caller:
        """
        Verify a token, and return its holder.

        The caller's subject is the token's `sub`; if that is missing or empty, its `client_id`,
        and then its `azp`.

        Args:
            token: The token; untrusted.
        Raises:
            TokenInvalid: The token is malformed, not signed by the issuer, not for this pool, or
                not valid now.
            KeysNotThere: The issuer's keys could not be fetched yet.
        """
        try:
            claims = _claims(await self._verified(token))
            self._check(claims)
            roles = roles_of(_texts(claims, self._role_claim), self._role_names)
            ids = [text for name in self._ids_claims for text in _texts(claims, name) if text]
            if not all(map(is_id, ids)):
                raise _Refused("ids")
            return Caller(_subject(claims), roles, normalised_ids(ids))
        except _Refused as refusal:
            # The reason is for the log alone.
            log.info("access token refused", reason=refusal.reason)
            raise TokenInvalid(*refusal.details) from None

    async def _verified(self, token: str) -> bytes:
        """Return the signed payload; keys in the header (jwk, x5u, …) are ignored."""
        if len(token) > LONGEST_TOKEN:
            raise _Refused("size")
        try:
            signed = jws.extract_compact(token.encode("ascii"), registry=REGISTRY)
            header = signed.headers()
            REGISTRY.get_alg(header["alg"])
            kid = header.get("kid")
            # The pool knows no extension, so none may be critical (RFC 7515, 4.1.11).
            if "crit" in header or not isinstance(kid, str | None):
                raise _Refused("header")
        except (JoseError, ValueError, TypeError, AttributeError, RecursionError):
            raise _Refused("header") from None
        for key in await self.keys.find(header["alg"], kid):
            try:
                if jws.validate_compact(signed, key, registry=REGISTRY):
                    return signed.payload
            except JoseError:
                raise _Refused("header") from None
        raise _Refused(BadSignatureError.error)

    def _check(self, claims: dict[str, Any]) -> None:
        """Check issuer, audience and times."""
        try:
            self._registry.validate(claims)
        except ExpiredTokenError:
            raise _Refused("exp", "The access token has expired.") from None
        except ClaimError as error:
            raise _Refused(error.claim) from None


class _Refused(Exception):
    """
    A token is not accepted.

    Attributes:
        reason: One word for the log.
        details: Messages for the caller.
    """

    def __init__(self, reason: str, *details: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.details = details


def make_tokens(settings: Settings, clock: Callable[[], datetime]) -> Tokens:
    """
    Build the token verification for CCP_AUTH=jwt. Keys in a file are read; no URL is fetched yet.

    Raises:
        SettingsInvalid: The file of CCP_JWT_KEYS has no usable key, or CCP_JWT_ROLE_NAMES is
            malformed.
    """
    place = settings.jwt_keys
    if "://" in place:
        file = settings.beside_database("jwks")
        last_good = LastGood(file, place, max_bytes=MAX_BYTES)
        return Tokens(settings, Keys(UrlSource(place), last_good=last_good), clock)
    source = FileSource(Path(place))
    keys = Keys(source)
    try:
        keys.take(source.read_now())
    except KeysUnusable as error:
        raise SettingsInvalid(f"CCP_JWT_KEYS: {place}: {error}") from None
    return Tokens(settings, keys, clock)


def _claims(payload: bytes) -> dict[str, Any]:
    try:
        claims = orjson.loads(payload)
    except ValueError:
        raise _Refused("payload") from None
    if not isinstance(claims, dict):
        raise _Refused("payload")
    return claims


def _subject(claims: dict[str, Any]) -> str | None:
    """Return the subject, from the first claim that has one."""
    for name in _SUBJECT_CLAIMS:
        value = claims.get(name)
        if value is None or value == "":
            continue
        if not isinstance(value, str) or not is_subject(value):
            raise _Refused(name)
        return value
    return None


def _texts(claims: dict[str, Any], name: str) -> list[str]:
    """Return the texts of a claim: one, a list, or none if it is missing or null."""
    value = claims.get(name)
    texts = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise _Refused("roles or ids")
    return texts
