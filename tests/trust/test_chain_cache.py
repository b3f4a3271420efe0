"""What is remembered of chains is what has been proved, and changes no verdict."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from ccp.domain.errors import CcpError, CertificateChainBroken
from ccp.pki.anchors import Anchors
from ccp.pki.certificates import Certificate, read_certificate, read_chain
from ccp.pki.chains import verify_chain, verify_leaf
from ccp.pki.signatures import ISO_15118_2_SUITES, ISO_15118_20_SUITES
from ccp.trust import chain_cache
from ccp.trust.chain_cache import ChainCache
from ccp.workshop.bad_certificates import (
    all_on,
    foreign,
    future,
    impostor,
    past,
    with_foreign_sub_2,
    with_leaf,
    with_sub_1,
    with_sub_2,
    with_sub_2_key,
)
from ccp.workshop.certificates import Chain, Identity, ca, key_usage, reissue
from ccp.workshop.pki import fingerprint
from ccp.workshop.profiles import new_key
from tests.builders import NOW
from tests.pki.rebuilt import rebuilt
from tests.pki.test_chains import anchors, members
from tests.trusted import car, pki

CPS = pki().cps["A"]
ROOT = anchors(CPS.authority.root)
SUBJECT = x509.Name.from_rfc4514_string


def cache_of(trusted: Anchors = ROOT, *, chains: int = 0) -> ChainCache:
    """A cache of CPS chains."""
    return ChainCache(trusted, name="CPS certificate", chains=chains)


def verify(cache: ChainCache, certificates: list[Certificate], at: datetime = NOW) -> None:
    """Verify a chain of ISO 15118-2."""
    cache.verify(certificates, at=at, suites=ISO_15118_2_SUITES)


def verdict(prove: Callable[[], object]) -> object:
    """What a caller is told; None where the chain holds."""
    try:
        prove()
    except CcpError as error:
        return type(error), error.messages
    return None


@pytest.fixture
def proved(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Takes a word for each proof: of a whole chain, or of a leaf alone."""
    done: list[str] = []

    def counting(function: Callable[..., object], *args: object, **options: object) -> object:
        done.append(function.__name__)
        return function(*args, **options)

    for function in (verify_chain, verify_leaf):
        monkeypatch.setattr(chain_cache, function.__name__, partial(counting, function))
    return done


GOOD = {
    "the same": CPS,
    "another leaf": with_leaf(CPS, key=new_key()),
    "sub-CA 2 with another key": with_sub_2_key(CPS, new_key()),
}
MISISSUED = {
    "foreign": foreign(CPS, at=NOW),
    "impostor": impostor(CPS),
    "leaf of an impostor": replace(CPS, leaf=impostor(CPS).leaf),
    "foreign sub-CA 2": with_foreign_sub_2(CPS, at=NOW),
    "leaf of a sub-CA 2 with another key": replace(CPS, leaf=with_sub_2_key(CPS, new_key()).leaf),
    "path length": with_sub_1(CPS, constraints=ca(0)),
    "sub-CA may not sign": with_sub_2(CPS, usage=key_usage(signs=True)),
    "leaf may not sign": with_leaf(CPS, usage=key_usage(agrees=True)),
    "leaf is a CA": with_leaf(CPS, constraints=ca(0)),
    "leaf on another curve": with_leaf(CPS, key=new_key(ec.SECP384R1())),
    "all on another curve": all_on(CPS, ec.SECP521R1()),
    "leaf with another digest": with_leaf(CPS, digest=hashes.SHA512()),
    "leaf expired": with_leaf(CPS, validity=past(NOW)),
    "leaf too early": with_leaf(CPS, validity=future(NOW)),
    "sub-CA 1 expired": with_sub_1(CPS, validity=past(NOW)),
    "sub-CA 2 too early": with_sub_2(CPS, validity=future(NOW)),
}


@pytest.mark.parametrize("chains", [0, 16])
@pytest.mark.parametrize("name", [*GOOD, *MISISSUED])
def test_no_verdict_is_changed_by_what_is_remembered(name: str, chains: int) -> None:
    """Behind the good chain, each other one is told the very same as without any memory."""
    cache = cache_of(chains=chains)
    verify(cache, members(CPS))
    certificates = members((GOOD | MISISSUED)[name])
    alone = verdict(
        lambda: verify_chain(
            certificates, ROOT, name="CPS certificate", at=NOW, suites=ISO_15118_2_SUITES
        )
    )
    for _ in range(2):
        assert verdict(lambda: verify(cache, certificates)) == alone
    assert (alone is None) is (name in GOOD)


OID = x509.ObjectIdentifier
NO_CA_WRITTEN_OUT = x509.UnrecognizedExtension(OID("2.5.29.19"), bytes.fromhex("3003010100"))
CA_KEY = CPS.authority.sub_2.certificate.extensions.get_extension_for_class(
    x509.SubjectKeyIdentifier
).value.digest
CA_NAME = [x509.DirectoryName(CPS.authority.sub_1.certificate.subject)]
CA_SERIAL = CPS.authority.sub_2.certificate.serial_number


def extended(*changes: tuple[x509.ExtensionType, bool]) -> Chain:
    """Issue the leaf again, with other extensions in place of its own, or besides; and critical."""
    others = {value.oid for value, _ in changes}
    kept = [one for one in CPS.leaf.certificate.extensions if one.oid not in others]
    added = [x509.Extension(value.oid, critical, value) for value, critical in changes]
    builder = rebuilt(CPS.leaf.certificate, extensions=kept + added)
    leaf = builder.sign(CPS.authority.sub_2.key, hashes.SHA256())
    return replace(CPS, leaf=Identity(leaf, CPS.leaf.key))


def encoded(oid: str, value: str) -> x509.UnrecognizedExtension:
    """An extension of any content, in hexadecimal digits."""
    return x509.UnrecognizedExtension(OID(oid), bytes.fromhex(value))


PLAIN = {
    "CA:FALSE written out": extended((NO_CA_WRITTEN_OUT, False)),
    "where its status is told": extended((encoded("1.3.6.1.5.5.7.1.1", "3000"), False)),
    "names its CA by its key": extended((x509.AuthorityKeyIdentifier(CA_KEY, None, None), False)),
}
ODD = {
    "names its CA by another key": (x509.AuthorityKeyIdentifier(b"other", None, None), False),
    "names its CA by number": (x509.AuthorityKeyIdentifier(CA_KEY, CA_NAME, CA_SERIAL), False),
    "names its CA by another number": (x509.AuthorityKeyIdentifier(None, CA_NAME, 7), False),
    "names its CA in no way": (encoded("2.5.29.35", "3000"), False),
    "a key identifier that is none": (encoded("2.5.29.14", "0500"), False),
    "a critical one that nobody knows": (encoded("1.2.3.4", "0500"), True),
    "one that nobody knows": (encoded("1.2.3.4", "0500"), False),
    "a critical one that should not be": (encoded("1.3.6.1.5.5.7.1.1", "3000"), True),
    "a proxy": (encoded("1.3.6.1.5.5.7.1.14", "300c300a06082b06010505071501"), False),
    "key usage of eight bits unused": (encoded("2.5.29.15", "03020880"), True),
    "constraints with something behind": (encoded("2.5.29.19", "30030101000500"), True),
    "a path length of no CA": (x509.BasicConstraints(False, None), True),
    "constraints that cannot be read": (encoded("2.5.29.19", "0500"), True),
    "revocation lists that cannot be read": (encoded("2.5.29.31", "0500"), False),
    "an extended key usage": (x509.ExtendedKeyUsage([OID("1.3.6.1.5.5.7.3.2")]), False),
    "an alternative name": (x509.SubjectAlternativeName([x509.DNSName("cps.example")]), False),
}


def loosely_signed() -> bytes:
    """The leaf with a signature whose last bits are said to be unused; the same to some readers."""
    while True:
        der = with_leaf(CPS, key=CPS.leaf.key).leaf.der
        parsed = asn1.Certificate.load(der)
        signature = parsed["signature_value"].contents
        if not signature[-1] & 1:
            return der.removesuffix(signature) + b"\1" + signature[1:]


@pytest.mark.parametrize("name", PLAIN)
def test_of_a_leaf_as_pkis_make_it_its_ca_is_enough(name: str, proved: list[str]) -> None:
    """The genuine ones have explicit booleans, which DER forbids, and tell where to ask."""
    cache = cache_of()
    for chain in (CPS, PLAIN[name], PLAIN[name]):
        verify(cache, members(chain))
    assert proved == ["verify_chain", "verify_leaf", "verify_leaf"]


@pytest.mark.parametrize("name", ODD)
def test_an_odd_leaf_is_told_the_same_whatever_is_known(name: str) -> None:
    """Whether it holds or not."""
    assert_told_the_same(members(extended(ODD[name])))


def test_a_signature_is_read_in_one_way() -> None:
    """Other bytes are another certificate, which nobody may have to revoke besides."""
    leaf = read_certificate(loosely_signed(), "leaf")
    assert assert_told_the_same([leaf, *members(CPS)[1:]]) is not None


def assert_told_the_same(certificates: list[Certificate]) -> object:
    """Behind the good chain as without any memory; gives the verdict."""
    alone = verdict(
        lambda: verify_chain(
            certificates, ROOT, name="CPS certificate", at=NOW, suites=ISO_15118_2_SUITES
        )
    )
    cache = cache_of()
    verify(cache, members(CPS))
    assert verdict(lambda: verify(cache, certificates)) == alone
    return alone


def test_a_known_ca_stands_for_no_chain_that_is_not_whole() -> None:
    """A message has to bring its sub-CAs, for whom it is sent to knows none."""
    cache = cache_of()
    verify(cache, members(CPS))
    for certificates in (members(CPS)[:1], members(CPS)[:2]):
        with pytest.raises(CertificateChainBroken):
            verify(cache, certificates)


def test_of_a_known_ca_the_leaf_alone_is_proved(proved: list[str]) -> None:
    """Contract after contract of one eMSP: what is above the leaf is proved once."""
    cache = cache_of()
    for _ in range(3):
        verify(cache, members(with_leaf(CPS, key=new_key())))
    assert proved == ["verify_chain", "verify_leaf", "verify_leaf"]


def test_a_chain_that_comes_again_is_proved_once(proved: list[str]) -> None:
    """Also by a leaf that was proved alone; and its root is told each time."""
    cache = cache_of(chains=4)
    verify(cache, members(with_leaf(CPS, key=new_key())))
    chains = [cache.verify(members(CPS), at=NOW, suites=ISO_15118_2_SUITES) for _ in range(3)]
    assert proved == ["verify_chain", "verify_leaf"]
    roots = {chain.root.fingerprint for chain in chains if chain}
    assert roots == {fingerprint(pki().v2g_root("A"))}
    ends = {chain.valid_until for chain in chains if chain}
    assert ends == {CPS.leaf.certificate.not_valid_after_utc}


def test_what_is_remembered_is_of_one_edition() -> None:
    """A chain of ISO 15118-2 is none of ISO 15118-20, however well it is known."""
    cache = cache_of(chains=4)
    verify(cache, members(CPS))
    for chain in (CPS, with_leaf(CPS, key=new_key())):
        with pytest.raises(CertificateChainBroken, match="not on secp521r1 or Ed448"):
            cache.verify(members(chain), at=NOW, suites=ISO_15118_20_SUITES)


@pytest.mark.parametrize("chains", [0, 4])
@pytest.mark.parametrize("days", [-1, 365 * 30])
def test_what_is_remembered_holds_while_all_of_it_is_valid(chains: int, days: int) -> None:
    """Before the first of a chain's certificates begins, or after one ends, it is judged anew."""
    cache = cache_of(chains=chains)
    verify(cache, members(CPS))
    then = CPS.leaf.certificate.not_valid_before_utc + timedelta(days=days)
    with pytest.raises(CcpError):
        verify(cache, members(CPS), at=then)
    verify(cache, members(CPS))


def constraining_names(chain: Chain) -> Chain:
    """Issue sub-CA 1 again: under it there may be no certificate of O=Evil."""
    sub_1, root = chain.authority.sub_1, chain.authority.root
    builder = rebuilt(sub_1.certificate).add_extension(
        x509.NameConstraints(None, [x509.DirectoryName(SUBJECT("O=Evil"))]), critical=True
    )
    constrained = Identity(builder.sign(root.key, hashes.SHA256()), sub_1.key)
    return replace(chain, authority=replace(chain.authority, sub_1=constrained))


def named(chain: Chain, name: str) -> Chain:
    """Issue the leaf again, for somebody else."""
    serial_number = x509.random_serial_number()
    builder = rebuilt(
        chain.leaf.certificate, subject_name=SUBJECT(name), serial_number=serial_number
    )
    leaf = builder.sign(chain.authority.sub_2.key, hashes.SHA256())
    return replace(chain, leaf=Identity(leaf, chain.leaf.key))


def test_a_ca_whose_leaves_depend_on_their_names_is_not_remembered(proved: list[str]) -> None:
    """Name constraints above the issuer: each leaf is held against all of its chain."""
    cache = cache_of()
    good = constraining_names(CPS)
    verify(cache, members(good))
    with pytest.raises(CertificateChainBroken):
        verify(cache, members(named(good, "CN=CPS,O=Evil")))
    verify(cache, members(named(good, "CN=CPS,O=Good")))
    assert proved == ["verify_chain"] * 3


def test_chains_of_one_root_are_remembered_apart() -> None:
    """That a chain ends in some root says nothing of whether it ends in the root asked for."""
    roots = {letter: pki().v2g_root(letter) for letter in "AB"}
    cache = cache_of(anchors(*roots.values()), chains=4)
    verify(cache, members(CPS))
    of_a, of_b = (cache.of_root(fingerprint(root)) for root in roots.values())
    assert of_a
    assert of_b
    verify(of_a, members(CPS))
    with pytest.raises(CertificateChainBroken):
        verify(of_b, members(CPS))
    assert cache.of_root(fingerprint(roots["A"])) is of_a
    assert cache.of_root("a" * 64) is None


def test_the_chain_not_asked_for_longest_is_forgotten(proved: list[str]) -> None:
    """Memory stays small however many cars ask, and a refused chain is not remembered."""
    oem = pki().oem
    cache = cache_of(anchors(oem.root, oem.sub_1, oem.sub_2), chains=2)
    leaves = [[leaf_of(with_leaf(car(), key=new_key()))] for _ in range(3)]
    for leaf in (*leaves, leaves[1], leaves[2], leaves[0]):
        verify(cache, leaf)
    assert proved == ["verify_chain", "verify_leaf", "verify_leaf", "verify_leaf"]
    refused = [leaf_of(foreign(car(), at=NOW))]
    for _ in range(2):
        with pytest.raises(CcpError):
            verify(cache, refused)
    assert proved[4:] == ["verify_chain"] * 2


def leaf_of(chain: Chain) -> Certificate:
    """The leaf, as a message has it."""
    return read_certificate(chain.leaf.der, "leaf")


def test_without_anchors_nothing_is_asked() -> None:
    """A pool without OEM anchors cannot know the OEMs."""
    assert cache_of(Anchors()).verify(members(CPS)[:1], at=NOW, suites=ISO_15118_2_SUITES) is None


def test_a_reissued_sub_ca_is_another_one(proved: list[str]) -> None:
    """Same name and key, other bytes: what a message brings is proved as it came."""
    cache = cache_of()
    verify(cache, members(CPS))
    sub_2 = reissue(CPS.authority.sub_2, CPS.authority.sub_1)
    again = replace(CPS, authority=replace(CPS.authority, sub_2=sub_2))
    chain = read_chain([again.leaf.der, sub_2.der, again.authority.sub_1.der], "CPS certificate")
    verify(cache, chain)
    assert proved == ["verify_chain", "verify_chain"]
