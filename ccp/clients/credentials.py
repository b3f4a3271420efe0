"""Credentials of this pool at other services: access tokens, static or fetched (OAuth 2.0)."""

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

_DEFAULT_LIFETIME_SECONDS = 300  # if the issuer sends no expires_in
_RENEW_EARLY_SECONDS = 30
_FETCH_SECONDS = 5
_TOKEN = re.compile(r"[\x21-\x7e]{1,8192}", re.ASCII)
_BASIC, _POST = "client_secret_basic", "client_secret_post"

Headers = Mapping[str, str]


class Credentials(Protocol):
    """Credentials for one service."""

    async def headers(self, client: HttpClient) -> Headers:
        """
        Return the headers to add to a request.

        Args:
            client: Client to fetch a token with, if necessary.
        Raises:
            RequestFailed: The token could not be fetched.
        """

    def refused(self, headers: Headers) -> bool:
        """
        Record that the service has answered 401; return whether a retry is useful.

        Args:
            headers: The rejected headers, as `headers` returned them.
        """


class StaticToken:
    """
    An access token from the credentials file.

    Args:
        token: None if the service needs no token.
    """

    def __init__(self, token: str | None = None) -> None:
        self._headers = {} if token is None else _bearer(token)

    async def headers(self, client: HttpClient) -> Headers:
        return self._headers

    def refused(self, headers: Headers) -> bool:
        return False


class ClientCredentials:
    """
    OAuth 2.0 client credentials grant; a token is kept until shortly before it expires.

    Args:
        section: Section of the credentials file, validated by `_Section`.
        monotonic: Clock, in seconds.
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
            # If this request is cancelled, the fetch continues: the next request needs the token.
            await asyncio.shield(self._fetching)
        return self._headers

    def refused(self, headers: Headers) -> bool:
        """Discard the token, unless a newer one has been fetched since; always return True."""
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
            raise RequestFailed(f"the token endpoint answered with status {reply.status}")
        try:
            answer = orjson.loads(reply.body)
            token, kind = answer["access_token"], answer.get("token_type", "bearer")
            lifetime = float(answer.get("expires_in", _DEFAULT_LIFETIME_SECONDS))
            if not _TOKEN.fullmatch(token) or kind.lower() != "bearer" or not isfinite(lifetime):
                raise ValueError
        except (ValueError, LookupError, TypeError, AttributeError):
            raise RequestFailed("the token endpoint did not return a bearer token") from None
        self._headers = _bearer(token)
        self._valid_until = self._monotonic() + max(lifetime - _RENEW_EARLY_SECONDS, lifetime / 2)


class _Section(Schema):
    """A section of the credentials file: a static token, or client credentials."""

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
    def _require_one_kind(self, section: Mapping[str, str], **_: object) -> None:
        if "token" in section:
            is_complete = len(section) == 1
        else:
            is_complete = {"token_endpoint", "client_id", "client_secret"} <= section.keys()
        if not is_complete:
            raise ValidationError(
                "has either token, or token_endpoint, client_id and client_secret"
            )


def read_credentials(path: str, services: Collection[str]) -> Mapping[str, Credentials]:
    """
    Read CCP_CREDENTIALS, a TOML file whose sections are named by base URLs.

    Args:
        path: Path of the file; empty if the setting is empty.
        services: Base URLs of the services that the settings name.
    Returns: Credentials by base URL. A service without a section gets no token.
    Raises:
        SettingsInvalid: The file cannot be read or is invalid. The message contains no secret.
    """
    sections = _read(path) if path else {}
    # A misplaced secret could stand where a name belongs, so unknown names are not shown.
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
    except (ValueError, RecursionError):  # the parser's message may contain a secret
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
    """Retrieve the exception: asyncio warns of it if every waiting request was cancelled."""
    if not fetching.cancelled():
        fetching.exception()


def _bearer(token: str) -> Headers:
    return {"Authorization": f"Bearer {token}"}
