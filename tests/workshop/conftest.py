"""One PKI, made at the tests' present; a car and its contract."""

import pytest

from ccp.workshop import (
    ContractDraft,
    Pki,
    RequestDraft,
    draft_contract,
    draft_request,
    make_car,
    make_pki,
)
from ccp.workshop.certificates import Chain
from tests.builders import NOW

EMAID = "DEWRKC00000001"
PCID = "WRKSH0PCAR0000001"
SESSION = bytes.fromhex("2A3DC6D75411F647")


@pytest.fixture(scope="session")
def pki() -> Pki:
    """A PKI that is valid at NOW."""
    return make_pki(at=NOW)


@pytest.fixture(scope="session")
def car(pki: Pki) -> Chain:
    """A car."""
    return make_car(pki.oem, PCID, at=NOW)


@pytest.fixture(scope="session")
def contract_draft(pki: Pki, car: Chain) -> ContractDraft:
    """A contract for the car, nothing wrong with it."""
    return draft_contract(pki, EMAID, car.leaf.certificate, at=NOW)


@pytest.fixture(scope="session")
def request_draft(pki: Pki, car: Chain) -> RequestDraft:
    """A request of the car, which has V2G root A."""
    return draft_request(car, [pki.v2g_root("A").certificate], at=NOW, session_id=SESSION)
