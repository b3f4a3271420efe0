"""A real pool to look at: contracts of both editions, cars that were answered, and refusals."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from itertools import islice
from pathlib import Path
from typing import Any

import httpx2

from ccp.workshop import (
    CONTRACT_FAULTS,
    EDITION_2,
    EDITION_20,
    EDITIONS,
    REQUEST_FAULTS,
    ContractDraft,
    Edition,
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
from tests.issuer import bearer, ec_key, jwt_settings
from tests.running import serving

NOW = datetime.now(UTC)
CARS = {EDITION_2: "WAUZZZ4B0CC012345", EDITION_20: "WAUZZZ4B0CC0123456"}
"""The PCID of a car of each edition, which has the contracts below."""
CONTRACTS = {
    EDITION_2: ("DE8AAC00000001", "FRXYZC00000002", "DE8AAC00000003"),
    EDITION_20: ("DE8AAC00000021", "NLABCC00000022"),
}
"""In the order in which they were put: the first is the default, the last is under both roots."""

_URL = f"{BASE}/signedcontractdata"
_LIFE = timedelta(days=730)  # of a contract
_PROVIDERS = ("DE8AA", "FRXYZ", "DE8AA", "NLABC", "DE8AA", "FRXYZ", "ATOEN")
_WMIS = ("WAU", "VF1", "WBA", "WAU", "YV1")
OTHERS = {EDITION_2: 12, EDITION_20: 7}
"""How many more cars there are, with a contract each."""
REFUSALS = 5
"""How many contracts, and how many requests, are refused in each edition."""
_CALLERS = {
    "PUT": {"role": "cps", "ids": ["4E05B892" * 8], "sub": "cps-a.example"},
    "POST": {"role": "cpo", "ids": ["DE8CP"], "sub": "csms.example"},
}


class Workshop:
    """Makes what an edition's cars and contracts need; its certificates are valid today."""

    def __init__(self, edition: Edition) -> None:
        self.edition = edition
        self.pki = make_pki(edition, at=NOW - timedelta(days=700))

    def car(self, pcid: str) -> Chain:
        """Make a car."""
        return make_car(self.pki.oem, pcid, at=NOW)

    def contract(
        self, emaid: str, car: Chain, *, root: str = "A", days: int = 400
    ) -> ContractDraft:
        """Make a contract for a car, which ends in so many days."""
        contract = make_contract(self.pki.emsp, emaid, at=NOW + timedelta(days=days) - _LIFE)
        certificate = car.leaf.certificate
        return draft_contract(self.pki, emaid, certificate, at=NOW, root=root, contract=contract)

    def request(self, car: Chain) -> RequestDraft:
        """Make what a car asks that has V2G root A."""
        roots = [self.pki.v2g_root("A").certificate]
        return draft_request(car, roots, at=NOW, edition=self.edition)


@dataclass(frozen=True)
class Furnished:
    """
    A pool with something in it, which asks who looks.

    Attributes:
        url: Where its pages are.
        workshops: Of what it trusts.
        refused: The trace ids of all that it has refused, in their order.
    """

    url: str
    workshops: Mapping[Edition, Workshop]
    refused: Sequence[str]

    @property
    def cookie(self) -> dict[str, str]:
        """What the browser of somebody has who is logged in."""
        return {"name": "ccp_operator", "value": token(sub="operator"), "url": self.url}


def token(**claims: Any) -> str:
    """A token for that pool, which is valid today; an operator's unless *claims* say otherwise."""
    return ec_key().token(at=NOW, **claims)


@contextmanager
def furnished(folder: Path) -> Iterator[Furnished]:
    """Serve a strict pool from a folder, in which is what its overview has something to say of."""
    workshops = {edition: Workshop(edition) for edition in EDITIONS}
    save_pkis(folder / "workshop", [workshop.pki for workshop in workshops.values()])
    settings = jwt_settings(folder, ec_key()) | {
        "trust_dir": str(folder / "workshop" / "trust"),
        "operations_bind": "127.0.0.1:0",
    }
    with serving(folder, workers=1, **settings) as server:
        with server.client() as client:
            refused = [
                trace_id
                for workshop in workshops.values()
                for trace_id in _furnish(workshop, client)
            ]
        yield Furnished(str(server.operators.base_url).rstrip("/"), workshops, refused)


def _furnish(workshop: Workshop, client: httpx2.Client) -> list[str]:
    """Put, ask, and have it refuse; returns the trace ids of refusals."""
    edition = workshop.edition
    refused = []

    def send(method: str, body: Mapping[str, Any], status: int) -> None:
        headers = bearer(token(**_CALLERS[method]))
        answer = client.request(method, _URL, json=body, headers=headers)
        assert answer.status_code == status, answer.text
        if status == HTTPStatus.BAD_REQUEST:
            refused.append(answer.json()["traceId"])

    car = workshop.car(CARS[edition])
    drafts = [workshop.contract(emaid, car, days=100) for emaid in CONTRACTS[edition]]
    drafts.append(workshop.contract(CONTRACTS[edition][-1], car, root="B", days=100))
    cars = [car]
    for number in range(OTHERS[edition]):
        wmi, provider = _WMIS[number % len(_WMIS)], _PROVIDERS[number % len(_PROVIDERS)]
        pcid = f"{wmi}{number:0{len(CARS[edition]) - len(wmi)}}"
        cars.append(workshop.car(pcid))
        emaid, root = f"{provider}C{edition.number:0>4}{number:04}", "B" if number % 3 else "A"
        drafts.append(workshop.contract(emaid, cars[-1], root=root, days=20 + 57 * number))
    for draft in drafts:
        send("PUT", draft.put_body(), 201)
    for one in cars:
        send("POST", workshop.request(one).post_body(), 200)
    stranger = workshop.car(CARS[edition].replace("WAU", "ZZZ"))
    send("POST", workshop.request(stranger).post_body(), 404)
    for fault in islice(CONTRACT_FAULTS[edition].values(), REFUSALS):
        send("PUT", fault.apply_fault(drafts[0]).put_body(), 400)
    for fault in islice(REQUEST_FAULTS[edition].values(), REFUSALS):
        send("POST", fault.apply_fault(workshop.request(car)).post_body(), 400)
    return refused
