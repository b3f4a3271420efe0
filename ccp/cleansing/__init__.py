"""Data cleansing: removes contracts that have expired or have a revoked certificate."""

from ccp.cleansing.cleansing import Cleansing
from ccp.cleansing.limits import CleansingRefused, Limits
from ccp.cleansing.regular import RegularCleansing, make_cleansing
from ccp.cleansing.removal import Removal, RemovalReason, Report

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
