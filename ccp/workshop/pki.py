"""A whole test PKI: two V2G roots with a CPS each, an eMSP, an OEM; their contracts and cars."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from ccp.workshop.certificates import (
    LEAF,
    Authority,
    Chain,
    Identity,
    Validity,
    ca,
    issue,
    key_usage,
    subject,
)

V2G_ROOTS = ("A", "B")
_CA_YEARS = 20
_LEAF_YEARS = 2


@dataclass(frozen=True, slots=True)
class Pki:
    """
    All that sign something before a car can charge.

    Attributes:
        cps: A certificate provisioning service under each V2G root, by the root's letter.
        emsp: Issues contract certificates.
        oem: Issues the provisioning certificates of cars.
    """

    cps: Mapping[str, Chain]
    emsp: Authority
    oem: Authority

    def v2g_root(self, letter: str) -> Identity:
        """The V2G root A or B."""
        return self.cps[letter].authority.root


def make_pki(*, at: datetime) -> Pki:
    """Make a PKI whose certificates are valid from *at* (aware) on."""
    cps = {}
    for letter in V2G_ROOTS:
        authority = make_authority(f"V2G Root CA {letter}", f"Prov {letter}", "V2G", "CPS", at=at)
        cps[letter] = make_cps(authority, f"CPS {letter}", at=at)
    return Pki(
        cps=cps,
        emsp=make_authority("MO Root CA", "MO", "MO", "MO", at=at),
        oem=make_authority("OEM Root CA", "OEM", "OEM", "OEM", at=at),
    )


def make_authority(
    root: str, sub_cas: str, root_domain: str, domain: str, *, at: datetime
) -> Authority:
    """
    Make a root and its two sub-CAs.

    Args:
        root: Its common name.
        sub_cas: What their common names begin with.
        root_domain, domain: Domain components of the root and of the sub-CAs.
    """
    validity = Validity.years(_CA_YEARS, at=at)
    usage = key_usage(ca=True)
    top = issue(subject(root, root_domain), validity, None, constraints=ca(), usage=usage)
    sub_1 = issue(
        subject(f"{sub_cas} Sub CA 1", domain), validity, top, constraints=ca(1), usage=usage
    )
    sub_2 = issue(
        subject(f"{sub_cas} Sub CA 2", domain), validity, sub_1, constraints=ca(0), usage=usage
    )
    return Authority(top, sub_1, sub_2)


def make_cps(authority: Authority, name: str, *, at: datetime) -> Chain:
    """Make a CPS, which signs messages."""
    return _leaf(authority, name, "CPS", agrees=False, at=at)


def make_contract(emsp: Authority, emaid: str, *, at: datetime) -> Chain:
    """Make a contract certificate: the eMSP vouches for an EMAID."""
    return _leaf(emsp, emaid, "MO", agrees=True, at=at)


def make_station(v2g: Authority, name: str, *, at: datetime) -> Chain:
    """Make the certificate of a charging station, which may sign, but no contracts."""
    return _leaf(v2g, name, "CPO", agrees=False, at=at)


def make_car(oem: Authority, pcid: str, *, at: datetime) -> Chain:
    """Make a provisioning certificate: the OEM vouches for a PCID."""
    return _leaf(oem, pcid, "OEM", agrees=True, at=at)


def fingerprint(identity: Identity) -> str:
    """SHA-256 of the certificate's DER, 64 lower-case hex digits."""
    return sha256(identity.der).hexdigest()


def _leaf(authority: Authority, name: str, domain: str, *, agrees: bool, at: datetime) -> Chain:
    validity = Validity.years(_LEAF_YEARS, at=at)
    usage = key_usage(signs=True, agrees=agrees)
    leaf = issue(subject(name, domain), validity, authority.sub_2, constraints=LEAF, usage=usage)
    return Chain(leaf, authority)
