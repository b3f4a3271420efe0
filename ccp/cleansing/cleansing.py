"""The cleansing of one pool: examines all records, and removes the expired and revoked ones."""

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

from ccp.cleansing.limits import Limits
from ccp.cleansing.links import CONTRACT, Link, Links
from ccp.cleansing.removal import Removal, RemovalReason, Report
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
    A record that is to be removed after all are counted.

    Attributes:
        removal: The removal. Its record has neither message nor certificate, to save memory.
        digest: SHA-256 of the record's message.
    """

    removal: Removal
    digest: bytes

    @classmethod
    def of(cls, removal: Removal) -> "_Leaving":
        record = removal.record
        light = replace(record, installation_res_exi=b"", contract_certificate_der=b"")
        digest = hashlib.sha256(record.installation_res_exi).digest()
        return cls(replace(removal, record=light), digest)


class Cleansing:
    """
    Cleanses one pool. It blocks its event loop, so it has one of its own.

    Args:
        trusted: The trust anchors; see `Links`.
        clock: Returns the present moment, aware UTC.
        removes_unreachable: Whether a record is removed if its status cannot be found.
        limits: The limits of one run.
        last_run: Returns the moment of the last run, aware UTC; None if it is unknown.
        audit_days: Age in days from which lines of the audit trail are removed; 0 keeps all.
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
        """Whether each configured kind of anchors has a valid root; a root pool may lack them."""
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
        Examine all records in batches, and remove those that must go. A run can be cancelled.

        Expired records are removed with their batch. Others are removed at the end, when all are
        counted.

        Args:
            origin: The origin of the removals, for the audit trail.
            note: Called with each removal, also if the record is kept as its status is unknown.
            dry_run: Whether to remove nothing. *note* is called all the same.
            revocation: Whether to ask OCSP responders and CRLs. If not, no message is decoded.
            force: Whether a person has confirmed the run, so that no limit applies.
            rest: Pause after each batch, as a multiple of the processor time that it took.
            progress: Called after each batch with the number of its records.
        Raises:
            CleansingRefused: A limit would be exceeded. Expired records within the limit may have
                been removed; no other record has.
            StoreBusy, StoreFull: See `Store`. Earlier batches stay removed.
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
                removals = await self._examine(batch.records, client, report)
                if is_bounded:
                    leaving += [_Leaving.of(one) for one in removals if one.leaves_last]
                    removals = [one for one in removals if not one.leaves_last]
                    # Each batch again: the clock may jump during a run.
                    going = report.expired + sum(one.leaves for one in removals) + len(leaving)
                    self._limits.require_few(going, stored)
                for removal in removals if dry_run else self._remove(removals, origin):
                    report.count(removal)
                    note(removal)
                progress(batch.size)
                await asyncio.sleep(rest * (time.thread_time() - begun))
        for removal in self._remove_unchanged(leaving, origin):
            report.count(removal)
            note(removal)
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
            await asyncio.sleep(_TRIM_REST_SECONDS)  # lets other writers in
        if total:
            log.info("audit trail trimmed", lines=total, before=f"{before:%FT%TZ}")

    async def _examine(
        self, records: Iterable[SignedContractData], client: OcspCrlClient, report: Report
    ) -> list[Removal]:
        at = self._clock()
        removals, asking = [], []
        for record in records:
            if record.valid_to < at:
                ended = f"valid until {record.valid_to:%FT%TZ}"
                removals.append(Removal(record, RemovalReason.EXPIRED, ended))
                continue
            if self._store.is_revoked(record.contract_certificate_der):  # not deleted yet
                known = f"the pool has had the {CONTRACT} revoked"
                removals.append(Removal(record, RemovalReason.REVOKED, known))
                continue
            links, is_proved = self._links.of(record)
            report.unproved += not is_proved
            asking.append(self._ask(record, links, client, report))
        return [*removals, *filter(None, await asyncio.gather(*asking))]

    async def _ask(
        self,
        record: SignedContractData,
        links: list[Link],
        client: OcspCrlClient,
        report: Report,
    ) -> Removal | None:
        """Find the status of each certificate. A revoked one outweighs an unknown one."""
        answers = await asyncio.gather(*(self._answer(link, client) for link in links))
        report.without_url += None in answers
        found = list(zip(links, answers, strict=True))
        for link, answer in found:
            if answer in (Status.REVOKED, Status.ON_HOLD):
                revoke = link.whose == CONTRACT and answer is Status.REVOKED
                reason = f"the {link.whose} is {answer.value}"
                return Removal(record, RemovalReason.REVOKED, reason, revoke=revoke)
        for link, answer in found:
            if isinstance(answer, StatusUnavailable):
                reason = f"the status of the {link.whose} is unknown: {answer}"
                # A record whose responders were not asked, as their circuit is open, stays.
                leaves = self._removes_unreachable and answer.was_asked
                return Removal(record, RemovalReason.UNREACHABLE, reason, leaves=leaves)
        return None

    async def _answer(self, link: Link, client: OcspCrlClient) -> Status | StatusUnavailable | None:
        try:
            return await self._statuses.find(link.certificate, link.issuer, client)
        except StatusUnavailable as error:
            return error

    def _remove_unchanged(self, leaving: Iterable[_Leaving], origin: Origin) -> Iterator[Removal]:
        """Remove records in batches, except those that were replaced since they were examined."""
        rest = iter(leaving)
        while batch := list(islice(rest, _AT_ONCE)):
            yield from self._remove(list(filter(None, map(self._reload, batch))), origin)

    def _reload(self, leaving: _Leaving) -> Removal | None:
        """Load a record again; return None if it was removed or replaced."""
        known = leaving.removal.record
        root = known.v2g_root_fingerprint
        for record in self._store.find_by_emaid(
            known.emaid, known.namespace, pcid=known.pcid, v2g_root_fingerprint=root
        ):
            digest = hashlib.sha256(record.installation_res_exi).digest()
            if record.v2g_root_fingerprint == root and digest == leaving.digest:
                return replace(leaving.removal, record=record)
        return None

    def _remove(self, removals: Sequence[Removal], origin: Origin) -> list[Removal]:
        """Remove records; return what was removed, and what is kept with its status unknown."""
        origin = replace(origin, at=self._clock())
        groups: defaultdict[tuple[RemovalReason, bool], list[SignedContractData]] = defaultdict(
            list
        )
        for removal in removals:
            if removal.leaves:
                groups[removal.outcome, removal.revoke].append(removal.record)
        gone: list[SignedContractData] = []
        for (outcome, revoke), records in groups.items():
            gone += self._store.remove(records, outcome.action, origin, revoke=revoke)
        return [removal for removal in removals if not removal.leaves or removal.record in gone]
