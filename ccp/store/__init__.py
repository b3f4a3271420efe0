"""The one speaker of SQL: contract records in, contract records out."""

from ccp.store.audit import AuditLine
from ccp.store.records import SignedContractData
from ccp.store.store import Store, StoreUnusable

__all__ = ["AuditLine", "SignedContractData", "Store", "StoreUnusable"]
