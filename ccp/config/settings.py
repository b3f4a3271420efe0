"""
Every setting: its variable, its default, what it means. Nothing else reads the environment, but
for what OpenTelemetry's own variables say to it (see `ccp.observability.telemetry`).
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Self

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

from ccp.config.addresses import (
    TrustedProxies,
    is_loopback,
    require_bind,
    require_place_of_keys,
    require_proxies,
    require_url,
    require_urls,
    urls_in,
)
from ccp.config.env_file import EnvFileUnreadable, read_env_file

PREFIX = "CCP_"
ANCHOR_FOLDERS = ("v2g", "emsp", "oem")
"""The folders of trust anchors in CCP_TRUST_DIR."""

_SQLITE = "sqlite:///"
_TOKENS = ("CCP_JWT_ISSUER", "CCP_JWT_AUDIENCE", "CCP_JWT_KEYS")


class SettingsInvalid(Exception):
    """The environment asks for something that cannot be; one line for each thing that is wrong."""


class AnchorsUnusable(SettingsInvalid):
    """Trust anchors that should be there cannot be read, or are gone; the text says which."""


class Variables(Schema):
    """The environment variables that the pool reads, as they are written there."""

    class Meta:
        unknown = RAISE  # a misspelt variable is told, not ignored

    CCP_HOST = fields.String(
        load_default="127.0.0.1",
        validate=validate.Length(min=1),
        metadata={"meaning": "address that the pool listens on"},
    )
    CCP_PORT = fields.Integer(
        load_default=8080,
        validate=validate.Range(0, 65535),
        metadata={"meaning": "port that the pool listens on"},
    )
    CCP_WORKERS = fields.Integer(
        load_default=2,
        validate=validate.Range(1, 64),
        metadata={"meaning": "gunicorn worker processes"},
    )
    CCP_THREADS = fields.Integer(
        # Several take the interpreter from each other: they pay where reads wait for the disk.
        load_default=1,
        validate=validate.Range(1, 64),
        metadata={
            "meaning": "handler threads of each worker; more pay where reads wait for the disk"
        },
    )
    CCP_DATABASE_URL = fields.String(
        load_default="sqlite:///ccp.db",
        validate=validate.Regexp(
            r"sqlite:///(?!.*:memory:).+", error="must be sqlite:/// and the path of a file"
        ),
        metadata={"meaning": "the pool's data: `sqlite:///` and a path"},
    )
    CCP_MAX_CONTRACTS_PER_CAR = fields.Integer(
        load_default=64,
        validate=validate.Range(1, 10_000),
        metadata={
            "meaning": "contracts that a car can have in each edition, and V2G root variants that"
            " a contract can have; a PUT of one more is answered 400"
        },
    )
    CCP_OPCP = fields.String(
        load_default="",
        validate=validate.OneOf(["", "on", "off"], error="must be on or off"),
        metadata={
            "meaning": "the facade for OPCP 1.0 under `/v1/ccp`: `on` or `off`; unset, it is on"
            " where `CCP_HOST` is a loopback address"
        },
    )
    CCP_AUTH = fields.String(
        load_default="none",
        validate=validate.OneOf(["none", "jwt"], error="must be none or jwt"),
        metadata={"meaning": "who may call: `none` asks nobody, `jwt` asks for an access token"},
    )
    CCP_JWT_ISSUER = fields.String(
        load_default="",
        metadata={"meaning": "with `jwt`: the issuer whose tokens are accepted (`iss`)"},
    )
    CCP_JWT_AUDIENCE = fields.String(
        load_default="",
        metadata={"meaning": "with `jwt`: this pool's name in a token (`aud`)"},
    )
    CCP_JWT_KEYS = fields.String(
        load_default="",
        validate=require_place_of_keys,
        metadata={"meaning": "with `jwt`: the issuer's public keys, a JWKS file or its https URL"},
    )
    CCP_JWT_ROLE_CLAIM = fields.String(
        load_default="role",
        validate=validate.Length(min=1),
        metadata={"meaning": "with `jwt`: the claim that has the caller's roles"},
    )
    CCP_JWT_ROLE_NAMES = fields.String(
        load_default="",
        metadata={
            "meaning": "with `jwt`: the issuer's own names of roles, such as"
            " `MO_EXTERNAL_PKI=emsp, PKI_OEM=oem`"
        },
    )
    CCP_JWT_IDS_CLAIM = fields.String(
        load_default="ids",
        validate=validate.Length(min=1),
        metadata={"meaning": "with `jwt`: the claim that has its provider ids and WMIs"},
    )
    CCP_JWT_PROVIDER_CLAIM = fields.String(
        load_default="",
        metadata={"meaning": "with `jwt`: a separate claim for provider ids, read in addition"},
    )
    CCP_JWT_WMI_CLAIM = fields.String(
        load_default="",
        metadata={"meaning": "with `jwt`: a separate claim for WMIs, read in addition"},
    )
    CCP_TRUST_DIR = fields.String(
        load_default="trust",
        validate=validate.Length(min=1),
        metadata={"meaning": "trust anchors: folders `v2g`, `emsp` and `oem` of PEM or DER files"},
    )
    CCP_OEM_ANCHORS = fields.String(
        load_default="required",
        validate=validate.OneOf(["required", "optional"], error="must be required or optional"),
        metadata={
            "meaning": "whether protected mode needs OEM anchors: `required`, or `optional` for a"
            " pool that serves cars without verifying their chains"
        },
    )
    CCP_RCP_URL = fields.String(
        load_default="",
        validate=require_url,
        metadata={
            "meaning": "base URL of a Root Certificate Pool whose roots are trust anchors besides"
        },
    )
    CCP_RCP_HOURS = fields.Float(
        load_default=24,
        validate=validate.Range(0.1, 168),
        metadata={"meaning": "after so many hours the Root Certificate Pool is asked again"},
    )
    CCP_CHECKS = fields.String(
        load_default="strict",
        validate=validate.OneOf(["strict", "lab"], error="must be strict or lab"),
        metadata={"meaning": "`strict` refuses what is not right, `lab` stores it and warns"},
    )
    CCP_CPS_LEAVES = fields.String(
        load_default="deny-list",
        validate=validate.OneOf(
            ["deny-list", "allow-list"], error="must be deny-list or allow-list"
        ),
        metadata={
            "meaning": "who may sign contracts: `deny-list` refuses certificates that name another"
            " role than a CPS, `allow-list` accepts only those with `DC=CPS`"
        },
    )
    CCP_PEERS = fields.String(
        load_default="",
        validate=require_urls,
        metadata={
            "meaning": "base URLs of peer pools, after commas: asked for cars that this pool does"
            " not know, where a request has `broadcast: true`"
        },
    )
    CCP_PEER_TIMEOUT_SECONDS = fields.Float(
        load_default=2,
        validate=validate.Range(0.1, 4),
        metadata={"meaning": "so long a car waits for all peer pools together"},
    )
    CCP_REVOCATION_URL = fields.String(
        load_default="",
        validate=require_url,
        metadata={"meaning": "base URL of the PKI service that revokes deleted contracts"},
    )
    CCP_REVOCATION_TIMEOUT_SECONDS = fields.Float(
        load_default=10,
        validate=validate.Range(0.1, 15),  # a server that ends waits for 20
        metadata={"meaning": "so long a deletion waits for the PKI service"},
    )
    CCP_OPERATOR_CAS = fields.String(
        load_default="",
        metadata={
            "meaning": "folder of the CA certificates (PEM or DER) whose contract certificates are"
            " revoked before they are deleted"
        },
    )
    CCP_CLEANSE_HOURS = fields.Float(
        load_default=0,
        validate=validate.Range(0, 8760),
        metadata={
            "meaning": "every so many hours expired and revoked contracts leave the pool; with `0`"
            " never"
        },
    )
    CCP_CLEANSE_MAX_PERCENT = fields.Float(
        load_default=20,
        validate=validate.Range(0, 100),
        metadata={
            "meaning": "share of the records that one cleansing may remove (ten records it always"
            " may); it refuses to remove more"
        },
    )
    CCP_CLEANSE_CLOCK_DAYS = fields.Integer(
        load_default=30,
        validate=validate.Range(1, 3650),
        metadata={
            "meaning": "a cleansing is refused where the clock is more days ahead of the last write"
            " and the last cleansing"
        },
    )
    CCP_AUDIT_DAYS = fields.Integer(
        load_default=0,
        validate=validate.Range(0, 36500),
        metadata={
            "meaning": "cleansing removes lines of the audit trail that are so many days old; with"
            " `0` all are kept"
        },
    )
    CCP_REVOCATION_UNREACHABLE = fields.String(
        load_default="keep",
        validate=validate.OneOf(["keep", "remove"], error="must be keep or remove"),
        metadata={
            "meaning": "`keep` or `remove`: what becomes of contracts where nobody tells whether"
            " they are revoked"
        },
    )
    CCP_CREDENTIALS = fields.String(
        load_default="",
        metadata={"meaning": "TOML file of the tokens for peer pools, PKI service and root pool"},
    )
    CCP_TLS_CERTIFICATE = fields.String(
        load_default="",
        metadata={"meaning": "PEM file of the server's certificate and its sub-CAs: serves https"},
    )
    CCP_TLS_KEY = fields.String(
        load_default="",
        metadata={"meaning": "PEM file of that certificate's private key, not encrypted"},
    )
    CCP_TLS_CLIENT_CA = fields.String(
        load_default="",
        metadata={"meaning": "PEM file of CAs: only clients with a certificate of theirs connect"},
    )
    CCP_TRUSTED_PROXIES = fields.String(
        load_default="",
        validate=require_proxies,
        metadata={
            "meaning": "addresses or networks, after commas, whose `X-Forwarded-For` and `-Proto`"
            " are believed; `unix` for those of a Unix socket"
        },
    )
    CCP_RATE_LIMIT = fields.String(
        load_default="off",
        validate=validate.Regexp(
            r"(off|[1-9]\d{0,6}/(second|minute|hour))\Z",
            error="must be off or such as 100/minute",
        ),
        metadata={
            "meaning": "what one caller may ask, such as `100/minute` for each worker; more is"
            " answered 429"
        },
    )
    CCP_MAX_REQUESTS = fields.Integer(
        load_default=128,
        validate=validate.Range(1, 10_000),
        metadata={"meaning": "requests that a worker has at once; more are answered 503"},
    )
    CCP_MAX_BODY_BYTES = fields.Integer(
        load_default=65536,
        validate=validate.Range(1024, 2**20),
        metadata={"meaning": "larger request bodies are answered 413"},
    )
    CCP_BODY_TIMEOUT_SECONDS = fields.Integer(
        load_default=10,
        validate=validate.Range(1, 600),
        metadata={"meaning": "a body that takes longer to arrive is answered 408"},
    )
    CCP_OPERATIONS_BIND = fields.String(
        load_default="",
        validate=require_bind,
        metadata={
            "meaning": "`host:port` or `unix:path` for the pool's operators alone: pages,"
            " health and metrics; unset, there are none"
        },
    )
    CCP_LOG_FORMAT = fields.String(
        load_default="console",
        validate=validate.OneOf(["console", "json"], error="must be console or json"),
        metadata={"meaning": "log lines for people (`console`) or machines (`json`)"},
    )
    CCP_LOG_LEVEL = fields.String(
        load_default="info",
        validate=validate.OneOf(
            ["debug", "info", "warning", "error"], error="must be debug, info, warning or error"
        ),
        metadata={"meaning": "what is logged: `debug`, `info`, `warning` or `error`"},
    )

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _check_tokens(
        self, values: Mapping[str, Any], given: Mapping[str, str], **_: object
    ) -> None:
        """What tokens need is there with them, and nothing of it without: that is a mistake."""
        auth = values.get("CCP_AUTH")
        if auth == "jwt":
            wrong = {
                name: ["is needed with CCP_AUTH=jwt"] for name in _TOKENS if not given.get(name)
            }
        elif auth == "none":
            wrong = {
                name: ["means nothing without CCP_AUTH=jwt"]
                for name in given
                if name.startswith("CCP_JWT_")
            }
        else:
            return
        if wrong:
            raise ValidationError(wrong)

    @validates_schema(skip_on_field_errors=False)
    def _require_whole_tls(self, data: Mapping[str, Any], **_: object) -> None:
        certificate, key = data.get("CCP_TLS_CERTIFICATE"), data.get("CCP_TLS_KEY")
        if bool(certificate) != bool(key):
            lacking = "CCP_TLS_KEY" if certificate else "CCP_TLS_CERTIFICATE"
            raise ValidationError("a certificate and its key are given together", lacking)
        if data.get("CCP_TLS_CLIENT_CA") and not certificate:
            raise ValidationError("needs CCP_TLS_CERTIFICATE and CCP_TLS_KEY", "CCP_TLS_CLIENT_CA")

    @validates_schema(skip_on_field_errors=True)
    def _require_two_addresses(self, data: Mapping[str, Any], **_: object) -> None:
        _, _, port = data["CCP_OPERATIONS_BIND"].rpartition(":")
        if data["CCP_PORT"] and port == str(data["CCP_PORT"]):
            raise ValidationError("has the port of the pool itself", "CCP_OPERATIONS_BIND")

    @validates_schema(skip_on_field_errors=False)
    def _require_whole_revocation(self, data: Mapping[str, Any], **_: object) -> None:
        url, folder = data.get("CCP_REVOCATION_URL"), data.get("CCP_OPERATOR_CAS")
        if bool(url) != bool(folder):
            lacking = "CCP_OPERATOR_CAS" if url else "CCP_REVOCATION_URL"
            raise ValidationError("service and CAs are given together", lacking)


def _unknown(name: str) -> str:
    """Say that a variable does not exist, and which one may be meant."""
    known = [one.removeprefix(PREFIX) for one in Variables().fields]
    meant = get_close_matches(name.removeprefix(PREFIX), known, n=1)
    return "there is no such setting" + "".join(f"; did you mean {PREFIX}{one}?" for one in meant)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    The settings of one pool, valid together; the fields are those of `Variables`.

    Attributes:
        explicitly_set: Names of the variables that the environment sets. Defaults are not in it.
    """

    host: str
    port: int
    workers: int
    threads: int
    database_url: str
    max_contracts_per_car: int
    opcp: str
    auth: str
    jwt_issuer: str
    jwt_audience: str
    jwt_keys: str
    jwt_role_claim: str
    jwt_role_names: str
    jwt_ids_claim: str
    jwt_provider_claim: str
    jwt_wmi_claim: str
    trust_dir: str
    oem_anchors: str
    rcp_url: str
    rcp_hours: float
    checks: str
    cps_leaves: str
    peers: tuple[str, ...]
    peer_timeout_seconds: float
    revocation_url: str
    revocation_timeout_seconds: float
    operator_cas: str
    cleanse_hours: float
    cleanse_max_percent: float
    cleanse_clock_days: int
    audit_days: int
    revocation_unreachable: str
    credentials: str
    tls_certificate: str
    tls_key: str
    tls_client_ca: str
    trusted_proxies: TrustedProxies
    rate_limit: str
    max_requests: int
    max_body_bytes: int
    body_timeout_seconds: int
    operations_bind: str
    log_format: str
    log_level: str
    explicitly_set: frozenset[str]

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """
        Read and check all settings.

        Args:
            environment: Variables by name; those without our prefix are not looked at.
        Raises:
            SettingsInvalid: Naming everything that is wrong, a line each.
        """
        given = {name: value for name, value in environment.items() if name.startswith(PREFIX)}
        try:
            values: dict[str, Any] = Variables().load(given)
        except ValidationError as error:
            raise SettingsInvalid(
                "\n".join(
                    f"{name}: {' '.join(reasons) if name in Variables().fields else _unknown(name)}"
                    for name, reasons in sorted(error.messages_dict.items())
                )
            ) from None
        values["CCP_TRUSTED_PROXIES"] = TrustedProxies.parse(values["CCP_TRUSTED_PROXIES"])
        values["CCP_PEERS"] = urls_in(values["CCP_PEERS"])
        for name in ("CCP_REVOCATION_URL", "CCP_RCP_URL"):
            values[name] = values[name].rstrip("/")
        return cls(
            **{name.removeprefix(PREFIX).lower(): value for name, value in values.items()},
            explicitly_set=frozenset(given),
        )

    @property
    def bind(self) -> str:
        """Host and port, as gunicorn wants them: an IPv6 address in brackets."""
        host = self.host.strip("[]")
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"

    @property
    def database_path(self) -> Path:
        """Path of the SQLite file."""
        return Path(self.database_url.removeprefix(_SQLITE))

    def beside_database(self, suffix: str) -> Path:
        """Path of a file that the pool keeps with its database: `ccp.db.jwks` for `jwks`."""
        return self.database_path.with_name(f"{self.database_path.name}.{suffix}")

    def trust_folder(self) -> Path:
        """
        Give the folder of the trust anchors; it need not be there where nobody has named it.

        Raises:
            AnchorsUnusable: CCP_TRUST_DIR was said, and is no folder, cannot be read, or has
                something in it, but not the folders of trust anchors (an empty one is a volume to
                be filled); or the default one is a link to a folder that is not there.
        """
        folder = Path(self.trust_dir)
        is_named = "CCP_TRUST_DIR" in self.explicitly_set
        if not folder.is_dir() and (is_named or folder.is_symlink()):
            raise AnchorsUnusable(f"CCP_TRUST_DIR: there is no folder {folder}")
        if is_named:
            try:
                is_used = any(not path.name.startswith(".") for path in folder.iterdir())
            except OSError as error:
                raise AnchorsUnusable(f"CCP_TRUST_DIR: {folder}: {error.strerror}") from None
            if is_used and not self.has_anchor_folders:
                raise AnchorsUnusable(
                    f"CCP_TRUST_DIR: {folder} has none of the folders {', '.join(ANCHOR_FOLDERS)};"
                    " name the folder that they are in"
                )
        return folder

    @property
    def has_anchor_folders(self) -> bool:
        """Whether CCP_TRUST_DIR has a folder of trust anchors, even if it cannot be read."""
        return any(os.path.lexists(Path(self.trust_dir) / name) for name in ANCHOR_FOLDERS)

    @property
    def opcp_on(self) -> bool:
        """Whether the facade for OPCP is served."""
        return self.opcp == "on" or (not self.opcp and is_loopback(self.host))

    @property
    def cps_allow_list(self) -> bool:
        """Whether only signers with `DC=CPS` are accepted."""
        return self.cps_leaves == "allow-list"

    @property
    def lab(self) -> bool:
        """Whether checks warn instead of refusing."""
        return self.checks == "lab"


@cache
def server_settings() -> Settings:
    """
    Read the settings of this process, once: the environment before the file `.env` beside it.

    A SIGHUP makes gunicorn ask again; that must not change whom a running pool serves, nor end it.

    Raises:
        SettingsInvalid: The file cannot be read; or see `Settings.from_environment`.
    """
    try:
        from_file = read_env_file(Path(".env"), PREFIX)
    except EnvFileUnreadable as error:
        raise SettingsInvalid(str(error)) from None
    return Settings.from_environment({**from_file, **os.environ})
