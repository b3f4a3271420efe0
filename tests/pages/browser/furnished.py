"""A real pool to look at: contracts of both editions, cars that were answered, and refusals."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

import httpx2

from ccp.workshop import (
    CONTRACT_FAULTS,
    EDITION_2,
    EDITION_20,
    EDITIONS,
    REQUEST_FAULTS,
    ContractDraft,
    Edition,
    Pki,
    RequestDraft,
    draft_contract,
    draft_request,
    make_car,
    make_contract,
    make_pki,
)
from ccp.workshop.certificates import Chain
from ccp.workshop.folder import save_pkis
from tests.builders import BASE
from tests.running import Server, serving

NOW = datetime.now(UTC)
URL = f"{BASE}/signedcontractdata"
EMAID = "DE8AAC12345678"
"""A contract that is stored in two variants, one under each V2G root."""
PCID = "WAUZZZ4B0CC012345"
"""Its car, which has two more; the first of all is its default."""
DEFAULT = "DE8AAC00000001"
PCID_20 = "WAUZZZ4B0CC0123456"
"""A car of ISO 15118-20."""

_LIFE = timedelta(days=730)  # of a contract
_PROVIDERS = ("DE8AA", "FRXYZ", "DE8AA", "NLABC", "DE8AA", "FRXYZ")
_WMIS = ("WAU", "VF1", "WAU", "YV1")
_CARS = {EDITION_2: 12, EDITION_20: 7}


class Furnisher:
    """Makes what a pool is furnished with; its anchors are in the folder *trust*."""

    def __init__(self, folder: Path) -> None:
        self._pkis = {edition: make_pki(edition, at=NOW - timedelta(days=700)) for edition in EDITIONS}
        save_pkis(folder, self._pkis.values())
        self.trust = folder / "trust"

    def car(self, edition: Edition, pcid: str) -> Chain:
        """A car."""
        return make_car(self._pkis[edition].oem, pcid, at=NOW)

    def contract(
        self, edition: Edition, emaid: str, car: Chain, *, days: int = 400, root: str = "A"
    ) -> ContractDraft:
        """A contract for a car, which ends in so many days."""
        pki = self._pkis[edition]
        contract = make_contract(pki.emsp, emaid, at=NOW + timedelta(days=days) - _LIFE)
        return draft_contract(
            pki, emaid, car.leaf.certificate, at=NOW, root=root, contract=contract
        )

    def request(self, edition: Edition, car: Chain) -> RequestDraft:
        """What a car asks, that has V2G root A."""
        roots = [self._pkis[edition].v2g_root("A").certificate]
        return draft_request(car, roots, at=NOW, edition=edition)
