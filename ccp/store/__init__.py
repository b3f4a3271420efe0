"""The one speaker of SQL: contract records in, contract records out."""

from ccp.store.audit import AuditLine, read_audit_trail
from ccp.store.connections import StoreUnusable
from ccp.store.records import SignedContractData
from ccp.store.store import Store

__all__ = ["AuditLine", "SignedContractData", "Store", "StoreUnusable", "read_audit_trail"]
