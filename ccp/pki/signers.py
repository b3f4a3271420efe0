"""Check by the names in a signer's chain that the signer is a CPS."""

from collections.abc import Iterator, Sequence

from cryptography import x509
from cryptography.x509.oid import NameOID

from ccp.domain.errors import CertificateChainBroken
from ccp.domain.identifiers import Emaid, is_evse_id
from ccp.pki.certificates import Certificate

# The domain component CPS, and those by which PKIs name other roles: case-folded.
_CPS = "cps"
_OTHER_ROLES = frozenset(
    ("cpo", "cso", "secc", "evse", "mo", "emsp", "emp", "msp", "oem", "evcc", "pcp", "ccp", "rcp")
)


def require_cps(chain: Sequence[Certificate], *, allow_list: bool = False) -> None:
    """
    Check that the names in a signer's chain are not those of another role than a CPS.

    Charging stations, and the eMSPs of a V2G PKI, have certificates under V2G roots too. Today's
    PKIs name the role in a domain component (DC). Older CPS certificates have none and are
    accepted, unless *allow_list* is true.

    Args:
        chain: The signer's certificate, then its sub-CAs in any order.
        allow_list: Accept only signers with the domain component CPS.
    Raises:
        CertificateChainBroken: The signer or a CA above it has the domain component of another
            role; or the signer has no domain component CPS, and its common name is an EMAID or
            EVSE id, or *allow_list* is true. The message says which.
    """
    problem = next(_problems(chain, allow_list=allow_list), None)
    if problem:
        raise CertificateChainBroken(f"The signer's certificate is not that of a CPS. {problem}")


def _problems(chain: Sequence[Certificate], *, allow_list: bool) -> Iterator[str]:
    leaf, *sub_cas = chain
    domains = _values(leaf.subject, NameOID.DOMAIN_COMPONENT)
    for domain in domains:
        if _folded(domain) in _OTHER_ROLES:
            yield f"Its domain component is {_shown(domain)}."
    for name in (leaf.issuer, *(sub_ca.subject for sub_ca in sub_cas)):
        for domain in _values(name, NameOID.DOMAIN_COMPONENT):
            if _folded(domain) in _OTHER_ROLES:
                yield f"A CA that issued it has the domain component {_shown(domain)}."
    if _CPS in map(_folded, domains):
        return
    for common_name in _values(leaf.subject, NameOID.COMMON_NAME):
        if _is_emaid(common_name.strip()):
            yield f"Its common name {_shown(common_name)} is an EMAID."
        if is_evse_id(common_name.strip()):
            yield f"Its common name {_shown(common_name)} is an EVSE id."
    if allow_list:
        yield "This pool accepts only signers with the domain component CPS."


def _values(name: x509.Name, kind: x509.ObjectIdentifier) -> list[str]:
    return [str(attribute.value) for attribute in name.get_attributes_for_oid(kind)]


def _shown(text: str) -> str:
    """Quote a value of a certificate for an error message: bounded, and printable."""
    return repr(text[:64])


def _folded(domain: str) -> str:
    return domain.strip().casefold()


def _is_emaid(text: str) -> bool:
    try:
        Emaid.parse(text)
    except ValueError:
        return False
    return True
