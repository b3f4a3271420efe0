"""How this pool proves to other services who it is: a file with a section for each of them."""

import asyncio
import base64
import re
import time
import tomllib
from collections.abc import Callable, Collection, Mapping
from math import isfinite
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote_plus, urlencode

import orjson
from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

from ccp.clients.http import HttpClient, RequestFailed
from ccp.config.addresses import require_private_way
from ccp.config.settings import SettingsInvalid

_USUAL_SECONDS = 300  # of a token whose issuer does not say how long it lives
_EARLY_SECONDS = 30
_FETCH_SECONDS = 5
_TOKEN = re.compile(r"[\x21-\x7e]{1,8192}", re.ASCII)
_BASIC, _POST = "client_secret_basic", "client_secret_post"

Headers = Mapping[str, str]


class Credentials(Protocol):
    """What a request to a service carries."""

    async def headers(self, client: HttpClient) -> Headers:
        """
        Return the headers that prove it.

        Args:
            client: To fetch a token with, if it needs one.
        Raises:
            RequestFailed: There is no token to be had.
        """

    def refused(self, headers: Headers) -> bool:
        """Hear that the service did not accept these; tell whether there may be others now."""


class StaticToken:
    """
    An access token that somebody has made, or none.

    Args:
        token: None sends nothing: the service asks nobody.
    """

    def __init__(self, token: str | None = None) -> None:
        self._headers = {} if token is None else _bearer(token)

    async def headers(self, client: HttpClient) -> Headers:
        return self._headers

    def refused(self, headers: Headers) -> bool:
        return False


class ClientCredentials:
    """
    Access tokens of an issuer, fetched when needed and kept while they are valid.

    Args:
        section: Of the file; see `_Section`.
        monotonic: Gives seconds that only ever go forward.
    Source: RFC 6749, 2.3.1 and 4.4.
    """

    def __init__(
        self, section: Mapping[str, str], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._endpoint = section["token_endpoint"]
        form = {"grant_type": "client_credentials"}
        form |= {name: section[name] for name in ("scope", "audience") if name in section}
        self._request = {"Content-Type": "application/x-www-form-urlencoded"}
        client_id, secret = section["client_id"], section["client_secret"]
        if section["token_endpoint_auth_method"] == _BASIC:
            pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
            self._request["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": client_id, "client_secret": secret}
        self._form = urlencode(form).encode()
        self._monotonic = monotonic
        self._headers: Headers = {}
        self._valid_until = monotonic()
        self._fetching: asyncio.Task[None] | None = None

    async def headers(self, client: HttpClient) -> Headers:
        if self._monotonic() >= self._valid_until:
            if self._fetching is None or self._fetching.done():
                self._fetching = asyncio.create_task(self._fetch(client))
                self._fetching.add_done_callback(_forget_failure)
            # It goes on where a request waits no longer: the next one will need the token too.
            await asyncio.shield(self._fetching)
        return self._headers

    def refused(self, headers: Headers) -> bool:
        """Fetch a new token next time, unless there is one already."""
        if headers is self._headers:
            self._valid_until = self._monotonic()
        return True

    async def _fetch(self, client: HttpClient) -> None:
        reply = await client.request(
            "POST",
            self._endpoint,
            seconds=_FETCH_SECONDS,
            headers=self._request,
            content=self._form,
        )
        if reply.status != 200:
            raise RequestFailed(f"its token endpoint answered {reply.status}")
        try:
            answer = orjson.loads(reply.body)
            token, kind = answer["access_token"], answer.get("token_type", "bearer")
            lives = float(answer.get("expires_in", _USUAL_SECONDS))
            if not _TOKEN.fullmatch(token) or kind.lower() != "bearer" or not isfinite(lives):
                raise ValueError
        except (ValueError, LookupError, TypeError, AttributeError):
            raise RequestFailed("its token endpoint gave no bearer token") from None
        self._headers = _bearer(token)
        self._valid_until = self._monotonic() + max(lives - _EARLY_SECONDS, lives / 2)


class _Section(Schema):
    """A section of the file: a token, or how to get one."""

    class Meta:
        unknown = RAISE

    token = fields.String(validate=validate.Regexp(r"[\x21-\x7e]{1,8192}\Z"))
    token_endpoint = fields.String(validate=require_private_way)
    client_id = fields.String(validate=validate.Length(min=1))
    client_secret = fields.String(validate=validate.Length(min=1))
    token_endpoint_auth_method = fields.String(validate=validate.OneOf([_BASIC, _POST]))
    scope = fields.String(validate=validate.Length(min=1))
    audience = fields.String(validate=validate.Length(min=1))

    @validates_schema
    def _require_one_way(self, section: Mapping[str, str], **_: object) -> None:
        if "token" in section:
            whole = len(section) == 1
        else:
            whole = {"token_endpoint", "client_id", "client_secret"} <= section.keys()
        if not whole:
            raise ValidationError(
                "has either token, or token_endpoint, client_id and client_secret"
            )


def read_credentials(path: str, services: Collection[str]) -> Mapping[str, Credentials]:
    """
    Read CCP_CREDENTIALS, a TOML file whose sections are named by base URLs.

    Args:
        path: Of the file; empty where there is none.
        services: The base URLs of the services that this pool asks.
    Returns: Of each service; those without a section get no token.
    Raises:
        SettingsInvalid: The file cannot be read, or something in it is wrong; no secret is told.
    """
    sections = _read(path) if path else {}
    # What stands where a name belongs could be a secret, so it is not repeated.
    wrong = ["a section is of no service of this pool"] if sections.keys() - set(services) else []
    credentials: dict[str, Credentials] = {}
    for url in services:
        if url not in sections:
            credentials[url] = StaticToken()
            continue
        try:
            credentials[url] = _credentials(_Section().load(sections[url]))
        except ValidationError as error:
            for name, reasons in error.messages_dict.items():
                known = name if name in _Section().fields else "it"
                wrong.append(f"{url}: {known} {' '.join(map(str, reasons))}")
    if wrong:
        raise SettingsInvalid("\n".join(f"CCP_CREDENTIALS: {text}" for text in sorted(wrong)))
    return credentials


def _read(path: str) -> dict[str, Any]:
    try:
        with Path(path).open("rb") as file:
            sections = tomllib.load(file)
    except OSError as error:
        raise SettingsInvalid(f"CCP_CREDENTIALS: {path}: {error.strerror}") from None
    except (ValueError, RecursionError):  # its own text may have a secret
        raise SettingsInvalid(f"CCP_CREDENTIALS: {path} is no TOML") from None
    by_url = {url.rstrip("/"): section for url, section in sections.items()}
    if len(by_url) < len(sections):
        raise SettingsInvalid(f"CCP_CREDENTIALS: {path} has two sections of one service")
    return by_url


def _credentials(section: Mapping[str, str]) -> Credentials:
    if "token" in section:
        return StaticToken(section["token"])
    return ClientCredentials({"token_endpoint_auth_method": _BASIC, **section})


def _forget_failure(fetching: asyncio.Task[None]) -> None:
    """Whoever waited has been told; perhaps nobody did any more."""
    if not fetching.cancelled():
        fetching.exception()


def _bearer(token: str) -> Headers:
    return {"Authorization": f"Bearer {token}"}
