"""Odd extensions at each position of a chain, in both editions: accepted, or refused in words."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography.x509 import SubjectKeyIdentifier
from OpenSSL import crypto
from structlog.testing import capture_logs

from ccp.domain.errors import CertificateChainBroken
from ccp.inspection.chains import CONTRACT, describe_chain
from ccp.pki.anchors import Anchors
from ccp.pki.certificates import read_chain
from ccp.pki.chains import VerifiedChain, verify_chain
from ccp.pki.extensions import ExtensionProblem, read_extensions
from ccp.pki.signatures import ISO_15118_2_SUITES, ISO_15118_20_SUITES
from ccp.trust.chain_cache import ChainCache
from ccp.trust.folder import load_trust
from ccp.workshop import EDITION_2, EDITION_20, EDITIONS, Edition
from ccp.workshop.certificates import Chain
from ccp.workshop.pki import make_contract
from tests.builders import NOW
from tests.pki.raw import extension, oid, tlv, with_extensions
from tests.trusted import MADE_AT, pki

POSITIONS = ("leaf", "sub-CA 2", "sub-CA 1", "root")
SUITES = {EDITION_2: ISO_15118_2_SUITES, EDITION_20: ISO_15118_20_SUITES}
TRUE, FALSE = b"\1\1\xff", b"\1\1\0"
AIA, CRL_POINTS = "1.3.6.1.5.5.7.1.1", "2.5.29.31"
URL = tlv(0x86, b"http://pki.example/ocsp")
NAMES = tlv(0x30, URL)
POINT = tlv(0x30, tlv(0x30, tlv(0xA0, tlv(0xA0, URL))))
ACCESS = tlv(0x30, tlv(0x30, oid("1.3.6.1.5.5.7.48.1"), URL))
SUBTREE = tlv(0xA0, tlv(0x30, tlv(0x82, b"example")))
# Name and a well-formed value of each extension of RFC 5280 that a profile may have.
KNOWN = {
    AIA: ("authorityInfoAccess", ACCESS),
    CRL_POINTS: ("cRLDistributionPoints", POINT),
    "1.3.6.1.5.5.7.1.11": ("subjectInfoAccess", ACCESS),
    "2.5.29.14": ("subjectKeyIdentifier", tlv(4, b"key")),
    "2.5.29.15": ("keyUsage", tlv(3, b"\7\x80")),
    "2.5.29.17": ("subjectAltName", NAMES),
    "2.5.29.18": ("issuerAltName", NAMES),
    "2.5.29.19": ("basicConstraints", tlv(0x30)),
    "2.5.29.30": ("nameConstraints", tlv(0x30, SUBTREE)),
    "2.5.29.32": ("certificatePolicies", tlv(0x30, tlv(0x30, oid("2.5.29.32.0")))),
    "2.5.29.33": ("policyMappings", tlv(0x30, tlv(0x30, oid("1.2.3"), oid("1.2.4")))),
    "2.5.29.35": ("authorityKeyIdentifier", tlv(0x30)),
    "2.5.29.36": ("policyConstraints", tlv(0x30, tlv(0x80, b"\5"))),
    "2.5.29.37": ("extKeyUsage", tlv(0x30, oid("1.3.6.1.5.5.7.3.2"))),
    "2.5.29.54": ("inhibitAnyPolicy", tlv(0x02, b"\5")),
}
NOT_OF_LEAVES = {"2.5.29.30"}  # OpenSSL: "leaf has name constraints"
OF_THEIR_OWN = {"2.5.29.15", "2.5.29.19"}  # another value for each position; critical anyway
MALFORMED = {
    "nothing": b"",
    "NULL": b"\5\0",
    "cut off": b"\x30\x7f\0",
    "a length of four gigabytes": b"\x30\x84\xff\xff\xff\xff",
    "an endless length": b"\x30\x80\x30\x80\x30\x80",
    "NULL in it": b"\x30\2\5\0",
}


def issued(edition: Edition, position: str, *added: bytes, dotted: str = "") -> list[bytes]:
    """A contract chain from leaf to root, in which one certificate has other extensions."""
    chain = contract(edition)
    identities = [chain.leaf, chain.authority.sub_2, chain.authority.sub_1, chain.authority.root]
    signers = [*identities[1:], identities[3]]
    ders = [one.der for one in identities]
    at = POSITIONS.index(position)
    ders[at] = with_extensions(identities[at], signers[at], *added, dotted=dotted)
    return ders


def contract(edition: Edition) -> Chain:
    """A contract chain; one for all tests."""
    return CONTRACTS[edition]


CONTRACTS = {
    edition: make_contract(pki(edition).emsp, "DEICECOPNCCERT", at=MADE_AT) for edition in EDITIONS
}


def verified(edition: Edition, ders: Sequence[bytes]) -> VerifiedChain:
    """Verify a chain up to its root, which is trusted as it is."""
    *chain, root = ders
    anchors = Anchors((crypto.load_certificate(crypto.FILETYPE_ASN1, root),), configured=True)
    certificates = read_chain(chain, CONTRACT)
    return verify_chain(certificates, anchors, name=CONTRACT, at=NOW, suites=SUITES[edition])


def refusal(edition: Edition, ders: Sequence[bytes]) -> str:
    """What a caller is told of a chain that does not hold."""
    with pytest.raises(CertificateChainBroken) as raised:
        verified(edition, ders)
    return raised.value.messages[-1]


each = pytest.mark.parametrize(
    ("edition", "position"),
    [(edition, position) for edition in EDITIONS for position in POSITIONS],
    ids=lambda one: str(one).replace(" ", "-"),
)


@pytest.mark.parametrize("dotted", KNOWN)
def test_read_extensions_malformed_value_is_named(dotted: str) -> None:
    """Each known extension with each malformed value; and a good one is read."""
    leaf = contract(EDITION_2).leaf
    name, good = KNOWN[dotted]
    for value in MALFORMED.values():
        der = with_extensions(leaf, leaf, extension(dotted, value), dotted=dotted)
        with pytest.raises(ExtensionProblem, match=f"cannot be read: {name}$"):
            read_extensions(der)
    der = with_extensions(leaf, leaf, extension(dotted, good), dotted=dotted)
    assert read_extensions(der).values[dotted] == good
    der = with_extensions(leaf, leaf, extension(dotted, good + b"\5\0"), dotted=dotted)
    with pytest.raises(ExtensionProblem, match=f"cannot be read: {name}$"):
        read_extensions(der)


@each
def test_verify_chain_malformed_extension_is_refused_by_name(
    edition: Edition, position: str, tmp_path: Path
) -> None:
    """Such as OpenSSL looks at, and such as it does not; an anchor is refused when it is loaded."""
    for dotted in (AIA, CRL_POINTS, "2.5.29.19", "2.5.29.30", "2.5.29.14"):
        ders = issued(edition, position, extension(dotted, b"\5\0"), dotted=dotted)
        told = refusal(edition, ders)
        whose = "The contract" if position == "leaf" else "A CA"
        assert told.startswith(f"{whose} certificate "), told
        assert told.endswith(f"cannot be read: {KNOWN[dotted][0]}."), told
        if position == "root":
            assert f"cannot be read: {KNOWN[dotted][0]}" in problem_of_anchor(tmp_path, ders[-1])


def problem_of_anchor(folder: Path, root: bytes) -> str:
    """What the log says of an anchor that is left out."""
    (folder / "emsp").mkdir(exist_ok=True)
    (folder / "emsp" / "root.der").write_bytes(root)
    with capture_logs() as logs:
        trust = load_trust(folder, at=NOW)
    assert trust.emsp.certificates == ()
    assert trust.emsp.configured
    (line,) = logs
    return line["event"]


@each
def test_verify_chain_critical_extension_of_the_profile_is_accepted(
    edition: Edition, position: str
) -> None:
    """ISO 15118-20 has critical extensions that OpenSSL does not know (34)."""
    for dotted in set(KNOWN) - OF_THEIR_OWN:
        if position == "leaf" and dotted in NOT_OF_LEAVES:
            continue
        value = KNOWN[dotted][1]
        if dotted == "2.5.29.14":
            value = own_key_identifier(edition, position)
        ders = issued(edition, position, extension(dotted, value, TRUE), dotted=dotted)
        assert verified(edition, ders), KNOWN[dotted][0]


def own_key_identifier(edition: Edition, position: str) -> bytes:
    """The value of subjectKeyIdentifier that a certificate has, which others may name it by."""
    chain = contract(edition)
    authority = chain.authority
    members = chain.leaf, authority.sub_2, authority.sub_1, authority.root
    extensions = members[POSITIONS.index(position)].certificate.extensions
    return extensions.get_extension_for_class(SubjectKeyIdentifier).value.public_bytes()


@each
def test_verify_chain_unknown_critical_extension_is_refused_by_name(
    edition: Edition, position: str, tmp_path: Path
) -> None:
    """Also where its boolean is not DER; and the anchor is refused when it is loaded."""
    for critical in (TRUE, b"\1\1\1"):
        ders = issued(edition, position, extension("1.3.6.1.4.1.99999.1", b"\5\0", critical))
        told = refusal(edition, ders)
        assert "critical extension that this pool does not know: 1.3.6.1.4.1.99999.1." in told
    if position == "root":
        assert "1.3.6.1.4.1.99999.1" in problem_of_anchor(tmp_path, ders[-1])


@each
def test_verify_chain_odd_but_readable_extension_is_accepted(
    edition: Edition, position: str
) -> None:
    """What OpenSSL's own verification accepts too."""
    private = "1.3.6.1.4.1.99999.1"
    odd = {
        "critical FALSE written out": extension(AIA, ACCESS, FALSE),
        "no access at all": extension(AIA, tlv(0x30)),
        "no points at all": extension(CRL_POINTS, tlv(0x30)),
        "a private one of nonsense": extension(private, b"\xff\xff"),
        "a private one of nothing": extension(private, b"", FALSE),
        "a huge identifier": tlv(0x30, tlv(6, b"\x2b" + b"\1" * 300), tlv(4, b"\5\0")),
        "a huge number in an identifier": tlv(0x30, tlv(6, b"\x2b" + b"\xff" * 99 + b"\1"), tlv(4)),
        "a length that is too long": extension(AIA, b"\x30\x81" + ACCESS[1:]),
        "a value in parts": tlv(0x30, oid(AIA), tlv(0x24, tlv(4, ACCESS[:5]), tlv(4, ACCESS[5:]))),
    }
    for name, added in odd.items():
        ders = issued(edition, position, added)
        assert by_openssl(ders), name
        assert verified(edition, ders), name


def by_openssl(ders: Sequence[bytes]) -> bool:
    """Whether OpenSSL verifies a chain, critical extensions and all."""
    leaf, *cas = (crypto.load_certificate(crypto.FILETYPE_ASN1, der) for der in ders)
    store = crypto.X509Store()
    store.add_cert(cas.pop())
    store.set_time(NOW)
    try:
        crypto.X509StoreContext(store, leaf, cas).verify_certificate()
    except crypto.X509StoreContextError:
        return False
    return True


@each
def test_verify_chain_extension_twice_is_refused_by_name(edition: Edition, position: str) -> None:
    """RFC 5280, 4.2; known or not, with the same value or another one."""
    for dotted, name in ((AIA, "authorityInfoAccess"), ("1.2.3.4", "1.2.3.4")):
        twice = [extension(dotted, ACCESS), extension(dotted, tlv(0x30))]
        assert refusal(edition, issued(edition, position, *twice)).endswith(f"twice: {name}.")


@pytest.mark.parametrize("position", POSITIONS[:3])
def test_describe_chain_malformed_extension_is_told_without_anchors(position: str) -> None:
    """The inspector has no anchors, but looks at extensions all the same."""
    *ders, _ = issued(EDITION_20, position, extension(AIA, b"\5\0"))
    facts = describe_chain(ders, CONTRACT, Anchors(), at=NOW, suites=ISO_15118_20_SUITES)
    assert not facts.holds
    assert any("cannot be read: authorityInfoAccess." in problem for problem in facts.problems)


def test_describe_chain_irregular_encoding_is_told() -> None:
    """It holds all the same, and says what is irregular."""
    *ders, root = issued(EDITION_2, "leaf", extension(AIA, ACCESS, FALSE))
    anchors = Anchors((crypto.load_certificate(crypto.FILETYPE_ASN1, root),), configured=True)
    facts = describe_chain(ders, CONTRACT, anchors, at=NOW, suites=ISO_15118_2_SUITES)
    assert facts.holds
    assert facts.certificates[0].irregularities == [
        "The extension authorityInfoAccess writes out the default, that it is not critical."
    ]


REQUIRE_POLICY_NOW = extension("2.5.29.36", tlv(0x30, tlv(0x80, b"\0")), TRUE)
POLICY = tlv(0x30, tlv(0x30, oid("1.2.3.4")))


@pytest.mark.parametrize("edition", EDITIONS, ids=str)
@pytest.mark.parametrize("position", POSITIONS[:3])
def test_verify_chain_required_policy_is_missing_is_refused(
    edition: Edition, position: str
) -> None:
    """RFC 5280, 6.1.3 (f) and 6.1.5 (g)."""
    ders = issued(edition, position, REQUIRE_POLICY_NOW)
    assert refusal(edition, ders).endswith(
        "has no common certificate policy, which one of its certificates requires."
    )


def chain_of_policies(*, policies: str, constrained: str, added: Sequence[bytes]) -> list[bytes]:
    """
    A contract chain below a root, in which several certificates have a policy.

    Args:
        policies: The positions that have it.
        constrained: The position that has more extensions: *added*.
    """
    chain = contract(EDITION_2)
    authority = chain.authority
    identities = [chain.leaf, authority.sub_2, authority.sub_1]
    signers = [authority.sub_2, authority.sub_1, authority.root]
    ders = []
    for position, one, signer in zip(POSITIONS, identities, signers, strict=False):
        more = [extension("2.5.29.32", POLICY)] if position in policies else []
        ders.append(
            with_extensions(one, signer, *more, *(added if position == constrained else ()))
        )
    return [*ders, authority.root.der]


def test_verify_chain_required_policy_is_there_is_accepted() -> None:
    """Whichever certificate requires it."""
    for position in POSITIONS[:3]:
        ders = chain_of_policies(
            policies="leaf, sub-CA 2, sub-CA 1", constrained=position, added=[REQUIRE_POLICY_NOW]
        )
        assert verified(EDITION_2, ders)


def test_verify_chain_leaf_requires_a_policy_is_refused_by_a_known_ca_too() -> None:
    """The policy has to be in each certificate of the path, not in the leaf's issuer alone."""
    ders = chain_of_policies(policies="leaf", constrained="leaf", added=[REQUIRE_POLICY_NOW])
    *plain, root = issued(EDITION_2, "leaf")
    anchors = Anchors((crypto.load_certificate(crypto.FILETYPE_ASN1, root),), configured=True)
    cache = ChainCache(anchors, name=CONTRACT, chains=0)
    assert cache.verify(read_chain(plain, CONTRACT), at=NOW, suites=ISO_15118_2_SUITES)
    with pytest.raises(CertificateChainBroken, match="has no common certificate policy"):
        cache.verify(read_chain([ders[0], *plain[1:]], CONTRACT), at=NOW, suites=ISO_15118_2_SUITES)
    with pytest.raises(CertificateChainBroken, match="has no common certificate policy"):
        verified(EDITION_2, ders)


def test_verify_chain_ca_requires_a_policy_of_each_leaf() -> None:
    """A leaf without the policy is refused also after one with it was accepted."""
    ders = chain_of_policies(
        policies="leaf, sub-CA 2, sub-CA 1", constrained="sub-CA 1", added=[REQUIRE_POLICY_NOW]
    )
    *chain, root = ders
    anchors = Anchors((crypto.load_certificate(crypto.FILETYPE_ASN1, root),), configured=True)
    cache = ChainCache(anchors, name=CONTRACT, chains=0)
    assert cache.verify(read_chain(chain, CONTRACT), at=NOW, suites=ISO_15118_2_SUITES)
    plain = [contract(EDITION_2).leaf.der, *chain[1:]]
    with pytest.raises(CertificateChainBroken, match="has no common certificate policy"):
        cache.verify(read_chain(plain, CONTRACT), at=NOW, suites=ISO_15118_2_SUITES)


def test_verify_chain_leaf_with_ip_blocks_is_refused_by_a_known_ca_too() -> None:
    """RFC 3779, 2.3: each CA of the path has to have the blocks, and the upper sub-CA has none."""
    dotted = "1.3.6.1.5.5.7.1.7"
    blocks = tlv(0x30, tlv(0x30, tlv(4, b"\0\1"), tlv(0x30, tlv(3, b"\0\x0a"))))
    leaf, sub_2, sub_1, root = issued(EDITION_2, "sub-CA 2", extension(dotted, blocks, TRUE))
    anchors = Anchors((crypto.load_certificate(crypto.FILETYPE_ASN1, root),), configured=True)
    cache = ChainCache(anchors, name=CONTRACT, chains=0)
    plain = read_chain([leaf, sub_2, sub_1], CONTRACT)
    assert cache.verify(plain, at=NOW, suites=ISO_15118_2_SUITES)
    with_blocks, *_ = issued(EDITION_2, "leaf", extension(dotted, blocks, TRUE))
    chain = read_chain([with_blocks, sub_2, sub_1], CONTRACT)
    with pytest.raises(CertificateChainBroken):
        cache.verify(chain, at=NOW, suites=ISO_15118_2_SUITES)
