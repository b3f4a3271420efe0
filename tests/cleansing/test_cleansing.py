"""What leaves the pool and what stays, with real certificates, answers and CRLs."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from ccp.cleansing import RemovalReason, Report
from ccp.commands.checking import all_problems
from ccp.domain.errors import ContractCertificateRevoked
from ccp.pki.ocsp import build_request
from ccp.store import Store
from ccp.workshop import EDITION_2, EDITIONS, Edition, make_contract, make_pki
from ccp.workshop.certificates import Validity, ca, issue, key_usage
from ccp.workshop.pki import fingerprint
from tests.builders import NOW, ORIGIN, record
from tests.cleansing.world import EMAIDS, World
from tests.clients.scripted import Says, scripted
from tests.trusted import MADE_AT

OF_A_CONTRACT = 3 + 3
"""Certificates that a record is asked for: two leaves, with two sub-CAs each."""


@pytest.mark.parametrize("edition", EDITIONS, ids=str)
def test_what_is_good_stays(world: World, edition: Edition) -> None:
    """Every certificate below the roots is asked about once, leaves and sub-CAs; nothing goes."""
    world.put(edition=edition)
    before = world.records(edition)
    assert world.run() == (Report(records=1, kept=1), [])
    assert world.records(edition) == before
    assert world.asked() == OF_A_CONTRACT
    assert world.asked("/crl") == 0
    assert world.trail() == []


def test_what_has_expired_leaves(world: World) -> None:
    """Nobody is asked; a default that has gone is not replaced, and others stay."""
    world.put(EMAIDS[0])
    world.put(EMAIDS[1])
    world.store.put(record(EMAIDS[2], world.records()[0].pcid.text, valid_to=NOW), ORIGIN)
    world.now = NOW + timedelta(seconds=1)
    report, (finding,) = world.run()
    assert (report.expired, report.kept, report.records) == (1, 2, 3)
    assert (finding.outcome, finding.reason) == (
        RemovalReason.EXPIRED,
        "valid until 2025-06-01T12:00:00Z",
    )
    assert world.emaids() == EMAIDS[:2]
    world.now = NOW + timedelta(days=365 * 2 + 1)
    report, findings = world.run(force=True)
    assert {finding.record.emaid.text for finding in findings} == set(EMAIDS[:2])
    assert report == Report(records=2, expired=2)
    assert world.emaids() == []
    assert world.trail() == ["cleanse-expired"] * 3


def test_a_car_whose_default_has_gone_gets_no_other(world: World) -> None:
    """The rule of delete: which contract a driver pays with is never chosen for them."""
    world.put(EMAIDS[0])
    world.put(EMAIDS[1])
    world.revoke(world.contract(EMAIDS[0]).leaf)
    world.run()
    assert [(one.emaid.text, one.is_default) for one in world.records()] == [(EMAIDS[1], False)]
    assert list(all_problems(world.settings.database_path)) == []


@pytest.mark.parametrize("edition", EDITIONS, ids=str)
def test_a_revoked_contract_leaves_in_all_its_variants(world: World, edition: Edition) -> None:
    """Others stay; and it cannot be put in again."""
    for root in "AB":
        world.put(EMAIDS[0], edition, root=root)
    world.put(EMAIDS[1], edition)
    world.revoke(world.contract(EMAIDS[0]).leaf)
    report, findings = world.run()
    assert report == Report(records=3, revoked=2, kept=1)
    assert {finding.reason for finding in findings} == {"the contract certificate is revoked"}
    assert world.emaids(edition) == [EMAIDS[1]]
    assert world.trail() == ["cleanse-revoked"] * 2
    with pytest.raises(ContractCertificateRevoked):
        world.put(EMAIDS[0], edition)


def test_a_contract_on_hold_leaves_and_may_come_back(world: World) -> None:
    """Its certificate is not kept as revoked for ever."""
    world.put()
    world.revoke(world.contract().leaf, "certificateHold")
    report, (finding,) = world.run()
    assert (report.revoked, finding.reason) == (1, "the contract certificate is on hold")
    world.put()
    assert world.emaids() == EMAIDS[:1]


def test_what_a_revoked_cps_has_signed_leaves(world: World) -> None:
    """A car believes it no longer; the variant of another CPS stays, and the contract is good."""
    for root in "AB":
        world.put(root=root)
    world.revoke(world.pkis[EDITION_2].cps["A"].leaf)
    report, (finding,) = world.run()
    assert (report.revoked, report.kept) == (1, 1)
    assert finding.reason == "the CPS certificate is revoked"
    (left,) = world.records()
    root = fingerprint(world.pkis[EDITION_2].v2g_root("B"))
    assert (left.v2g_root_fingerprint, left.is_default) == (root, True)
    assert not world.store.is_revoked(left.contract_certificate_der)


@pytest.mark.parametrize("which", ["sub_1", "sub_2"])
def test_what_a_revoked_ca_has_issued_leaves(world: World, which: str) -> None:
    """All of it, of either sub-CA."""
    world.put(EMAIDS[0])
    world.put(EMAIDS[1], root="B")
    world.revoke(getattr(world.pkis[EDITION_2].emsp, which))
    report, findings = world.run()
    assert report == Report(records=2, revoked=2)
    assert {finding.reason for finding in findings} == {
        "the CA of the contract certificate is revoked"
    }


def test_where_ocsp_fails_crls_tell(world: World) -> None:
    """One for each CA, however many contracts it has issued."""
    world.ocsp = False
    for emaid in EMAIDS:
        world.put(emaid)
    world.revoke(world.contract(EMAIDS[2]).leaf)
    report, (finding,) = world.run()
    assert report == Report(records=5, revoked=1, kept=4)
    assert finding.record.emaid.text == EMAIDS[2]
    cas = 2 * 3  # a root and two sub-CAs, of the eMSP and of the V2G PKI
    assert world.asked("/crl") == cas


@pytest.mark.parametrize("removes", [False, True])
def test_where_nobody_tells_the_setting_decides(world: World, removes: bool) -> None:
    """Kept, and told why; or removed, and not barred."""
    world.ocsp = world.crl = False
    world.put()
    cleansing = world.make_cleansing(removes_unreachable=removes)
    report, (finding,) = world.run(cleansing)
    assert report == Report(records=1, unreachable=1, kept=not removes)
    assert (finding.outcome, finding.leaves) == (RemovalReason.UNREACHABLE, removes)
    assert finding.reason.startswith("the status of the contract certificate is unknown: OCSP at")
    assert "status 503; CRL at" in finding.reason
    assert len(world.records()) == (not removes)
    assert world.trail() == ["cleanse-unreachable"] * removes
    world.ocsp = True
    world.put()
    assert world.run() == (Report(records=1, kept=1), [])


def test_revoked_says_more_than_unreachable(world: World) -> None:
    """One certificate that is known to be revoked is enough."""
    world.put()
    cps = world.pkis[EDITION_2].cps["A"]
    world.revoke(cps.leaf)
    known = build_request(cps.leaf.der, cps.authority.sub_2.der)
    answer = world.service.script
    world.service.script = lambda asked: answer(asked) if asked.body == known else Says(503)
    report, (finding,) = world.run()
    assert (report.revoked, report.unreachable) == (1, 0)
    assert finding.reason == "the CPS certificate is revoked"


def test_certificates_that_name_nobody_are_counted_and_stay(tmp_path: Path, store: Store) -> None:
    """That is not the same as nobody answering."""
    with scripted(Says(500)) as service:
        world = World(tmp_path, store, service, urls=False)
        world.put()
        report, findings = world.run(world.make_cleansing(removes_unreachable=True))
    assert (report, findings) == (Report(records=1, without_url=1, kept=1), [])
    assert service.asked == []


def test_what_is_not_proved_is_not_asked_about(world: World) -> None:
    """Whoever can put something into a pool in lab mode does not choose whom the pool asks."""
    with scripted(Says(500)) as stranger:
        foreign = make_pki(at=MADE_AT, pki_url=stranger.root)
        draft = world.draft()
        draft = replace(draft, contract=make_contract(foreign.emsp, EMAIDS[0], at=NOW))
        put(world, draft.exi())
        report, findings = world.run(world.make_cleansing(removes_unreachable=True))
        assert (report, findings) == (Report(records=1, unproved=1, kept=1), [])
        assert stranger.asked == []
    assert world.asked() == 3  # for the CPS chain, which is proved


def test_a_certificate_beside_the_chain_is_not_asked_about(world: World) -> None:
    """Not even one with the name and the key of a CA that is trusted."""
    with scripted(Says(500)) as stranger:
        emsp = world.pkis[EDITION_2].emsp
        beside = issue(
            emsp.sub_1.certificate.subject,
            Validity.years(1, at=MADE_AT),
            make_pki(at=MADE_AT).emsp.root,
            constraints=ca(1),
            usage=key_usage(ca=True),
            key=emsp.sub_1.key,
            short_key_id=False,
            pki_url=stranger.root,
        )
        for place in range(3):
            draft = world.draft(EMAIDS[place])

            def tamper(message, place=place):
                chain = message.body.contract_signature_cert_chain
                subs = [*chain.sub_certificates]
                subs.insert(place, beside.der)
                chain = replace(chain, sub_certificates=subs)
                return replace(
                    message, body=replace(message.body, contract_signature_cert_chain=chain)
                )

            put(world, replace(draft, tamper=tamper).exi(), EMAIDS[place])
        report, _ = world.run()
        assert report.records == 3
        assert stranger.asked == []


def put(world: World, exi: bytes, emaid: str = EMAIDS[0]) -> None:
    """Store a message as lab mode does, unverified."""
    made = record(emaid, EDITION_2.pcid, exi=exi, valid_to=NOW + timedelta(days=1))
    world.store.put(made, ORIGIN)


def test_a_message_that_cannot_be_read_stays(world: World) -> None:
    """`ccp check` tells of it; others are looked at all the same."""
    put(world, b"nonsense", EMAIDS[0])
    world.put(EMAIDS[1])
    world.revoke(world.contract(EMAIDS[1]).leaf)
    report, (finding,) = world.run()
    assert report == Report(records=2, revoked=1, unproved=1, kept=1)
    assert finding.record.emaid.text == EMAIDS[1]


def test_without_revocation_nobody_is_asked(world: World) -> None:
    """And no message is read: only the end of validity counts."""
    world.put(EMAIDS[0])
    world.revoke(world.contract(EMAIDS[0]).leaf)
    world.store.put(record(EMAIDS[1], EDITION_2.pcid, valid_to=NOW - timedelta(1)), ORIGIN)
    report, _ = world.run(revocation=False)
    assert report == Report(records=2, expired=1, kept=1)
    assert world.service.asked == []
    assert world.emaids() == EMAIDS[:1]


def test_a_dry_run_changes_nothing(world: World) -> None:
    """It says the same, and what it says is then true."""
    world.put(EMAIDS[0])
    world.put(EMAIDS[1])
    world.revoke(world.contract(EMAIDS[0]).leaf)
    world.store.put(record(EMAIDS[2], EDITION_2.pcid, valid_to=NOW - timedelta(1)), ORIGIN)
    before = world.records()
    told = world.run(dry_run=True)
    assert told[0] == Report(records=3, expired=1, revoked=1, kept=1)
    assert (world.records(), world.trail()) == (before, [])
    assert not world.store.is_revoked(world.contract(EMAIDS[0]).leaf.der)
    assert world.run() == told
    assert world.emaids() == EMAIDS[1:2]


def test_a_record_that_is_replaced_while_its_ca_is_asked_stays(world: World) -> None:
    """What was judged is no longer there, and what is there was not judged."""
    world.put()
    world.revoke(world.pkis[EDITION_2].cps["A"].leaf)
    answer = world.service.script

    def meanwhile(asked):
        if len(world.service.asked) == 1:
            world.put()
        return answer(asked)

    world.service.script = meanwhile
    report, findings = world.run()
    assert (report, findings) == (Report(records=1, kept=1), [])
    assert world.emaids() == EMAIDS[:1]


def test_many_are_done_a_few_at_a_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same comes of it; and whoever waits is told how many they were."""
    monkeypatch.setattr("ccp.store.reads._BATCH", 2)
    for emaid in EMAIDS:
        world.put(emaid)
        world.revoke(world.contract(emaid).leaf)
    progress: list[int] = []
    report, _ = world.run(progress=progress.append)
    assert report == Report(records=5, revoked=5)
    assert progress == [2, 2, 1]
    assert world.emaids() == []


def test_what_the_pool_has_had_revoked_leaves(world: World) -> None:
    """As after a deletion that was broken off behind the revocation; nobody has to be asked."""
    world.put(EMAIDS[0])
    world.put(EMAIDS[1])
    (first,) = [one for one in world.records() if one.emaid.text == EMAIDS[0]]
    world.store.record_revoked(first.emaid, first.contract_certificate_der, ORIGIN)
    world.ocsp = world.crl = False
    report, findings = world.run()
    assert (report.revoked, report.unreachable, report.kept) == (1, 1, 1)
    (gone,) = [one for one in findings if one.leaves]  # it leaves once all are counted
    assert gone.reason == "the pool has had the contract certificate revoked"
    assert world.emaids() == [EMAIDS[1]]


def test_who_is_left_alone_costs_nobody_a_contract(world: World) -> None:
    """A responder that fails for a moment costs those that it was asked about, and no others."""
    for number in range(40):
        world.put(f"DEWRKC0000{number:04}")
    world.service.script = lambda _: Says(503)
    report, findings = world.run(world.make_cleansing(removes_unreachable=True), dry_run=True)
    assert report.unreachable == 40
    assert report.kept >= 30
    assert {finding.leaves for finding in findings} == {True, False}
