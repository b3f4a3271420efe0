"""Contracts that have expired, or whose certificates are revoked, leave the pool."""

from ccp.cleansing.cleansing import Cleansing
from ccp.cleansing.findings import Finding, Outcome, Report
from ccp.cleansing.limits import CleansingRefused, Limits
from ccp.cleansing.regular import RegularCleansing, make_cleansing

__all__ = [
    "Cleansing",
    "CleansingRefused",
    "Finding",
    "Limits",
    "Outcome",
    "RegularCleansing",
    "Report",
    "make_cleansing",
]
