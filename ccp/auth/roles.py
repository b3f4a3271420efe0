"""The role names of a token issuer, translated to the roles of this pool."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from ccp.auth.caller import ROLES
from ccp.config.settings import SettingsInvalid


def parse_role_names(text: str) -> Mapping[str, frozenset[str]]:
    """
    Parse CCP_JWT_ROLE_NAMES, such as `MO_EXTERNAL_PKI=emsp, PKI-OEM=oem`.

    Returns: The roles of this pool by the issuer's name, which is in lower case if it is ASCII. A
        name that is given twice has both roles.
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
    Convert the role claim of a token to roles of this pool; unknown names are left out.

    Args:
        texts: The names in the claim, such as `CPO` or `eMSP`. The case of ASCII letters does not
            count.
        names: See `parse_role_names`. If it has a name that is also a role of this pool, only its
            entry counts.
    Returns: Some of ROLES, sorted.
    """
    roles: set[str] = set()
    for name in map(_folded, texts):
        roles |= names.get(name, frozenset({name}))
    return tuple(sorted(roles & set(ROLES)))


def _folded(text: str) -> str:
    """
    Strip spaces, and convert ASCII text to lower case.

    A text with other characters keeps its case: the Kelvin sign in lower case is the letter k, and
    no such text may become the name of a role.
    """
    text = text.strip()
    return text.lower() if text.isascii() else text
