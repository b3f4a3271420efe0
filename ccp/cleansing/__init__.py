"""Contracts that have expired, or whose certificates are revoked, leave the pool."""

from ccp.cleansing.cleansing import Cleansing
from ccp.cleansing.findings import Finding, Outcome, Report
from ccp.cleansing.regular import RegularCleansing

__all__ = ["Cleansing", "Finding", "Outcome", "RegularCleansing", "Report"]
