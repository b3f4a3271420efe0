"""A pool that trusts the workshop's PKIs: anchors on disk, cars, and what is made for them."""

from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives import hashes

from ccp.workshop import (
    ED448,
    EDITION_2,
    EDITION_20,
    EDITIONS,
    ContractDraft,
    Edition,
    Pki,
    Profile,
    RequestDraft,
    TimeUnit,
    draft_contract,
    draft_request,
    make_car,
    make_pki,
)
from ccp.workshop.certificates import Chain
from ccp.workshop.folder import Folder, save_trust
from ccp.workshop.suites import Suite
from tests.builders import EMAID_TEXT, NOW, PCID_TEXT

MADE_AT = NOW - timedelta(days=1)
PCIDS = {EDITION_2: PCID_TEXT, EDITION_20: f"{PCID_TEXT}6"}
"""Of the car of each edition."""
ED448_OF_RFC_9231 = Suite(
    "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed448",
    "http://www.w3.org/2001/04/xmlenc#sha512",
    hashes.SHA512(),
    None,
)
"""The names of Ed448 that signers used before those of ISO 15118-20 were known."""


def pki(edition: Edition = EDITION_2, profile: Profile | None = None) -> Pki:
    """One PKI of each kind for all tests; nothing in it changes."""
    return _pki(edition, profile or edition.profile)


def car(edition: Edition = EDITION_2, profile: Profile | None = None) -> Chain:
    """The car of an edition, with its PCID of PCIDS; one of Ed448 signs, and cannot decrypt."""
    return _car(edition, profile or edition.profile)


@cache
def _pki(edition: Edition, profile: Profile) -> Pki:
    return make_pki(edition, at=MADE_AT, profile=profile)


@cache
def _car(edition: Edition, profile: Profile) -> Chain:
    return make_car(_pki(edition, profile).oem, PCIDS[edition], at=MADE_AT)


def contract_draft(
    root: str = "A",
    *,
    edition: Edition = EDITION_2,
    profile: Profile | None = None,
    emaid: str = EMAID_TEXT,
) -> ContractDraft:
    """A contract as it should be, for the edition's car; *profile* is that of CPS and eMSP."""
    signers = pki(edition, profile)
    return draft_contract(signers, emaid, car(edition).leaf.certificate, at=NOW, root=root)


def request_draft(
    *roots: str,
    edition: Edition = EDITION_2,
    profile: Profile | None = None,
    maximum: int | None = None,
    prioritized: Sequence[str] = (),
    time_unit: TimeUnit = TimeUnit.SECONDS,
) -> RequestDraft:
    """A request of the edition's car as it should be, which has these V2G roots installed."""
    return draft_request(
        car(edition, profile),
        [pki(edition).v2g_root(root).certificate for root in roots or ("A",)],
        at=NOW,
        edition=edition,
        maximum=maximum,
        prioritized=prioritized,
        time_unit=time_unit,
    )


def trust_folder(folder: Path, edition: Edition | None = EDITION_2) -> Path:
    """
    Write a PKI into *folder*; return the folder of its anchors, for CCP_TRUST_DIR.

    Args:
        edition: None for both, and the anchors of ISO 15118-20 with Ed448.
    """
    for one in EDITIONS:
        if edition in (one, None):
            Folder(folder, one).save_pki(pki(one))
    if edition is None:
        save_trust(folder / "trust", pki(EDITION_20, ED448))
    return folder / "trust"
