"""Caller: who a request comes from, as far as its access token proves it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

POOL = "ccp"
"""The role of another pool, which asks for a car that it does not know."""
ROLES = ("emsp", "oem", "cpo", "cps", POOL, "operator")
"""The roles of OPNC that may do something here, and the pool's own staff."""

_LONGEST_SUBJECT = 255  # OpenID Connect Core 1.0, 2
# Provider ids, WMIs and operator ids (DE*ABC, +49*822), and what else issuers identify parties by.
# No space and no comma: the audit trail shows ids on a line, with commas between them.
_ID = re.compile(r"[0-9A-Za-z*+.:@/_-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Caller:
    """
    The holder of a valid access token.

    Attributes:
        subject: What the issuer calls it, or else the client that the token was issued to; None
            where the token does not say. It can be printed on a line.
        roles: Some of ROLES, sorted; with several it may do what each one may.
        ids: Its provider ids, WMIs and operator ids, normalised and sorted.
    """

    subject: str | None
    roles: tuple[str, ...]
    ids: tuple[str, ...]


def is_subject(text: str) -> bool:
    """Tell whether a caller may be called so: its name is kept, and shown on terminals."""
    return 0 < len(text) <= _LONGEST_SUBJECT and text.isprintable()


def is_id(text: str) -> bool:
    """Return whether text has the form of an id of a party."""
    return _ID.fullmatch(text) is not None


def normalised_ids(texts: Iterable[str]) -> tuple[str, ...]:
    """
    Make ids comparable, as EMAIDs and PCIDs are: upper case, without hyphens.

    Args:
        texts: As a token or a header has them; what is not ASCII is nobody's id, and left out.
    """
    return tuple(sorted({text.replace("-", "").upper() for text in texts if text.isascii()}))
