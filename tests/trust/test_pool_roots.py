"""Which certificates of a root pool are trusted as roots."""

import hashlib
import random

import pytest
from structlog.testing import capture_logs

from ccp.trust.folder import Trust
from ccp.trust.pool_roots import usable_roots
from ccp.workshop import ED448, P521
from ccp.workshop.bad_certificates import future, past
from ccp.workshop.certificates import LEAF, Identity, Validity, reissue
from ccp.workshop.pki import fingerprint
from tests.builders import NOW, certificate
from tests.trusted import pki

PKI = pki()
ROOT_A, ROOT_B = PKI.v2g_root("A"), PKI.v2g_root("B")


def left_out(*ders: bytes) -> list[tuple[str, str]]:
    """Fingerprint and reason of each that is left out, beside a good root that is not."""
    with capture_logs() as lines:
        assert usable_roots([*ders, ROOT_A.der], kind="v2g", at=NOW) == (ROOT_A.der,)
    assert {line["kind"] for line in lines} == {"v2g"}
    return [(line["fingerprint"], line["reason"]) for line in lines]


@pytest.mark.parametrize(
    "root",
    [ROOT_A, PKI.emsp.root, PKI.oem.root, *(pki(profile=one).emsp.root for one in (P521, ED448))],
    ids=lambda one: one.common_name,
)
def test_roots_of_both_editions_are_taken(root: Identity) -> None:
    """On P-256, on P-521 and of Ed448."""
    assert usable_roots([root.der], kind="emsp", at=NOW) == (root.der,)


@pytest.mark.parametrize(
    ("der", "reason"),
    [
        (b"", "it is not an X.509 certificate"),
        (b"\x30\x03\x02\x01\x07", "it is not an X.509 certificate"),
        (ROOT_B.der[:-1], "it is not an X.509 certificate"),
        (ROOT_B.der + b"\x00", "it is not an X.509 certificate"),
        (PKI.cps["A"].leaf.der, "it is not a CA certificate"),
        (reissue(ROOT_B, ROOT_B, constraints=LEAF).der, "it is not a CA certificate"),
        (PKI.cps["A"].authority.sub_1.der, "it is not self-signed"),
        (reissue(ROOT_B, ROOT_A).der, "it is not self-signed"),
        (ROOT_B.der[:-1] + bytes([ROOT_B.der[-1] ^ 1]), "it is not self-signed"),
        # Of the tests' own maker: no extensions, so no CA.
        (certificate("CN=Root", "CN=Root"), "it is not a CA certificate"),
    ],
    ids=[
        "empty",
        "other DER",
        "cut",
        "longer",
        "leaf",
        "self-signed leaf",
        "sub-CA",
        "of another root",
        "forged",
        "without extensions",
    ],
)
def test_what_is_no_root_is_left_out(der: bytes, reason: str) -> None:
    """The log says which, and why; the roots beside it are trusted."""
    assert left_out(der) == [(hashlib.sha256(der).hexdigest(), reason)]


def test_a_root_counts_once_and_the_order_does_not() -> None:
    """Pools that answer in another order, or a root twice, have not changed anything."""
    one = usable_roots([ROOT_A.der, ROOT_B.der, ROOT_A.der], kind="v2g", at=NOW)
    assert one == usable_roots([ROOT_B.der, ROOT_A.der], kind="v2g", at=NOW)
    assert len(one) == 2


def test_no_change_of_a_root_is_trusted() -> None:
    """One to three bytes are others: its signature does not hold, or it cannot be read."""
    draw = random.Random(11)  # noqa: S311
    for _ in range(500):
        der = bytearray(ROOT_A.der)
        for _ in range(draw.randint(1, 3)):
            der[draw.randrange(len(der))] = draw.randrange(256)
        if bytes(der) == ROOT_A.der:
            continue
        with capture_logs():
            roots = usable_roots([bytes(der)], kind="v2g", at=NOW)
        assert roots == ()


@pytest.mark.parametrize(
    ("validity", "event"),
    [(past(NOW), "trust anchor has expired"), (future(NOW), "trust anchor is not valid yet")],
    ids=["expired", "not yet valid"],
)
def test_usable_roots_not_valid_now_is_logged_and_selected(validity: Validity, event: str) -> None:
    """Validity counts when a root is used: its time may come, or the clock may be wrong."""
    root = reissue(ROOT_B, ROOT_B, validity=validity)
    with capture_logs() as lines:
        assert usable_roots([root.der], kind="v2g", at=NOW) == (root.der,)
    assert [(line["event"], line["fingerprint"]) for line in lines] == [(event, fingerprint(root))]


def test_all_that_is_usable_can_be_an_anchor() -> None:
    """What was let through here is loaded there."""
    roots = usable_roots([ROOT_A.der, ROOT_B.der], kind="v2g", at=NOW)
    assert len(Trust().with_roots({"v2g": roots}).v2g.certificates) == 2
