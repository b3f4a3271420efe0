"""Distinguished names: written in one way, recognised in the many ways that cars write them."""

from cryptography import x509

from ccp.pki.name_text import parse_name


def distinguished_name(name: x509.Name) -> str:
    """Write a name as RFC 4514 does, with a space after each comma: `CN=…, DC=V2G, O=…, C=DE`."""
    return ", ".join(rdn.rfc4514_string() for rdn in reversed(name.rdns))


def names_agree(given: str, ours: str) -> bool:
    """
    Return whether a name in a car's spelling means the same as ours.

    Cars write the issuer of a root in any order and spelling (see `parse_name`), and leave
    attributes out. The attributes that they write have to be attributes of our name.

    Args:
        given: X509IssuerName of a ListOfRootCertificateIDs.
        ours: A name as `distinguished_name` writes it.
    """
    attributes = parse_name(given)
    return bool(attributes) and attributes <= parse_name(ours)
