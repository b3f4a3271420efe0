"""The role names of a token issuer, translated to the roles of this pool."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from ccp.auth.caller import ROLES
from ccp.settings import SettingsInvalid


def parse_role_names(text: str) -> Mapping[str, frozenset[str]]:
    """
    Parse CCP_JWT_ROLE_NAMES, such as `MO_EXTERNAL_PKI=emsp, PKI-OEM=oem`.

    Returns: The roles of this pool by the issuer's name, which is in lower case. A name that is
        given twice has both roles.
    Raises:
        SettingsInvalid: An entry is not `name=role`, or its role is not one of ROLES.
    """
    names: defaultdict[str, frozenset[str]] = defaultdict(frozenset)
    for entry in filter(None, (part.strip() for part in text.split(","))):
        name, _, role = entry.partition("=")
        name, role = _folded(name), _folded(role)
        if not name or role not in ROLES:
            raise SettingsInvalid(
                f"CCP_JWT_ROLE_NAMES: {entry!r} is not name=role, with one of these roles: "
                f"{', '.join(ROLES)}"
            )
        names[name] |= {role}
    return dict(names)


def roles_of(texts: Iterable[str], names: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    """
    Translate the role claim of a token, without regard to case; unknown roles are left out.

    Args:
        texts: As the issuer writes them, such as `CPO` or `eMSP`.
        names: See `parse_role_names`. Its entry for a name counts alone, even if the name is also a
            role of this pool.
    Returns: Some of ROLES, sorted.
    """
    roles: set[str] = set()
    for name in map(_folded, texts):
        roles |= names.get(name, frozenset({name}))
    return tuple(sorted(roles & set(ROLES)))


def _folded(text: str) -> str:
    """Strip and lower ASCII text; a name with another letter keeps it, and is not a role."""
    return text.strip().lower() if text.isascii() else text
