"""A pool, and the workshop's PKIs, whose answers about certificates come over real HTTP."""

import base64
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from structlog.testing import capture_logs

from ccp.app import make_services
from ccp.cleansing import Cleansing, Limits, Removal, Report
from ccp.clients.clients import Clients
from ccp.config.settings import Settings
from ccp.domain.identifiers import Emaid, Pcid
from ccp.handlers import add_signed_contract_data
from ccp.store import SignedContractData, Store, read_audit_trail
from ccp.workshop import (
    EDITION_2,
    EDITIONS,
    ContractDraft,
    Edition,
    draft_contract,
    make_car,
    make_contract,
    make_pki,
)
from ccp.workshop.certificates import OCSP_PATH, Chain, Identity
from ccp.workshop.folder import save_pkis
from ccp.workshop.revocation import Revoker
from tests.awaited import awaited
from tests.builders import NOW, ORIGIN
from tests.clients.scripted import Asked, Says, Scripted
from tests.conftest import make_settings

EMAIDS = [f"DEWRKC0000000{n}" for n in range(1, 6)]


LIMITS = Limits.of(Settings.from_environment({}))
"""Those of a pool whose operator has set none."""


class World:
    """
    All of it.

    Attributes:
        now: The present of pool and PKI; may be changed.
        ocsp, crl: Whether OCSP and CRLs are answered; may be changed.

    Args:
        folder: Where it is; the store is there.
        service: Answers for the CAs.
        urls: Whether certificates name it.
        now: The present; all is made the day before.
    """

    def __init__(
        self,
        folder: Path,
        store: Store,
        service: Scripted,
        *,
        urls: bool = True,
        now: datetime = NOW,
    ) -> None:
        self.now = now
        self._made_at = now - timedelta(days=1)
        self.ocsp = self.crl = True
        self.store = store
        self.service = service
        self.folder = folder / "workshop"
        url = service.root if urls else None
        self.pkis = {one: make_pki(one, at=self._made_at, pki_url=url) for one in EDITIONS}
        save_pkis(self.folder, self.pkis.values())
        self.revoker = Revoker(self.folder, self.clock)
        self.settings = make_settings(folder, trust_dir=str(self.folder / "trust"))
        self.services = make_services(self.settings, store, self.clock, Clients())
        self.cleansing = self.make_cleansing()
        self._cars: dict[Edition, Chain] = {}
        self._contracts: dict[str, Chain] = {}
        service.script = self._answer

    def clock(self) -> datetime:
        """The present."""
        return self.now

    def make_cleansing(self, *, removes_unreachable: bool = False) -> Cleansing:
        """What cleanses the pool; it has asked nobody yet."""
        return Cleansing(
            self.store,
            self.services.trusted,
            self.clock,
            removes_unreachable=removes_unreachable,
            limits=LIMITS,
            audit_days=self.settings.audit_days,
        )

    def draft(
        self, emaid: str = EMAIDS[0], edition: Edition = EDITION_2, *, root: str = "A"
    ) -> ContractDraft:
        """A contract for the edition's car; each has one certificate."""
        pki = self.pkis[edition]
        if edition not in self._cars:
            self._cars[edition] = make_car(pki.oem, edition.pcid, at=self._made_at)
        contract = self.contract(emaid, edition)
        car = self._cars[edition].leaf.certificate
        return draft_contract(pki, emaid, car, at=self.now, root=root, contract=contract)

    def contract(self, emaid: str = EMAIDS[0], edition: Edition = EDITION_2) -> Chain:
        """The contract's certificate."""
        if emaid not in self._contracts:
            self._contracts[emaid] = make_contract(self.pkis[edition].emsp, emaid, at=self._made_at)
        return self._contracts[emaid]

    def put(self, emaid: str = EMAIDS[0], edition: Edition = EDITION_2, *, root: str = "A") -> None:
        """Put a contract into the pool, which verifies it."""
        body = self.draft(emaid, edition, root=root).put_body()
        awaited(
            add_signed_contract_data.handle(
                self.services,
                emaid=Emaid.parse(emaid),
                pcid=Pcid.parse(body["pcid"]),
                namespace=body["xsdMsgDefNamespace"],
                installation_res_exi=base64.b64decode(body["certificateInstallationRes"]),
                v2g_root_fingerprint=body["cpsV2GRootCertificateFingerprint"],
                origin=replace(ORIGIN, at=self.now),
            )
        )

    def revoke(self, one: Identity, reason: str = "cessationOfOperation") -> None:
        """Have a certificate revoked by its CA."""
        assert self.revoker.revoke(one.certificate, x509.ReasonFlags(reason))

    def run(self, cleansing: Cleansing | None = None, **how: Any) -> tuple[Report, list[Removal]]:
        """Cleanse the pool; what has come of it, and what was found."""
        findings: list[Removal] = []
        with capture_logs():
            report = awaited((cleansing or self.cleansing).run(ORIGIN, findings.append, **how))
        return report, findings

    def records(self, edition: Edition = EDITION_2) -> list[SignedContractData]:
        """What the pool has for the edition's car, the newest first."""
        found = self.store.find_by_pcid(Pcid.parse(edition.pcid), edition.namespace)
        return self.store.with_messages(found)

    def emaids(self, edition: Edition = EDITION_2) -> list[str]:
        """The contracts that the pool has for the edition's car, one for each record."""
        return sorted(record.emaid.text for record in self.records(edition))

    def trail(self) -> list[str]:
        """What was done besides putting, as the audit trail calls it."""
        actions = [line.action for line in read_audit_trail(self.settings.database_path)]
        return [action for action in actions if action != "put"]

    def asked(self, path: str = OCSP_PATH) -> int:
        """How often a path of the service was asked for, or one below it."""
        return sum(asked.path.startswith(path) for asked in self.service.asked)

    def _answer(self, asked: Asked) -> Says:
        if asked.path == OCSP_PATH:
            return Says(200, self.revoker.answer(asked.body)) if self.ocsp else Says(503)
        crl = self.revoker.find_crl(asked.path) if self.crl else None
        return Says(404) if crl is None else Says(200, crl)
