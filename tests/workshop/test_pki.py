"""The PKIs' certificates, judged by OpenSSL."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ccp.workshop import (
    ED448,
    EDITION_2,
    EDITION_20,
    P256,
    P521,
    Pki,
    Profile,
    make_contract,
    make_pki,
)
from ccp.workshop.bad_certificates import foreign, impostor
from ccp.workshop.certificates import Chain, common_name
from ccp.workshop.pki import make_car
from tests.builders import NOW
from tests.workshop.conftest import EMAID
from tests.workshop.openssl import needs_openssl, verify

EDITIONS = {P256: EDITION_2, P521: EDITION_20, ED448: EDITION_20}
CHAINS: dict[str, Callable[[Pki, Chain, Chain], Chain]] = {
    "cps a": lambda pki, car, contract: pki.cps["A"],
    "cps b": lambda pki, car, contract: pki.cps["B"],
    "car": lambda pki, car, contract: car,
    "contract": lambda pki, car, contract: contract,
}


@pytest.fixture(scope="module", params=EDITIONS, ids=lambda profile: profile.slug)
def profile(request: pytest.FixtureRequest) -> Profile:
    """Each kind of PKI in turn."""
    profile: Profile = request.param
    return profile


@pytest.fixture(scope="module")
def pki(profile: Profile) -> Pki:
    """A PKI that is valid at NOW."""
    return make_pki(EDITIONS[profile], at=NOW, profile=profile)


@pytest.fixture(scope="module")
def car(pki: Pki) -> Chain:
    """A car of its OEM."""
    return make_car(pki.oem, pki.edition.pcid, at=NOW)


@pytest.fixture(scope="module")
def contract(pki: Pki) -> Chain:
    """A contract of its eMSP."""
    return make_contract(pki.emsp, EMAID, at=NOW)


@pytest.fixture(params=CHAINS)
def chain(request: pytest.FixtureRequest, pki: Pki, car: Chain, contract: Chain) -> Chain:
    """Each kind of chain in turn."""
    return CHAINS[request.param](pki, car, contract)


def _all(chain: Chain) -> list[x509.Certificate]:
    authority = chain.authority
    members = (chain.leaf, authority.sub_2, authority.sub_1, authority.root)
    return [one.certificate for one in members]


@needs_openssl
@pytest.mark.parametrize("days", [0, 600], ids=["now", "in 600 days"])
def test_openssl_verifies_every_chain(chain: Chain, tmp_path: Path, days: int) -> None:
    """Each chain holds under its root, from its first day on."""
    root = chain.authority.root.certificate
    assert verify(chain, tmp_path, at=NOW + timedelta(days=days), roots=[root]) == ""


@needs_openssl
@pytest.mark.parametrize("days", [-2, 800], ids=["before", "after"])
def test_openssl_refuses_every_chain_at_another_time(
    chain: Chain, tmp_path: Path, days: int
) -> None:
    """Before it was made and after it ended no chain holds."""
    root = chain.authority.root.certificate
    assert verify(chain, tmp_path, at=NOW + timedelta(days=days), roots=[root])


@needs_openssl
def test_openssl_takes_no_chain_for_another(pki: Pki, chain: Chain, tmp_path: Path) -> None:
    """A chain ends in its own root and in no other of the PKI, nor does a false copy of it."""
    own = chain.authority.root
    roots = {pki.v2g_root("A"), pki.v2g_root("B"), pki.emsp.root, pki.oem.root}
    others = [one.certificate for one in roots if one != own]
    assert "issuer certificate" in verify(chain, tmp_path, at=NOW, roots=others)
    for false in (foreign(chain, at=NOW), impostor(chain)):
        assert verify(false, tmp_path, at=NOW, roots=[one.certificate for one in roots])


def key_of(certificate: x509.Certificate) -> object:
    """What a certificate's key is: a curve's name, or Ed448."""
    key = certificate.public_key()
    if isinstance(key, ed448.Ed448PublicKey):
        return "Ed448"
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return key.curve.name


def test_certificates_have_the_profile(chain: Chain, profile: Profile, contract: Chain) -> None:
    """Key, size, positive serials below 2^127, path lengths 0 and 1, SKI and AKI."""
    sizes = {P256: 800, P521: 1600, ED448: 1600}
    keys = {P256: "secp256r1", P521: "secp521r1", ED448: "Ed448"}
    leaf, sub_2, sub_1, root = _all(chain)
    issuers = {leaf: sub_2, sub_2: sub_1, sub_1: root}
    for certificate in (leaf, sub_2, sub_1, root):
        travels = profile is ED448 and certificate == contract.leaf.certificate
        assert key_of(certificate) == ("secp521r1" if travels else keys[profile])
        assert 0 < certificate.serial_number < 2**127
        extensions = certificate.extensions
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
        assert usage.key_cert_sign == (certificate is not leaf)
        assert usage.digital_signature == (certificate is leaf)
        if certificate is not root:
            aki = extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
            assert aki.key_identifier == key_identifier(issuers[certificate])
    lengths = [
        one.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length
        for one in (sub_2, sub_1, root)
    ]
    assert lengths == [0, 1, None]
    ders = [one.public_bytes(Encoding.DER) for one in (leaf, sub_2, sub_1, root)]
    assert all(len(der) <= sizes[profile] for der in ders)
    assert profile.largest_der == sizes[profile]


def test_certificates_are_signed_as_their_edition_demands(chain: Chain, profile: Profile) -> None:
    """ecdsa-with-SHA256, ecdsa-with-SHA512, or Ed448, whose names OIDs are."""
    oids = {P256: "1.2.840.10045.4.3.2", P521: "1.2.840.10045.4.3.4", ED448: "1.3.101.113"}
    for certificate in _all(chain):
        assert certificate.signature_algorithm_oid.dotted_string == oids[profile]


def key_identifier(certificate: x509.Certificate) -> bytes:
    """The SubjectKeyIdentifier."""
    extension = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    return extension.value.digest


def test_key_identifiers_are_long_or_short(chain: Chain, profile: Profile) -> None:
    """The SHA-1 of the key's bits in ISO 15118-2; in ISO 15118-20 0100 and its last 60 bits."""
    leaf = chain.leaf.certificate
    key = leaf.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        bits = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    else:
        bits = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    sha1 = hashlib.sha1(bits).digest()  # noqa: S324
    if profile is P256:
        assert key_identifier(leaf) == sha1
    else:
        short = int.from_bytes(sha1, "big") & (1 << 60) - 1 | 0b0100 << 60
        assert key_identifier(leaf) == short.to_bytes(8, "big")


def test_leaves_are_named_as_the_field_names_them(pki: Pki, car: Chain, contract: Chain) -> None:
    """The common name is the PCID or the EMAID; the domain component tells the kind."""
    assert common_name(car.leaf.certificate) == pki.edition.pcid
    assert contract.leaf.common_name == EMAID
    domains = {
        chain.leaf.certificate.subject.rfc4514_string().partition(",")[0]
        for chain in (car, contract, pki.cps["A"])
    }
    assert domains == {"DC=OEM", "DC=MO", "DC=CPS"}


def test_no_two_kinds_of_pki_have_a_ca_of_one_name() -> None:
    """One pool can trust them all, and tells them apart by name too."""
    pkis = [make_pki(edition, at=NOW, profile=profile) for profile, edition in EDITIONS.items()]
    names = [
        identity.common_name
        for pki in pkis
        for authority in (*(cps.authority for cps in pki.cps.values()), pki.emsp, pki.oem)
        for identity in (authority.root, authority.sub_1, authority.sub_2)
    ]
    assert len(names) == len(set(names)) == 3 * 4 * 3
    assert "V2G Root CA A" in names
    assert "V2G20 Root CA A" in names
