"""The name of a V2G root in an answer: in the form of the published pattern, or left out."""

import re

_LONGEST = 1024  # maxLength of the field in our specifications
_ORDER = ("CN", "DC", "O", "OU", "C")
# The characters of the published pattern. Its `\s` is narrowed to the space: a name with a tab or
# a line break is left out. An escaped character (RFC 4514) brings a backslash, and never fits.
_ATTRIBUTE = re.compile(r"(?:(CN|DC|O|OU)=[a-zA-Z0-9 .-]+|(C)=[A-Z]{2})")


def published_name(name: str) -> str | None:
    """
    Return a distinguished name in the published order: `CN=…, DC=…, O=…, OU=…, C=…`.

    Args:
        name: As `distinguished_name` writes it, in any order of attributes.
    Returns: None if the name does not fit the published pattern, or is longer than our
        specifications allow. The pattern allows each of these attributes once, in ASCII letters,
        digits, spaces, hyphens and dots, and ends with the country. (It also matches a name without
        a country, but only with a comma at the end.)
    Source: OPNC CCP API 1.0, cpsRootDistinguishedName and cpsV2GRootDistinguishedName.
    """
    if len(name) > _LONGEST:
        return None
    found: dict[str, str] = {}
    for attribute in name.split(", "):
        match = _ATTRIBUTE.fullmatch(attribute)
        if match is None:
            return None
        kind = match[1] or match[2]
        if kind in found:
            return None
        found[kind] = attribute
    if "C" not in found:
        return None
    return ", ".join(found[kind] for kind in _ORDER if kind in found)
