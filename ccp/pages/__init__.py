"""The pages that operators look at in a browser."""

from ccp.pages.site import Site

__all__ = ["Site"]
