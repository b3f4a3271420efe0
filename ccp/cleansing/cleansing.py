"""One walk through all records: what has expired or is revoked leaves the pool."""

import asyncio
import hashlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple

import structlog

from ccp.cleansing.findings import Removal, RemovalReason, Report
from ccp.cleansing.limits import Limits
from ccp.cleansing.links import CONTRACT, Link, Links
from ccp.cleansing.statuses import Statuses, StatusUnavailable
from ccp.clients.ocsp_crl import OcspCrlClient
from ccp.domain.origin import Origin
from ccp.pki.revocation import Status
from ccp.store import SignedContractData, Store
from ccp.trust.current import TrustStore

log = structlog.get_logger()

_AT_ONCE = 100  # records that are removed in one transaction
_TRIM_REST_SECONDS = 0.05


class _Leaving(NamedTuple):
    """
    A record that is to leave once all are counted.

    Attributes:
        finding: Its record is without message and certificate, which may be very many together.
        digest: SHA-256 of its message.
    """

    finding: Removal
    digest: bytes

    @classmethod
    def of(cls, finding: Removal) -> "_Leaving":
        record = finding.record
        light = replace(record, installation_res_exi=b"", contract_certificate_der=b"")
        digest = hashlib.sha256(record.installation_res_exi).digest()
        return cls(replace(finding, record=light), digest)


class Cleansing:
    """
    Cleanses one pool, again and again; used by one event loop, which it keeps busy.

    Args:
        trusted: The anchors; see `Links`.
        clock: Gives the present moment, aware UTC.
        removes_unreachable: Whether a record whose status cannot be had leaves the pool.
        limits: Of what one run may remove.
        last_run: Returns the moment of the last run, aware UTC; None where it is not known.
        audit_days: Lines of the audit trail that are older are removed; 0 keeps all.
    """

    def __init__(
        self,
        store: Store,
        trusted: TrustStore,
        clock: Callable[[], datetime],
        *,
        removes_unreachable: bool,
        limits: Limits,
        last_run: Callable[[], datetime | None] = lambda: None,
        audit_days: int = 0,
    ) -> None:
        self._store = store
        self._links = Links(trusted, clock)
        self._statuses = Statuses(clock)
        self._clock = clock
        self._removes_unreachable = removes_unreachable
        self._limits = limits
        self._last_run = last_run
        self._audit_days = audit_days

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
        note: Callable[[Removal], None] = lambda _: None,
        *,
        dry_run: bool = False,
        revocation: bool = True,
        force: bool = False,
        rest: float = 0,
        progress: Callable[[int], None] = lambda _: None,
    ) -> Report:
        """
        Walk through all records; where it is cancelled it leaves off.

        Records that have expired leave first. Others leave after the walk, when all are counted.

        Args:
            origin: For the audit trail; its moments are those at which records leave.
            note: Told of each record that has left, and of each whose status cannot be had.
            dry_run: Nothing leaves; what would is told all the same.
            revocation: Whether CAs are asked; if not, no message is decoded.
            force: Whether a person has confirmed the run, so that no limit holds.
            rest: After a few records it pauses, so many times as long as the processor took.
            progress: Told then how many records they were.
        Raises:
            CleansingRefused: A limit would be exceeded. Expired records may have left, if they are
                within the limit; no other has.
            StoreBusy, StoreFull: See `Store`; what has left until then has left.
        """
        report, leaving = Report(), list[_Leaving]()
        is_bounded = not (force or dry_run)
        begun_at = self._clock()
        stored = self._require_limits(begun_at) if is_bounded else 0
        ended_before = None if revocation else begun_at
        async with OcspCrlClient.connected() as client:
            for batch in self._store.iter_batches(ended_before=ended_before):
                begun = time.thread_time()
                report.records += batch.size
                report.kept += batch.size
                findings = await self._judge(batch.records, client, report)
                if is_bounded:
                    leaving += [_Leaving.of(one) for one in findings if one.leaves_last]
                    findings = [one for one in findings if not one.leaves_last]
                    # Each batch again: the clock may jump during a run.
                    going = report.expired + sum(one.leaves for one in findings) + len(leaving)
                    self._limits.require_few(going, stored)
                for finding in findings if dry_run else self._remove(findings, origin):
                    report.count(finding)
                    note(finding)
                progress(batch.size)
                await asyncio.sleep(rest * (time.thread_time() - begun))
        for finding in self._remove_unchanged(leaving, origin):
            report.count(finding)
            note(finding)
            await asyncio.sleep(0)
        if not dry_run:
            await self._trim_audit(origin, at=begun_at)
        return report

    def _require_limits(self, now: datetime) -> int:
        """Check the clock and the number of expired records; return how many are stored."""
        known = [self._store.last_write_at(), self._last_run()]
        self._limits.require_clock(now, max(filter(None, known), default=None))
        counts = self._store.count_records(at=now, days=())
        stored = sum(one.stored for one in counts)
        self._limits.require_few(sum(one.expired for one in counts), stored)
        return stored

    async def _trim_audit(self, origin: Origin, *, at: datetime) -> None:
        if not self._audit_days:
            return
        total, position = 0, 0
        before = at - timedelta(days=self._audit_days)
        while True:
            trimmed = self._store.trim_audit(
                replace(origin, at=at), before=before, after=position, is_noted=total > 0
            )
            if trimmed.position == position:
                break
            total, position = total + trimmed.removed, trimmed.position
            await asyncio.sleep(_TRIM_REST_SECONDS)  # others write meanwhile
        if total:
            log.info(
                "old lines of the audit trail were removed", lines=total, before=f"{before:%FT%TZ}"
            )

    async def _judge(
        self, records: Iterable[SignedContractData], client: OcspCrlClient, report: Report
    ) -> list[Removal]:
        at = self._clock()
        findings, asking = [], []
        for record in records:
            if record.valid_to < at:
                ended = f"valid until {record.valid_to:%FT%TZ}"
                findings.append(Removal(record, RemovalReason.EXPIRED, ended))
                continue
            if self._store.is_revoked(record.contract_certificate_der):  # and not yet deleted
                known = f"the pool has had the {CONTRACT} revoked"
                findings.append(Removal(record, RemovalReason.REVOKED, known))
                continue
            links, is_proved = self._links.of(record)
            report.unproved += not is_proved
            asking.append(self._ask(record, links, client, report))
        return [*findings, *filter(None, await asyncio.gather(*asking))]

    async def _ask(
        self,
        record: SignedContractData,
        links: list[Link],
        client: OcspCrlClient,
        report: Report,
    ) -> Removal | None:
        """Ask about each certificate; that one is revoked says more than that one is unknown."""
        answers = await asyncio.gather(*(self._answer(link, client) for link in links))
        report.without_url += None in answers
        found = list(zip(links, answers, strict=True))
        for link, answer in found:
            if answer in (Status.REVOKED, Status.ON_HOLD):
                bars = link.whose == CONTRACT and answer is Status.REVOKED
                reason = f"the {link.whose} is {answer.value}"
                return Removal(record, RemovalReason.REVOKED, reason, bars=bars)
        for link, answer in found:
            if isinstance(answer, StatusUnavailable):
                reason = f"the status of the {link.whose} is unknown: {answer}"
                # What fails for a moment costs those that were asked then, and no others.
                leaves = self._removes_unreachable and answer.was_asked
                return Removal(record, RemovalReason.UNREACHABLE, reason, leaves=leaves)
        return None

    async def _answer(self, link: Link, client: OcspCrlClient) -> Status | StatusUnavailable | None:
        try:
            return await self._statuses.find(link.certificate, link.issuer, client)
        except StatusUnavailable as error:
            return error

    def _remove_unchanged(self, leaving: Iterable[_Leaving], origin: Origin) -> Iterator[Removal]:
        """Remove records that are as they were when they were judged, some at a time."""
        rest = iter(leaving)
        while batch := list(islice(rest, _AT_ONCE)):
            yield from self._remove(list(filter(None, map(self._reload, batch))), origin)

    def _reload(self, leaving: _Leaving) -> Removal | None:
        """Load a record again; None where it has left, or was replaced."""
        known = leaving.finding.record
        root = known.v2g_root_fingerprint
        for record in self._store.find_by_emaid(
            known.emaid, known.namespace, pcid=known.pcid, v2g_root_fingerprint=root
        ):
            digest = hashlib.sha256(record.installation_res_exi).digest()
            if record.v2g_root_fingerprint == root and digest == leaving.digest:
                return replace(leaving.finding, record=record)
        return None

    def _remove(self, findings: Sequence[Removal], origin: Origin) -> list[Removal]:
        """Remove what leaves; give that, and what stays though something was found."""
        origin = replace(origin, at=self._clock())
        groups: defaultdict[tuple[RemovalReason, bool], list[SignedContractData]] = defaultdict(
            list
        )
        for finding in findings:
            if finding.leaves:
                groups[finding.outcome, finding.bars].append(finding.record)
        gone: list[SignedContractData] = []
        for (outcome, bars), records in groups.items():
            gone += self._store.remove(records, outcome.action, origin, bars=bars)
        return [finding for finding in findings if not finding.leaves or finding.record in gone]
