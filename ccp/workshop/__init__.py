"""
Test material for a pool: a PKI, a CPS that signs contracts, a car that asks for them.

An independent counterpart: it shares the message codec with the pool, and none of its checks.
"""

from ccp.workshop.car import RequestDraft, Session, draft_request
from ccp.workshop.contract_faults import CONTRACT_FAULTS
from ccp.workshop.cps import ContractDraft, draft_contract
from ccp.workshop.edition import Edition, TimeUnit
from ccp.workshop.editions import EDITION_2, EDITION_20, EDITIONS
from ccp.workshop.errors import AnswerRefused, WorkshopError
from ccp.workshop.fault import Fault
from ccp.workshop.install import Installed, install
from ccp.workshop.pki import Pki, make_car, make_contract, make_pki
from ccp.workshop.profiles import ED448, P256, P521, Profile
from ccp.workshop.request_faults import REQUEST_FAULTS

__all__ = [
    "CONTRACT_FAULTS",
    "ED448",
    "EDITIONS",
    "EDITION_2",
    "EDITION_20",
    "P256",
    "P521",
    "REQUEST_FAULTS",
    "AnswerRefused",
    "ContractDraft",
    "Edition",
    "Fault",
    "Installed",
    "Pki",
    "Profile",
    "RequestDraft",
    "Session",
    "TimeUnit",
    "WorkshopError",
    "draft_contract",
    "draft_request",
    "install",
    "make_car",
    "make_contract",
    "make_pki",
]
