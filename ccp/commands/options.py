"""What commands take: EMAIDs, PCIDs and which records, in any spelling that the API takes."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from ccp.config.settings import SettingsInvalid, server_settings
from ccp.domain.identifiers import ISO_15118_2, ISO_15118_20, Emaid, Pcid, parse_fingerprint
from ccp.store.queries import Selection

_NAMESPACES = {"2": ISO_15118_2, "20": ISO_15118_20}


class _Parsed(click.ParamType[Any]):
    """Text that *parse* reads; its ValueError is told as a wrong call."""

    def __init__(self, parse: Callable[[str], Any], name: str) -> None:
        self._parse = parse
        self.name = name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return self._parse(value)
        except ValueError:
            self.fail(f"{value!r} is no {self.name}", param, ctx)


def _pcid(text: str) -> Pcid:
    """Read a PCID, or in lab mode any name of a car."""
    try:
        return Pcid.parse(text)
    except ValueError:
        with suppress(SettingsInvalid):  # the command itself says what is wrong with them
            if server_settings().lab:
                return Pcid.parse_lab(text)
        raise


EMAID = _Parsed(Emaid.parse, "EMAID")
PCID = _Parsed(_pcid, "PCID")
_FINGERPRINT = _Parsed(parse_fingerprint, "SHA-256 fingerprint")


def _beginning(length: int) -> Callable[[str], str]:
    """Read the first characters of a PCID or of an EMAID, which may have hyphens."""

    def parse(text: str) -> str:
        compact = text.replace("-", "").upper()
        if len(compact) != length or not compact.isascii() or not compact.isalnum():
            raise ValueError
        return compact

    return parse


_OPTIONS = (
    click.option("--emaid", type=EMAID, help="Of this contract."),
    click.option("--pcid", type=PCID, help="Of this car."),
    click.option(
        "--provider",
        "provider_id",
        type=_Parsed(_beginning(5), "provider id, as DEABC"),
        metavar="ID",
        help="Of this eMSP: the beginning of its EMAIDs, as DEABC.",
    ),
    click.option(
        "--wmi",
        type=_Parsed(_beginning(3), "WMI, as WAU"),
        metavar="WMI",
        help="Of the cars of this OEM: the beginning of their PCIDs, as WAU.",
    ),
    click.option("--edition", type=click.Choice(list(_NAMESPACES)), help="Of ISO 15118-2 or -20."),
    click.option(
        "--root",
        "fingerprint",
        type=_FINGERPRINT,
        metavar="SHA-256",
        help="Signed under this V2G root.",
    ),
    click.option("--expired", is_flag=True, help="Whose contract certificate has expired."),
    click.option(
        "--expires-within",
        "days",
        type=click.IntRange(0, 36500),
        metavar="DAYS",
        help="Whose contract certificate expires within so many days, or has.",
    ),
)


def selecting(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options by which records are selected; `selection` is made of them."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def selection(
    *,
    edition: str | None,
    fingerprint: str | None,
    expired: bool,
    days: int | None,
    **others: Any,
) -> Selection:
    """
    Make a selection of what the options of `selecting` gave.

    Raises:
        UsageError: Two of them do not go together.
    """
    if expired and days is not None:
        raise click.UsageError("--expired and --expires-within do not go together.")
    until = None
    if expired or days is not None:
        until = datetime.now(UTC) + timedelta(days=days or 0)
    return Selection(
        namespace=_NAMESPACES[edition] if edition else None,
        v2g_root_fingerprint=fingerprint,
        valid_until=until,
        **others,
    )
