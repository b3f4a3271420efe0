"""The pages that operators look at in a browser."""

from ccp.operations.pages.recent import Recent
from ccp.operations.pages.site import Site

__all__ = ["Recent", "Site"]
