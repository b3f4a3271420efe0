"""The Authorization header -> the caller, as Connexion's security asks for it."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from connexion.lifecycle import ConnexionRequest
from starlette.datastructures import Headers

from ccp.auth.rights import Party
from ccp.auth.tokens import Tokens
from ccp.domain.errors import TokenInvalid, TokenMissing
from ccp.web.context import CALLER_KEY, LOG_KEY, PARTY_KEY

_MOST_LOGGED = 8
# Ids of providers, operators and makers are short; of a PKI or CPS it is a fingerprint. Anything
# else could be a whole EMAID or PCID, and is not for the log.
_LOGGED_ID = re.compile(r"[\w*+-]{1,12}|[0-9a-fA-F]{64}", re.ASCII)
_LOGGED_TYPE = re.compile(r"[a-z]{1,12}", re.ASCII)

Verify = Callable[[ConnexionRequest], Awaitable[dict[str, Any]]]


def bearer_security(tokens: Tokens | None) -> dict[str, Callable[[], "BearerHandler"]]:
    """
    Make Connexion's security map: who checks the spec's scheme `bearer`.

    Args:
        tokens: None lets everybody pass, with or without a token.
    """
    return {"bearer": lambda: BearerHandler(tokens)}


class BearerHandler:
    """What Connexion makes of the spec's `bearerAuth` for each operation."""

    def __init__(self, tokens: Tokens | None) -> None:
        self._tokens = tokens

    def get_fn(self, _scheme: dict[str, Any], _scopes: list[str]) -> Verify:
        """Return what is asked about each request; Connexion passes on what an error says."""
        return self._verify

    async def _verify(self, request: ConnexionRequest) -> dict[str, Any]:
        context, headers = request.context, request.headers
        party = Party(headers.get("OPNC-from-party-type"), headers.get("OPNC-from-party-id"))
        context[PARTY_KEY] = party
        context[LOG_KEY] = _party_for_the_log(party)
        caller = None
        if self._tokens is not None:
            caller = await self._tokens.caller(_token(headers))
            context[LOG_KEY] |= {
                "roles": list(caller.roles),
                "ids": [_loggable(own, _LOGGED_ID) for own in caller.ids[:_MOST_LOGGED]],
            }
        context[CALLER_KEY] = caller
        return {}


def _token(headers: Headers) -> str:
    """Take the token out of the one Authorization header (RFC 6750, 2.1)."""
    given = headers.getlist("Authorization")
    scheme, _, token = (given or [""])[0].partition(" ")
    if scheme.lower() != "bearer":
        raise TokenMissing
    if len(given) > 1:
        raise TokenInvalid
    return token.strip(" ")


def _party_for_the_log(party: Party) -> dict[str, Any]:
    said = {
        "party_type": party.type and _loggable(party.type, _LOGGED_TYPE),
        "party_id": party.id and _loggable(party.id, _LOGGED_ID),
    }
    return {name: text for name, text in said.items() if text}


def _loggable(text: str, pattern: re.Pattern[str]) -> str:
    return text if pattern.fullmatch(text) else "other"
