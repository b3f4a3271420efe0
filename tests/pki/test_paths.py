"""Several CAs of one name: all are tried, by names and signatures, in bounded time."""

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from cryptography import x509
from OpenSSL import crypto

from ccp.domain.errors import CertificateChainBroken, CertificateChainExpired
from ccp.pki import paths
from ccp.pki.anchors import Anchors
from ccp.pki.certificates import Certificate, read_certificate
from ccp.pki.chains import VerifiedChain
from ccp.pki.issuance import is_issuer
from ccp.pki.name_matching import NameKey, name_key
from ccp.pki.paths import find_paths
from ccp.pki.signatures import ISO_15118_2_SUITES, ISO_15118_20_SUITES, Suite
from ccp.trust.chain_cache import ChainCache
from ccp.workshop import EDITION_2, EDITION_20, EDITIONS, Edition
from ccp.workshop.bad_certificates import impostor, past, with_sub_2_key
from ccp.workshop.certificates import Chain, Identity, reissue
from ccp.workshop.pki import fingerprint
from ccp.workshop.profiles import another_key
from tests.builders import NOW
from tests.pki.raw import with_extensions
from tests.trusted import car, pki

SUITES = {EDITION_2: ISO_15118_2_SUITES, EDITION_20: ISO_15118_20_SUITES}


def anchors(identities: Sequence[Identity]) -> Anchors:
    """Anchors of these certificates, in this order."""
    loaded = [crypto.load_certificate(crypto.FILETYPE_ASN1, one.der) for one in identities]
    return Anchors(tuple(loaded), configured=True)


def verified(
    cache: ChainCache, ders: Sequence[bytes], suites: Sequence[Suite] = ISO_15118_2_SUITES
) -> VerifiedChain:
    """Verify a chain as the pool does."""
    chain = cache.verify([read(der) for der in ders], at=NOW, suites=suites)
    assert chain
    return chain


def read(der: bytes) -> Certificate:
    """A certificate as the pool reads it."""
    return read_certificate(der, "certificate")


def nameless(identity: Identity, issuer: Identity) -> Identity:
    """A certificate again that does not name its issuer's key (authorityKeyIdentifier)."""
    der = with_extensions(identity, issuer, dotted="2.5.29.35")
    return Identity(x509.load_der_x509_certificate(der), identity.key)


def nameless_chain(chain: Chain) -> Chain:
    """A chain in which names alone say who has issued what."""
    root, sub_1, sub_2 = chain.authority.root, chain.authority.sub_1, chain.authority.sub_2
    root, sub_1, sub_2 = nameless(root, root), nameless(sub_1, root), nameless(sub_2, sub_1)
    return Chain(
        nameless(chain.leaf, sub_2), replace(chain.authority, root=root, sub_1=sub_1, sub_2=sub_2)
    )


def with_new_root_key(chain: Chain) -> Chain:
    """A chain under a root of the same name with a new key; its sub-CAs have new keys too."""
    return nameless_chain(impostor(chain))


@pytest.mark.parametrize("edition", EDITIONS, ids=str)
def test_verify_chain_ca_with_a_new_key_leaves_of_both_keys_hold(edition: Edition) -> None:
    """Cars of both generations, whichever CA stands first among the anchors."""
    old = nameless_chain(car(edition))
    new = nameless_chain(with_sub_2_key(old, another_key(old.leaf.key)))
    authority = old.authority
    cas = [old.authority.sub_2, new.authority.sub_2]
    draw = random.Random(5)  # noqa: S311
    for _ in range(4):
        draw.shuffle(cas)
        trusted = anchors([*cas, authority.sub_1, authority.root])
        cache = ChainCache(trusted, name="OEM provisioning certificate", chains=4)
        for chain in (old, new, old):
            found = verified(cache, [chain.leaf.der], SUITES[edition])
            assert found.above[0].der == chain.authority.sub_2.der


@pytest.mark.parametrize("edition", EDITIONS, ids=str)
@pytest.mark.parametrize("newest_first", [False, True])
def test_verify_chain_root_with_a_new_key_chains_of_both_keys_hold(
    edition: Edition, newest_first: bool
) -> None:
    """Two roots of one name, as files in a folder."""
    old = nameless_chain(pki(edition).cps["A"])
    new = with_new_root_key(old)
    roots = [old.authority.root, new.authority.root]
    trusted = anchors(roots[::-1] if newest_first else roots)
    cache = ChainCache(trusted, name="CPS certificate", chains=0)
    for chain in (old, new, old):
        ders = [chain.leaf.der, chain.authority.sub_1.der, chain.authority.sub_2.der]
        found = verified(cache, ders, SUITES[edition])
        assert found.root.fingerprint == fingerprint(chain.authority.root)
        in_one = cache.of_root(fingerprint(chain.authority.root))
        assert in_one
        assert verified(in_one, ders, SUITES[edition]).root == found.root


def test_verify_chain_right_ca_has_expired_is_told_so() -> None:
    """Not that the signature is wrong, which is that of the CA that did not issue it."""
    old = nameless_chain(car())
    new = nameless_chain(with_sub_2_key(old, another_key(old.leaf.key)))
    expired = reissue(new.authority.sub_2, new.authority.sub_1, validity=past(NOW))
    authority = old.authority
    trusted = anchors([authority.sub_2, expired, authority.sub_1, authority.root])
    with pytest.raises(CertificateChainExpired, match="A CA certificate of the car has expired"):
        verified(ChainCache(trusted, name="car", chains=0), [new.leaf.der])


def cross_certificate(of: Identity, by: Identity) -> Identity:
    """A certificate of one root that another root has issued."""
    return reissue(of, by)


def test_of_root_chain_through_a_cross_certificate_holds() -> None:
    """Root B has certified root A: the chain of A ends in B, and so it does when B is asked for."""
    chain, other = pki().cps["A"], pki().v2g_root("B")
    cross = cross_certificate(chain.authority.root, other)
    ders = [chain.leaf.der, chain.authority.sub_1.der, chain.authority.sub_2.der]
    cache = ChainCache(anchors([cross, other]), name="CPS certificate", chains=4)
    found = verified(cache, ders)
    assert found.root.fingerprint == fingerprint(other)
    in_other = cache.of_root(found.root.fingerprint)
    assert in_other
    assert verified(in_other, ders).above == found.above
    both = anchors([chain.authority.root, cross, other])
    for root in (chain.authority.root, other):
        in_root = ChainCache(both, name="CPS certificate", chains=4).of_root(fingerprint(root))
        assert in_root
        assert verified(in_root, ders).root.fingerprint == fingerprint(root)


def test_of_root_new_key_signed_with_the_old_one_is_not_the_root() -> None:
    """OpenSSL would end a chain there; but another root was asked for, and leads to the leaf."""
    old = nameless_chain(pki().cps["A"])
    new = with_new_root_key(old)
    link = nameless(reissue(new.authority.root, old.authority.root), old.authority.root)
    ders = [new.leaf.der, new.authority.sub_1.der, new.authority.sub_2.der]
    roots = [link, old.authority.root, new.authority.root]
    cache = ChainCache(anchors(roots), name="CPS certificate", chains=4)
    of_new = cache.of_root(fingerprint(new.authority.root))
    assert of_new
    assert verified(of_new, ders).root.fingerprint == fingerprint(new.authority.root)
    of_old = cache.of_root(fingerprint(old.authority.root))
    assert of_old
    with pytest.raises(CertificateChainBroken):
        verified(of_old, ders)


def test_of_root_sub_ca_is_not_a_root() -> None:
    """A cross-certificate alone is trusted by nobody."""
    chain, other = pki().cps["A"], pki().v2g_root("B")
    cross = cross_certificate(chain.authority.root, other)
    cache = ChainCache(anchors([cross]), name="CPS certificate", chains=4)
    ders = [chain.leaf.der, chain.authority.sub_1.der, chain.authority.sub_2.der]
    in_cross = cache.of_root(fingerprint(cross))
    assert in_cross
    for each in (cache, in_cross):
        with pytest.raises(CertificateChainBroken, match="trust"):
            verified(each, ders)


def test_find_paths_cas_that_certify_each_other_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Certificates of one name and key issue each other in every order; the search ends."""
    chain = pki().cps["A"]
    sub_2 = chain.authority.sub_2
    looped = [read(reissue(sub_2, Identity(sub_2.certificate, sub_2.key)).der) for _ in range(30)]
    signatures = []

    def counting(issuer: Certificate, certificate: Certificate) -> bool:
        signatures.append(issuer)
        return is_issuer(issuer, certificate)

    monkeypatch.setattr(paths, "is_issuer", counting)
    root = crypto.load_certificate(crypto.FILETYPE_ASN1, chain.authority.root.der)
    assert list(find_paths(read(chain.leaf.der), looped, (root,))) == []
    assert len(signatures) <= 64


def test_find_paths_cas_of_two_names_that_certify_each_other_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """There are thousands of ways through ten certificates."""
    chain = pki().cps["A"]
    x, y = chain.authority.sub_1, chain.authority.sub_2
    looped = [read(reissue(of, by).der) for of, by in ((x, y), (y, x)) for _ in range(5)]
    steps = []

    def counting(name: x509.Name) -> NameKey:
        steps.append(name)
        return name_key(name)

    monkeypatch.setattr(paths, "name_key", counting)
    root = crypto.load_certificate(crypto.FILETYPE_ASN1, chain.authority.root.der)
    assert list(find_paths(read(chain.leaf.der), looped, (root,))) == []
    assert len(steps) < 300


def test_verify_chain_leaf_with_a_wrong_signature_is_refused_whatever_is_tried() -> None:
    """All candidates, but no other rule than before."""
    chain = nameless_chain(pki().cps["A"])
    stranger = with_new_root_key(chain)
    trusted = anchors([chain.authority.root, stranger.authority.root])
    cache = ChainCache(trusted, name="CPS certificate", chains=0)
    ders = [stranger.leaf.der, chain.authority.sub_1.der, chain.authority.sub_2.der]
    with pytest.raises(CertificateChainBroken, match="signature that is not its issuer's"):
        verified(cache, ders)
