"""Chains up to a trusted root; OpenSSL is the judge."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from asn1crypto import algos as asn1
from asn1crypto import core
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st
from OpenSSL import crypto

from ccp.domain.errors import (
    CcpError,
    CertificateChainBroken,
    CertificateChainExpired,
    CertificateChainNotYetValid,
)
from ccp.iso15118 import (
    decode,
    iso2,
)
from ccp.pki import chains
from ccp.pki.anchors import Anchors
from ccp.pki.certificates import Certificate, read_certificate, read_chain
from ccp.pki.chains import VerifiedChain, verify_chain, verify_leaf
from ccp.pki.signatures import ISO_15118_2_SUITES
from ccp.workshop.bad_certificates import (
    foreign,
    future,
    impostor,
    past,
    with_leaf,
    with_sub_1,
    with_sub_2,
)
from ccp.workshop.certificates import LEAF, Chain, Identity, Validity, ca, key_usage
from ccp.workshop.pki import fingerprint
from ccp.workshop.profiles import new_key
from tests.builders import NOW
from tests.pki.rebuilt import rebuilt
from tests.trusted import car, pki
from tests.vectors import genuine_res


def anchors(*identities: Identity) -> Anchors:
    """Anchors of these certificates."""
    loaded = [crypto.load_certificate(crypto.FILETYPE_ASN1, one.der) for one in identities]
    return Anchors(tuple(loaded), configured=True)


def members(chain: Chain, *, reverse: bool = False) -> list[Certificate]:
    """Leaf and sub-CAs, as a message has them."""
    subs = [chain.authority.sub_2.der, chain.authority.sub_1.der]
    return read_chain([chain.leaf.der, *(subs[::-1] if reverse else subs)], "CPS certificate")


def verify(
    certificates: Sequence[Certificate], trusted: Anchors, *, at: datetime = NOW
) -> VerifiedChain:
    """Verify a CPS chain of ISO 15118-2."""
    return verify_chain(
        certificates, trusted, name="CPS certificate", at=at, suites=ISO_15118_2_SUITES
    )


CPS = pki().cps["A"]
ROOT = anchors(CPS.authority.root)


@pytest.mark.parametrize("reverse", [False, True])
def test_a_chain_ends_in_its_root(reverse: bool) -> None:
    """Sub-CAs in either order; the root found and the end of the shortest validity come back."""
    chain = verify(members(CPS, reverse=reverse), anchors(pki().v2g_root("B"), pki().v2g_root("A")))
    assert chain.root.fingerprint == fingerprint(pki().v2g_root("A"))
    assert chain.root.serial_number == pki().v2g_root("A").certificate.serial_number
    assert chain.valid_until == CPS.leaf.certificate.not_valid_after_utc


@pytest.mark.parametrize(
    ("certificates", "trusted", "reason"),
    [
        (members(CPS), anchors(pki().v2g_root("B")), "trust"),
        (members(CPS), Anchors(), "trust"),
        (members(CPS)[:1], ROOT, "was not issued by a certificate that this pool trusts"),
        (members(CPS)[:2], ROOT, "was not issued by a certificate that this pool trusts"),
        (members(foreign(CPS, at=NOW)), ROOT, "trust"),
        (members(impostor(CPS)), ROOT, ""),
        (members(with_sub_1(CPS, constraints=ca(0))), ROOT, "longer than a CA in it allows"),
        (
            members(with_sub_2(CPS, constraints=LEAF, usage=key_usage(signs=True))),
            ROOT,
            "has a certificate that is no CA",
        ),
        (members(with_sub_2(CPS, usage=key_usage(signs=True))), ROOT, ""),
        (
            members(with_leaf(CPS, usage=key_usage(agrees=True))),
            ROOT,
            "may not make digital signatures",
        ),
        (members(with_leaf(CPS, constraints=ca(0))), ROOT, "is a CA certificate"),
        (
            members(with_leaf(CPS, key=new_key(ec.SECP384R1()))),
            ROOT,
            "has a key that is not on secp256r1.",
        ),
        (
            read_chain([CPS.authority.root.der], "CPS certificate"),
            ROOT,
            "is a CA certificate",
        ),
    ],
    ids=[
        "foreign root trusted",
        "nothing trusted",
        "no sub-CAs",
        "one sub-CA missing",
        "foreign chain",
        "impostor of the root",
        "path length",
        "sub-CA is no CA",
        "sub-CA may not sign certificates",
        "leaf may not sign",
        "leaf is a CA",
        "other curve",
        "the root itself",
    ],
)
def test_a_broken_chain_is_refused(
    certificates: list[Certificate], trusted: Anchors, reason: str
) -> None:
    """Each way to break a chain is told in words that name the certificate."""
    with pytest.raises(CertificateChainBroken) as raised:
        verify(certificates, trusted)
    (told,) = raised.value.messages[1:]
    assert reason in told
    assert "CPS certificate" in told


@pytest.mark.parametrize(
    ("chain", "told"),
    [
        (with_leaf(CPS, validity=past(NOW)), "The CPS certificate has expired."),
        (with_leaf(CPS, validity=future(NOW)), "The CPS certificate is not yet valid."),
        (with_sub_1(CPS, validity=past(NOW)), "A CA certificate of the CPS certificate has"),
        (with_sub_2(CPS, validity=future(NOW)), "A CA certificate of the CPS certificate is"),
    ],
    ids=["leaf expired", "leaf too early", "sub-CA 1 expired", "sub-CA 2 too early"],
)
def test_every_certificate_has_to_be_valid_now(chain: Chain, told: str) -> None:
    """The shell model: one that is not makes the whole chain invalid."""
    with pytest.raises(CertificateChainExpired, match=told):
        verify(members(chain), ROOT)


def test_the_root_has_to_be_valid_too() -> None:
    """Where the instant lies outside the root's validity nothing under it holds."""
    root = CPS.authority.root.certificate
    with pytest.raises(CertificateChainExpired):
        verify(members(CPS), ROOT, at=root.not_valid_after_utc + timedelta(seconds=1))


def test_a_leaf_alone_finds_its_sub_cas_among_the_anchors() -> None:
    """A car sends no sub-CAs: they are configured beside the OEM's root, and not without it."""
    leaf = [read_certificate(car().leaf.der, "leaf")]
    oem = pki().oem
    assert verify(leaf, anchors(oem.sub_1, oem.root, oem.sub_2)).root.fingerprint == fingerprint(
        oem.root
    )
    with pytest.raises(CertificateChainBroken):
        verify(leaf, anchors(oem.sub_1, oem.sub_2))


def test_the_genuine_chains_hold_under_their_topmost_certificate() -> None:
    """
    Both published chains verify, within their validity, as far as the message itself allows.

    The root is not at hand. OpenSSL accepts the chains with sub-CA 1 as its (partial) anchor; our
    own verifier, which asks for a root, refuses them for that reason and for no other.
    """
    body = decode(genuine_res()).body
    assert isinstance(body, iso2.CertificateInstallationRes)
    for chain in (body.sa_provisioning_certificate_chain, body.contract_signature_cert_chain):
        loaded = [
            crypto.load_certificate(crypto.FILETYPE_ASN1, der)
            for der in (chain.certificate, *chain.sub_certificates)
        ]
        for moment, holds in ((NOW, True), (datetime(2040, 1, 1, tzinfo=UTC), False)):
            store = crypto.X509Store()
            store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
            store.add_cert(loaded[-1])
            store.set_time(moment)
            context = crypto.X509StoreContext(store, loaded[0], loaded[1:])
            if holds:
                context.verify_certificate()
            else:
                with pytest.raises(crypto.X509StoreContextError):
                    context.verify_certificate()
        certificates = read_chain([chain.certificate, *chain.sub_certificates], "CPS certificate")
        with pytest.raises(CertificateChainBroken, match="not issued by a certificate that this"):
            verify(certificates, ROOT)


def test_an_expired_sub_ca_of_a_car_is_told_as_expired() -> None:
    """The car is told FAILED_CertificateExpired, not that its chain is broken."""
    oem = pki().oem
    trusted = anchors(oem.root, oem.sub_1, with_sub_2(car(), validity=past(NOW)).authority.sub_2)
    with pytest.raises(CertificateChainExpired):
        verify([read_certificate(car().leaf.der, "CPS certificate")], trusted)


def test_each_second_has_a_verdict_of_its_own() -> None:
    """Whatever was found a moment before, or for others at the same time."""
    begin = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
    end = begin + timedelta(seconds=20)
    chain = members(with_leaf(CPS, validity=Validity(begin, end)))
    second = timedelta(seconds=1)
    for _ in range(2):
        with pytest.raises(CertificateChainNotYetValid):
            verify(chain, ROOT, at=begin - second)
        assert verify(chain, ROOT, at=begin)
        assert verify(chain, ROOT, at=begin + second / 2)
        assert verify(chain, ROOT, at=end)
        with pytest.raises(CertificateChainExpired):
            verify(chain, ROOT, at=end + second)
        with pytest.raises(CertificateChainBroken):
            verify(chain, anchors(foreign(CPS, at=NOW).authority.root), at=begin)


def test_leaves_of_one_second_are_held_against_one_store() -> None:
    """To make it takes a tenth of the time that it takes to verify a leaf."""
    known = verify(members(CPS), ROOT).issuer
    assert known
    before = chains._store.cache_info()
    for microsecond in range(0, 1_000_000, 100_000):
        leaf = members(CPS)[0]
        at = NOW.replace(microsecond=microsecond)
        verify_leaf(leaf, known, name="CPS certificate", at=at, suites=ISO_15118_2_SUITES)
    after = chains._store.cache_info()
    assert (after.misses - before.misses, after.hits - before.hits) == (1, 9)


@pytest.mark.parametrize("algorithm", [hashes.SHA224(), hashes.SHA512()])
def test_other_signatures_than_the_edition_s_are_refused(algorithm: hashes.HashAlgorithm) -> None:
    """A leaf that its CA has signed with another digest than SHA-256."""
    sub_2 = CPS.authority.sub_2
    builder = rebuilt(CPS.leaf.certificate, extensions=[])
    leaf = builder.sign(sub_2.key, algorithm).public_bytes(Encoding.DER)
    chain = read_chain([leaf, sub_2.der, CPS.authority.sub_1.der], "CPS certificate")
    with pytest.raises(CertificateChainBroken, match="signature that is not ecdsa-sha256 on P-256"):
        verify(chain, ROOT)


LEAF_TBS = CPS.leaf.certificate.tbs_certificate_bytes


def signed(tbs: bytes) -> bytes:
    """A certificate of whatever content, that sub-CA 2 has signed."""
    algorithm = asn1.SignedDigestAlgorithm({"algorithm": "sha256_ecdsa"})
    signature = CPS.authority.sub_2.key.sign(tbs, ec.ECDSA(hashes.SHA256()))
    parts = tbs + algorithm.dump() + core.OctetBitString(signature).dump()
    return core.Sequence(contents=parts).dump()


@given(st.integers(0, len(LEAF_TBS) - 1), st.integers(0, 255))
def test_what_a_known_ca_has_signed_is_no_more_than_a_whole_chain_is(place: int, byte: int) -> None:
    """Whatever a byte of a leaf is changed to: alone it is never the easier way in."""
    known = verify(members(CPS), ROOT).issuer
    assert known
    changed = bytearray(LEAF_TBS)
    changed[place] = byte
    try:
        leaf = read_certificate(signed(bytes(changed)), "leaf")
        verify_leaf(leaf, known, name="CPS certificate", at=NOW, suites=ISO_15118_2_SUITES)
    except CcpError:
        return
    verify([leaf, *members(CPS)[1:]], ROOT)
