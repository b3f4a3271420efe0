"""One PKI of each edition, made at the tests' present; a car and its contract."""

import pytest

from ccp.workshop import (
    EDITION_2,
    EDITION_20,
    EDITIONS,
    ContractDraft,
    Edition,
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
SESSION = bytes.fromhex("2A3DC6D75411F647")

only_2 = pytest.mark.parametrize("edition", [EDITION_2], indirect=True, ids=str)
only_20 = pytest.mark.parametrize("edition", [EDITION_20], indirect=True, ids=str)


@pytest.fixture(scope="session", params=EDITIONS, ids=str)
def edition(request: pytest.FixtureRequest) -> Edition:
    """Each edition in turn."""
    edition: Edition = request.param
    return edition


@pytest.fixture(scope="session")
def pki(edition: Edition) -> Pki:
    """A PKI that is valid at NOW."""
    return make_pki(edition, at=NOW)


@pytest.fixture(scope="session")
def car(pki: Pki) -> Chain:
    """A car."""
    return make_car(pki.oem, pki.edition.pcid, at=NOW)


@pytest.fixture(scope="session")
def contract_draft(pki: Pki, car: Chain) -> ContractDraft:
    """A contract for the car, nothing wrong with it."""
    return draft_contract(pki, EMAID, car.leaf.certificate, at=NOW)


@pytest.fixture(scope="session")
def request_draft(pki: Pki, car: Chain) -> RequestDraft:
    """A request of the car, which has V2G root A."""
    roots = [pki.v2g_root("A").certificate]
    return draft_request(car, roots, at=NOW, edition=pki.edition, session_id=SESSION)
