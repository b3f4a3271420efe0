"""Caller: the holder of an access token, with its roles and ids."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

POOL = "ccp"
"""The role of a peer pool, which forwards the request of a car that it has no contract for."""
ROLES = ("emsp", "oem", "cpo", "cps", POOL, "operator")
"""The OPNC roles that have rights in a pool, and `operator` for the pool's own staff."""

_LONGEST_SUBJECT = 255  # OpenID Connect Core 1.0, 2
# Provider ids, WMIs, operator ids (DE*ABC, +49*822) and other ids that issuers give to parties.
# No space and no comma: the audit trail shows ids on a line, with commas between them.
_ID = re.compile(r"[0-9A-Za-z*+.:@/_-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Caller:
    """
    The holder of a valid access token.

    Attributes:
        subject: The issuer's name for the holder, or else the client that the token was issued
            to; None if the token has neither. It is printable on one line.
        roles: Some of ROLES, sorted. Several roles add up their rights.
        ids: Its provider ids, WMIs and operator ids, normalised and sorted.
    """

    subject: str | None
    roles: tuple[str, ...]
    ids: tuple[str, ...]


def is_subject(text: str) -> bool:
    """Return whether text is accepted as a subject: it is stored, and shown on terminals."""
    return 0 < len(text) <= _LONGEST_SUBJECT and text.isprintable()


def is_id(text: str) -> bool:
    """Return whether text has the form of an id of a party."""
    return _ID.fullmatch(text) is not None


def normalised_ids(texts: Iterable[str]) -> tuple[str, ...]:
    """
    Normalise ids as EMAIDs and PCIDs are: upper case, without hyphens.

    Args:
        texts: Ids of a token or a header. A text that is not ASCII is left out.
    """
    return tuple(sorted({text.replace("-", "").upper() for text in texts if text.isascii()}))
