"""Caller: who a request comes from, as far as its access token proves it."""

from collections.abc import Iterable
from dataclasses import dataclass

ROLES = ("emsp", "oem", "cpo", "cps", "operator")
"""The roles of OPNC that may do something here, and the pool's own staff."""


@dataclass(frozen=True, slots=True)
class Caller:
    """
    The holder of a valid access token.

    Attributes:
        subject: What the issuer calls it; None where the token does not say.
        roles: Some of ROLES, sorted; with several it may do what each one may.
        ids: Its provider ids, WMIs and operator ids, normalised and sorted.
    """

    subject: str | None
    roles: tuple[str, ...]
    ids: tuple[str, ...]


def normalised_ids(texts: Iterable[str]) -> tuple[str, ...]:
    """
    Make ids comparable, as EMAIDs and PCIDs are: upper case, without hyphens.

    Args:
        texts: As a token or a header has them; what is not ASCII is nobody's id, and left out.
    """
    return tuple(sorted({text.replace("-", "").upper() for text in texts if text.isascii()}))
