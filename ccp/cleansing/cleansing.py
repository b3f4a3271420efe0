"""One walk through all records: what has expired or is revoked leaves the pool."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from ccp.cleansing.findings import Finding, Outcome, Report
from ccp.cleansing.links import CONTRACT, Link, Links
from ccp.cleansing.statuses import Statuses, StatusUnavailable
from ccp.origin import Origin
from ccp.peers.responders import Responders
from ccp.pki.revocation import Status
from ccp.pki.trusted import TrustedNow
from ccp.store import SignedContractData, Store


class Cleansing:
    """
    Cleanses one pool, again and again; used by one event loop, which it keeps busy.

    Args:
        trusted: The anchors; see `Links`.
        clock: Gives the present moment, aware UTC.
        removes_unreachable: Whether a record whose status cannot be had leaves the pool.
    """

    def __init__(
        self,
        store: Store,
        trusted: TrustedNow,
        clock: Callable[[], datetime],
        *,
        removes_unreachable: bool,
    ) -> None:
        self._store = store
        self._links = Links(trusted, clock)
        self._statuses = Statuses(clock)
        self._clock = clock
        self._removes_unreachable = removes_unreachable

    @property
    def can_prove(self) -> bool:
        """Whether there are valid roots, if any are configured: a root pool may have given none."""
        trust, now = self._links.trust, self._clock()
        return all(
            anchors.has_valid_root(now) or not anchors.configured
            for anchors in (trust.v2g, trust.contracts)
        )

    async def run(
        self,
        origin: Origin,
        note: Callable[[Finding], None] = lambda _: None,
        *,
        dry_run: bool = False,
        revocation: bool = True,
        rest: float = 0,
        progress: Callable[[int], None] = lambda _: None,
    ) -> Report:
        """
        Walk through all records; where it is cancelled it leaves off.

        Args:
            origin: For the audit trail; its moments are those at which records leave.
            note: Told of each record that has left, and of each whose status cannot be had.
            dry_run: Nothing leaves; what would is told all the same.
            revocation: Whether CAs are asked; if not, no message is decoded.
            rest: After a few records it pauses, so many times as long as the processor took.
            progress: Told then how many records they were.
        Raises:
            StoreBusy, StoreFull: See `Store`; what has left until then has left.
        """
        report = Report()
        ended_before = None if revocation else self._clock()
        async with Responders.connected() as responders:
            for batch in self._store.walk(ended_before=ended_before):
                begun = time.thread_time()
                report.records += batch.size
                report.kept += batch.size
                findings = await self._judge(batch.records, responders, report)
                for finding in findings if dry_run else self._remove(findings, origin):
                    report.count(finding)
                    note(finding)
                progress(batch.size)
                await asyncio.sleep(rest * (time.thread_time() - begun))
        return report

    async def _judge(
        self, records: Iterable[SignedContractData], responders: Responders, report: Report
    ) -> list[Finding]:
        at = self._clock()
        findings, asking = [], []
        for record in records:
            if record.valid_to < at:
                ended = f"valid until {record.valid_to:%FT%TZ}"
                findings.append(Finding(record, Outcome.EXPIRED, ended))
                continue
            if self._store.is_revoked(record.contract_certificate_der):  # and not yet deleted
                known = f"the pool has had the {CONTRACT} revoked"
                findings.append(Finding(record, Outcome.REVOKED, known))
                continue
            links, is_proved = self._links.of(record)
            report.unproved += not is_proved
            asking.append(self._ask(record, links, responders, report))
        return [*findings, *filter(None, await asyncio.gather(*asking))]

    async def _ask(
        self,
        record: SignedContractData,
        links: list[Link],
        responders: Responders,
        report: Report,
    ) -> Finding | None:
        """Ask about each certificate; that one is revoked says more than that one is unknown."""
        answers = await asyncio.gather(*(self._answer(link, responders) for link in links))
        report.without_url += None in answers
        found = list(zip(links, answers, strict=True))
        for link, answer in found:
            if answer in (Status.REVOKED, Status.ON_HOLD):
                bars = link.whose == CONTRACT and answer is Status.REVOKED
                reason = f"the {link.whose} is {answer.value}"
                return Finding(record, Outcome.REVOKED, reason, bars=bars)
        for link, answer in found:
            if isinstance(answer, StatusUnavailable):
                reason = f"the status of the {link.whose} is unknown: {answer}"
                # What fails for a moment costs those that were asked then, and no others.
                leaves = self._removes_unreachable and answer.was_asked
                return Finding(record, Outcome.UNREACHABLE, reason, leaves=leaves)
        return None

    async def _answer(
        self, link: Link, responders: Responders
    ) -> Status | StatusUnavailable | None:
        try:
            return await self._statuses.find(link.certificate, link.issuer, responders)
        except StatusUnavailable as error:
            return error

    def _remove(self, findings: Sequence[Finding], origin: Origin) -> list[Finding]:
        """Remove what leaves; give that, and what stays though something was found."""
        origin = replace(origin, at=self._clock())
        groups: defaultdict[tuple[Outcome, bool], list[SignedContractData]] = defaultdict(list)
        for finding in findings:
            if finding.leaves:
                groups[finding.outcome, finding.bars].append(finding.record)
        gone: list[SignedContractData] = []
        for (outcome, bars), records in groups.items():
            gone += self._store.remove(records, outcome.action, origin, bars=bars)
        return [finding for finding in findings if not finding.leaves or finding.record in gone]
