"""Contracts that have expired, or whose certificates are revoked, leave the pool."""

from ccp.cleansing.cleansing import Cleansing
from ccp.cleansing.findings import Removal, RemovalReason, Report
from ccp.cleansing.limits import CleansingRefused, Limits
from ccp.cleansing.regular import RegularCleansing, make_cleansing

__all__ = [
    "Cleansing",
    "CleansingRefused",
    "Limits",
    "RegularCleansing",
    "Removal",
    "RemovalReason",
    "Report",
    "make_cleansing",
]
