"""`ccp token`: access tokens for a laboratory."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shlex import quote

import click

from ccp.auth.caller import ROLES, is_subject, normalised_ids
from ccp.auth.lab import AUDIENCE, ISSUER, LabIssuer
from ccp.commands.output import say

_TTL = re.compile(r"([1-9]\d{0,5})([smhd])", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_LONGEST_TTL = timedelta(days=366)
_ID = re.compile(r"[0-9A-Z*]{3,64}", re.ASCII)
# What the EMAIDs of an eMSP and the PCIDs of an OEM begin with.
_ID_LENGTHS = {"emsp": (5, "provider id, as DEABC"), "oem": (3, "WMI, as WAU")}


def _ttl(_ctx: click.Context, _param: click.Parameter, text: str) -> timedelta:
    found = _TTL.fullmatch(text)
    ttl = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else timedelta()
    if not timedelta() < ttl <= _LONGEST_TTL:
        raise click.BadParameter(f"{text!r} is not a time such as 30s, 15m, 1h or 7d")
    return ttl


def _ids(_ctx: click.Context, _param: click.Parameter, texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        if not any(_ID.fullmatch(own) for own in normalised_ids([text])):
            raise click.BadParameter(
                f"{text!r} is no id such as DEABC (an eMSP's) or WAU (an OEM's)"
            )
    return normalised_ids(texts)


def _subject(_ctx: click.Context, _param: click.Parameter, text: str) -> str:
    if not is_subject(text):
        raise click.BadParameter(f"{text!r} is empty, too long, or cannot be printed")
    return text


@click.command()
@click.option(
    "--role",
    "roles",
    type=click.Choice(ROLES),
    multiple=True,
    required=True,
    help="What the caller is; may be given more than once.",
)
@click.option(
    "--id",
    "ids",
    metavar="ID",
    multiple=True,
    callback=_ids,
    help="Provider id (DEABC) or WMI (WAU) of the caller; may be given more than once.",
)
@click.option(
    "--ttl",
    metavar="TIME",
    default="1h",
    show_default=True,
    callback=_ttl,
    help="How long the token is valid: 30s, 15m, 1h, 7d.",
)
@click.option(
    "--subject",
    default="lab",
    show_default=True,
    callback=_subject,
    help="What the caller is called.",
)
@click.option("--issuer", default=ISSUER, show_default=True, help="What the issuer is called.")
@click.option("--audience", default=AUDIENCE, show_default=True, help="What the pool is called.")
@click.option(
    "-f",
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default="tokens",
    show_default=True,
    help="Where the keys are.",
)
def token(
    roles: tuple[str, ...],
    ids: tuple[str, ...],
    ttl: timedelta,
    subject: str,
    issuer: str,
    audience: str,
    folder: Path,
) -> None:
    """
    Print an access token for a laboratory.

    The key that signs it is made in a folder where there is none yet, and told is how a pool comes
    to trust it:

    \b
      ccp token --role emsp --id DEABC
      ccp token --role oem --id WAU --ttl 7d

    Whoever can read the folder can make tokens: a pool in service has a token issuer of its own.
    """
    for role, (length, meaning) in _ID_LENGTHS.items():
        if role in roles and not any(len(own) == length for own in ids):
            raise click.UsageError(
                f"{role} owns nothing without an --id of {length} characters: its {meaning}"
            )
    try:
        lab = LabIssuer(folder)
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    if lab.is_new:
        variables = {"ISSUER": issuer, "AUDIENCE": audience, "KEYS": str(lab.jwks)}
        said = " ".join(f"CCP_JWT_{name}={quote(value)}" for name, value in variables.items())
        say(f"Made keys in {folder}. A pool trusts them with", f"  CCP_AUTH=jwt {said}", err=True)
    say(
        lab.token(
            issuer=issuer,
            audience=audience,
            subject=subject,
            roles=roles,
            ids=ids,
            at=datetime.now(UTC),
            ttl=ttl,
        )
    )
