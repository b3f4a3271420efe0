"""Certificates that a CA should not have issued: a chain again, with one thing wrong in it."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from ccp.workshop.certificates import Authority, Chain, Identity, Validity, reissue
from ccp.workshop.pki import make_authority
from ccp.workshop.profiles import PrivateKey, another_key, new_key


def past(at: datetime) -> Validity:
    """It ended an hour before *at*."""
    return Validity(at - timedelta(days=400), at - timedelta(hours=1))


def future(at: datetime) -> Validity:
    """It begins an hour after *at*."""
    return Validity(at + timedelta(hours=1), at + timedelta(days=400))


def with_leaf(chain: Chain, **changes: Any) -> Chain:
    """Issue the leaf again; *changes* as for `reissue`."""
    return replace(chain, leaf=reissue(chain.leaf, chain.authority.sub_2, **changes))


def with_sub_1(chain: Chain, **changes: Any) -> Chain:
    """Issue sub-CA 1 again; what it has issued stays."""
    authority = chain.authority
    sub_1 = reissue(authority.sub_1, authority.root, **changes)
    return replace(chain, authority=replace(authority, sub_1=sub_1))


def with_sub_2(chain: Chain, **changes: Any) -> Chain:
    """Issue sub-CA 2 again; what it has issued stays."""
    authority = chain.authority
    sub_2 = reissue(authority.sub_2, authority.sub_1, **changes)
    return replace(chain, authority=replace(authority, sub_2=sub_2))


def with_sub_2_key(chain: Chain, key: PrivateKey) -> Chain:
    """Give sub-CA 2 another key, with which it has issued the leaf."""
    chain = with_sub_2(chain, key=key)
    return with_leaf(chain)


def all_on(chain: Chain, curve: ec.EllipticCurve) -> Chain:
    """Give the sub-CAs and the leaf keys on one curve; the root stays."""
    sub_1, sub_2, leaf = (
        Identity(one.certificate, new_key(curve))
        for one in (chain.authority.sub_1, chain.authority.sub_2, chain.leaf)
    )
    sub_1 = reissue(sub_1, chain.authority.root)
    sub_2 = reissue(sub_2, sub_1)
    return Chain(reissue(leaf, sub_2), Authority(chain.authority.root, sub_1, sub_2))


def foreign(chain: Chain, *, at: datetime) -> Chain:
    """Put the leaf under an authority that nobody knows."""
    stranger = _stranger(chain, at=at)
    return Chain(reissue(chain.leaf, stranger.sub_2), stranger)


def with_foreign_sub_2(chain: Chain, *, at: datetime) -> Chain:
    """Put the sub-CA of somebody else where sub-CA 2 stands."""
    sub_2 = _stranger(chain, at=at).sub_2
    return replace(chain, authority=replace(chain.authority, sub_2=sub_2))


def _stranger(chain: Chain, *, at: datetime) -> Authority:
    """An authority that nobody knows, with certificates like those of a chain."""
    return make_authority(
        "Foreign Root CA", "Foreign", "V2G", "CPS", at=at, profile=chain.authority.profile
    )


def impostor(chain: Chain) -> Chain:
    """Put the leaf under an authority of the same names, with keys of its own."""
    real = chain.authority
    root, sub_1, sub_2 = (
        Identity(one.certificate, another_key(one.key))
        for one in (real.root, real.sub_1, real.sub_2)
    )
    root = reissue(root, root)
    sub_1 = reissue(sub_1, root)
    sub_2 = reissue(sub_2, sub_1)
    return Chain(reissue(chain.leaf, sub_2), Authority(root, sub_1, sub_2))
