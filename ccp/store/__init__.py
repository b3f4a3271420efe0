"""The store of contract records. No other room speaks SQL."""

from ccp.store.audit import AuditLine, read_audit_trail
from ccp.store.connect import StoreUnusable
from ccp.store.counts import Counts
from ccp.store.readiness import Readiness
from ccp.store.records import ContractData, SignedContractData
from ccp.store.store import Store

__all__ = [
    "AuditLine",
    "ContractData",
    "Counts",
    "Readiness",
    "SignedContractData",
    "Store",
    "StoreUnusable",
    "read_audit_trail",
]
