"""The pages that operators look at in a browser."""

from ccp.pages.recent import Recent
from ccp.pages.site import Site

__all__ = ["Recent", "Site"]
