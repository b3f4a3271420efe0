"""A pool that trusts the workshop's PKI: anchors on disk, a car, and what is made for it."""

from datetime import timedelta
from functools import cache
from pathlib import Path

from ccp.workshop.car import RequestDraft, draft_request
from ccp.workshop.certificates import Chain
from ccp.workshop.cps import ContractDraft, draft_contract
from ccp.workshop.folder import Folder
from ccp.workshop.pki import Pki, make_car, make_pki
from tests.builders import EMAID_TEXT, NOW, PCID_TEXT

MADE_AT = NOW - timedelta(days=1)


@cache
def pki() -> Pki:
    """One PKI for all tests; nothing in it changes."""
    return make_pki(at=MADE_AT)


@cache
def car() -> Chain:
    """The car with PCID_TEXT."""
    return make_car(pki().oem, PCID_TEXT, at=MADE_AT)


def contract_draft(root: str = "A") -> ContractDraft:
    """A contract as it should be, for EMAID_TEXT and that car, under a V2G root."""
    return draft_contract(pki(), EMAID_TEXT, car().leaf.certificate, at=NOW, root=root)


def request_draft(*roots: str) -> RequestDraft:
    """A request of that car as it should be, which has these V2G roots installed."""
    installed = [pki().v2g_root(root).certificate for root in roots or ("A",)]
    return draft_request(car(), installed, at=NOW)


def trust_folder(folder: Path) -> Path:
    """Write the PKI into *folder*; return the folder of its anchors, for CCP_TRUST_DIR."""
    Folder(folder).save_pki(pki())
    return folder / "trust"
