"""A whole test PKI: two V2G roots with a CPS each, an eMSP, an OEM; their contracts and cars."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import ec

from ccp.workshop.certificates import (
    LEAF,
    Authority,
    Chain,
    Identity,
    Validity,
    ca,
    issue,
    key_usage,
    pki_url_of,
    subject,
)
from ccp.workshop.edition import Edition
from ccp.workshop.editions import EDITION_2
from ccp.workshop.profiles import P256, PrivateKey, Profile, new_key

V2G_ROOTS = ("A", "B")
_CA_YEARS = 20
_LEAF_YEARS = 2


@dataclass(frozen=True, slots=True)
class Pki:
    """
    All that sign something before a car can charge.

    Attributes:
        edition: Of the messages that are signed with it.
        cps: A certificate provisioning service under each V2G root, by the root's letter.
        emsp: Issues contract certificates.
        oem: Issues the provisioning certificates of cars.
    """

    edition: Edition
    cps: Mapping[str, Chain]
    emsp: Authority
    oem: Authority

    def v2g_root(self, letter: str) -> Identity:
        """The V2G root A or B."""
        return self.cps[letter].authority.root


def make_pki(
    edition: Edition = EDITION_2,
    *,
    at: datetime,
    profile: Profile | None = None,
    pki_url: str | None = None,
) -> Pki:
    """
    Make a PKI whose certificates are valid from *at* (aware) on.

    Args:
        profile: Another than the edition's own.
        pki_url: Of the service that tells whether what it issues is revoked; none by default.
    """
    profile = profile or edition.profile
    mark = profile.mark

    def authority(root: str, sub_cas: str, root_domain: str, domain: str) -> Authority:
        return make_authority(
            root, sub_cas, root_domain, domain, at=at, profile=profile, pki_url=pki_url
        )

    cps = {}
    for letter in V2G_ROOTS:
        v2g = authority(f"V2G{mark} Root CA {letter}", f"Prov{mark} {letter}", "V2G", "CPS")
        cps[letter] = make_cps(v2g, f"CPS{mark} {letter}", at=at)
    return Pki(
        edition=edition,
        cps=cps,
        emsp=authority(f"MO{mark} Root CA", f"MO{mark}", "MO", "MO"),
        oem=authority(f"OEM{mark} Root CA", f"OEM{mark}", "OEM", "OEM"),
    )


def make_authority(
    root: str,
    sub_cas: str,
    root_domain: str,
    domain: str,
    *,
    at: datetime,
    profile: Profile = P256,
    pki_url: str | None = None,
) -> Authority:
    """
    Make a root and its two sub-CAs.

    Args:
        root: Its common name.
        sub_cas: What their common names begin with.
        root_domain, domain: Domain components of the root and of the sub-CAs.
        pki_url: As for `make_pki`; the sub-CAs name it, and so will the leaves.
    """

    def authority(
        name: str, domain: str, issuer: Identity | None, path_length: int | None
    ) -> Identity:
        return issue(
            subject(name, domain),
            Validity.years(_CA_YEARS, at=at),
            issuer,
            constraints=ca(path_length),
            usage=key_usage(ca=True),
            key=profile.new_key(),
            short_key_id=profile.short_key_ids,
            pki_url=pki_url,
        )

    top = authority(root, root_domain, None, None)
    sub_1 = authority(f"{sub_cas} Sub CA 1", domain, top, 1)
    sub_2 = authority(f"{sub_cas} Sub CA 2", domain, sub_1, 0)
    return Authority(top, sub_1, sub_2)


def make_cps(authority: Authority, name: str, *, at: datetime) -> Chain:
    """Make a CPS, which signs messages."""
    return _leaf(authority, name, "CPS", authority.profile.new_key(), at=at)


def make_contract(emsp: Authority, emaid: str, *, at: datetime) -> Chain:
    """Make a contract certificate: the eMSP vouches for an EMAID; its key can travel."""
    return _leaf(emsp, emaid, "MO", new_key(emsp.profile.curve), agrees=True, at=at)


def make_station(v2g: Authority, name: str, *, at: datetime) -> Chain:
    """Make the certificate of a charging station, which may sign, but no contracts."""
    return _leaf(v2g, name, "CPO", v2g.profile.new_key(), at=at)


def make_car(oem: Authority, pcid: str, *, at: datetime) -> Chain:
    """Make a provisioning certificate: the OEM vouches for a PCID."""
    key = oem.profile.new_key()
    agrees = isinstance(key, ec.EllipticCurvePrivateKey)  # Ed448 signs, and no more
    return _leaf(oem, pcid, "OEM", key, agrees=agrees, at=at)


def fingerprint(identity: Identity) -> str:
    """SHA-256 of the certificate's DER, 64 lower-case hex digits."""
    return sha256(identity.der).hexdigest()


def _leaf(
    authority: Authority,
    name: str,
    domain: str,
    key: PrivateKey,
    *,
    agrees: bool = False,
    at: datetime,
) -> Chain:
    leaf = issue(
        subject(name, domain),
        Validity.years(_LEAF_YEARS, at=at),
        authority.sub_2,
        constraints=LEAF,
        usage=key_usage(signs=True, agrees=agrees),
        key=key,
        short_key_id=authority.profile.short_key_ids,
        pki_url=pki_url_of(authority.sub_2.certificate),
    )
    return Chain(leaf, authority)
