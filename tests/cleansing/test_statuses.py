"""What CAs have said is kept for as long as they said, and no more of it than is bearable."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from ccp.cleansing import Report
from ccp.cleansing.statuses import Statuses, StatusUnavailable
from ccp.clients.ocsp_crl import OcspCrlClient
from ccp.pki.certificates import read_certificate
from ccp.pki.ocsp import build_request
from ccp.pki.revocation import Status
from ccp.store import Store
from ccp.workshop import ED448, EDITION_2, P256, P521, Profile, make_contract
from ccp.workshop.certificates import Identity
from ccp.workshop.pki import make_authority
from tests.cleansing.world import EMAIDS, World
from tests.clients.scripted import Says, scripted
from tests.pki.ca import OpensslCa
from tests.running import free_port
from tests.trusted import MADE_AT
from tests.workshop.openssl import needs_openssl

SOON = timedelta(minutes=4)
LATER = timedelta(minutes=6)
"""The workshop's OCSP answers hold for five minutes, its CRLs for a week."""


def test_an_answer_is_kept_until_the_next_one_comes(world: World) -> None:
    """Then it is asked for again; and what was revoked meanwhile is found."""
    world.put()
    world.run()
    first = world.asked()
    world.now += SOON
    world.run()
    assert world.asked() == first
    world.revoke(world.contract().leaf)
    world.now += LATER - SOON
    report, _ = world.run()
    assert report.revoked == 1
    assert world.asked() == 2 * first


def test_a_crl_is_kept_until_the_next_one_comes(world: World) -> None:
    """Across cleansings, for contracts that come later too."""
    world.ocsp = False
    world.put(EMAIDS[0])
    world.run()
    first = world.asked("/crl")
    world.put(EMAIDS[1])
    world.now += timedelta(days=6)
    world.run()
    assert world.asked("/crl") == first
    world.now += timedelta(days=2)
    world.run()
    assert world.asked("/crl") == 2 * first


def test_what_is_kept_has_an_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was asked for longest ago goes, and is asked for again."""
    monkeypatch.setattr("ccp.cleansing.statuses._MOST_KEPT", 3)
    world.put()
    world.run()
    first = world.asked()
    world.run()
    assert first < world.asked() <= 2 * first
    assert len(world.cleansing._statuses._kept) <= 3


@needs_openssl
@pytest.mark.parametrize("profile", [P256, P521, ED448], ids=lambda one: one.slug)
def test_a_responder_of_openssl_is_understood(tmp_path: Path, profile: Profile) -> None:
    """Over HTTP, where the certificates say: what is good, revoked, and unknown to it."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    emsp = make_authority("MO Root", "MO", "MO", "MO", at=MADE_AT, profile=profile, pki_url=url)
    ca = OpensslCa(tmp_path / "ca", emsp.sub_2)
    good, revoked, unknown = (make_contract(emsp, emaid, at=MADE_AT).leaf for emaid in EMAIDS[:3])
    ca.know(good.certificate)
    ca.know(revoked.certificate, revoked=MADE_AT, reason="keyCompromise")

    async def status(leaf: Identity) -> Status | None:
        statuses = Statuses(lambda: datetime.now(UTC))
        link = read_certificate(leaf.der, "leaf"), read_certificate(emsp.sub_2.der, "CA")
        async with OcspCrlClient.connected() as responders:
            return await statuses.find(*link, responders)

    with ca.serving(port):
        assert asyncio.run(status(good)) is Status.GOOD
        assert asyncio.run(status(revoked)) is Status.REVOKED
        with pytest.raises(StatusUnavailable, match="does not know the certificate"):
            asyncio.run(status(unknown))


@pytest.mark.parametrize(
    "says",
    [
        Says(200, b""),
        Says(200, b"<html>nonsense"),
        Says(302, b"", {"Location": "/ocsp"}),
        Says(200, b"x" * 10_000_000),
        Says(0),
    ],
    ids=["empty", "nonsense", "redirect", "huge", "gone"],
)
def test_a_hostile_service_changes_nothing(world: World, says: Says) -> None:
    """Neither kept for good nor taken for bad, and asked again the next time."""
    world.put()
    answer = world.service.script
    world.service.script = lambda _: says
    report, (finding,) = world.run()
    assert (report.unreachable, report.kept, finding.leaves) == (1, 1, False)
    world.service.script = answer
    world.revoke(world.contract().leaf)
    assert world.run()[0] == Report(records=1, revoked=1)


def test_an_answer_of_yesterday_is_not_believed(world: World) -> None:
    """Whoever is in between may repeat what was once true."""
    world.put()
    recorded = {}
    answer = world.service.script

    def record(asked):
        recorded[asked.body] = answer(asked)
        return recorded[asked.body]

    world.service.script = record
    world.run()
    world.revoke(world.contract().leaf)
    world.crl = False
    world.now += timedelta(days=1)
    world.service.script = lambda asked: recorded.get(asked.body, Says(404))
    report, (finding,) = world.run()
    assert (report.revoked, report.unreachable) == (0, 1)
    assert "the answer is out of date" in finding.reason


def test_an_answer_of_another_certificate_is_not_believed(world: World) -> None:
    """Though it is well signed."""
    world.put(EMAIDS[0])
    world.put(EMAIDS[1])
    world.revoke(world.contract(EMAIDS[1]).leaf)
    world.crl = False
    issuer = world.pkis[EDITION_2].emsp.sub_2.der
    good, revoked = (build_request(world.contract(x).leaf.der, issuer) for x in EMAIDS[:2])
    answer = world.service.script

    def good_for_both(asked):
        return answer(replace(asked, body=good) if asked.body == revoked else asked)

    world.service.script = good_for_both
    report, (finding,) = world.run()
    assert (report.revoked, report.unreachable, report.kept) == (0, 1, 2)
    assert finding.record.emaid.text == EMAIDS[1]
    assert "does not have the status of this certificate" in finding.reason


@needs_openssl
@pytest.mark.parametrize("is_revoked", [False, True])
def test_cleansing_openssl_answers_for_several_contracts_the_right_one_leaves(
    tmp_path: Path, store: Store, is_revoked: bool
) -> None:
    """Contracts of unknown status leave here: a good one stays, and only a revoked one leaves."""
    with scripted(Says(500)) as service:
        world = World(tmp_path, store, service, now=datetime.now(UTC))
        world.put()
        issuer = world.pkis[EDITION_2].emsp.sub_2
        leaf, other = (world.contract(emaid).leaf for emaid in EMAIDS[:2])
        ca = OpensslCa(tmp_path / "ca", issuer)
        revoked, good = (leaf, other) if is_revoked else (other, leaf)
        ca.know(revoked.certificate, revoked=world.now, reason="keyCompromise")
        ca.know(good.certificate)
        (ca.folder / "other.pem").write_bytes(other.certificate.public_bytes(Encoding.PEM))
        several = ca.answer(ca.request(leaf.certificate, "-cert", "other.pem", "-no_nonce"))
        asked, answer = build_request(leaf.der, issuer.der), service.script
        service.script = lambda it: Says(200, several) if it.body == asked else answer(it)
        world.crl = False
        report, _ = world.run(world.make_cleansing(removes_unreachable=True))
    assert report == Report(records=1, revoked=is_revoked, kept=not is_revoked)
    assert world.trail() == ["cleanse-revoked"] * is_revoked


def test_cleansing_ca_that_has_used_up_its_time_keeps_its_contracts(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose status was not asked for stays, whatever the setting; the next run asks again."""
    monkeypatch.setattr("ccp.clients.ocsp_crl._ISSUER_SECONDS", 0.0)
    world.put()
    world.revoke(world.contract().leaf)
    report, (finding,) = world.run(world.make_cleansing(removes_unreachable=True))
    assert (report.unreachable, report.kept, finding.leaves) == (1, 1, False)
    assert "have taken too much time in this run" in finding.reason
    monkeypatch.undo()
    assert world.run()[0] == Report(records=1, revoked=1)
