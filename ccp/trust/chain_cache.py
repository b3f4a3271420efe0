"""A cache of verified chains, and of CAs that a verified chain has gone through."""

import threading
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from datetime import datetime
from typing import Generic, TypeVar

from ccp.domain.errors import CcpError
from ccp.pki.anchors import Anchors
from ccp.pki.certificates import Certificate
from ccp.pki.chains import Issuer, VerifiedChain, verify_chain, verify_leaf
from ccp.pki.signatures import Suite

_MOST_ISSUERS = 256

T = TypeVar("T", Issuer, VerifiedChain)


class ChainCache:
    """
    Verifies chains against one set of anchors, and caches the results.

    The cache key of a chain is all its certificates; that of a CA is all certificates of a chain
    except the leaf. So no message profits from certificates that another message has brought.

    Args:
        anchors: Roots, and sub-CAs that messages do not bring (a car's request of ISO 15118-2
            brings none).
        name: See `verify_chain`.
        chains: The number of whole chains to cache; 0 for leaves that seldom come again.
    """

    def __init__(self, anchors: Anchors, *, name: str, chains: int) -> None:
        self._anchors = anchors
        self._name = name
        self._most_chains = chains
        self._chains = _Recent[VerifiedChain](chains)
        self._issuers = _Recent[Issuer](_MOST_ISSUERS)
        self._of_roots: dict[str, ChainCache] = {}

    def of_root(self, fingerprint: str) -> "ChainCache | None":
        """Return the cache for chains under one root (SHA-256, hex digits); None if unknown."""
        if fingerprint not in self._of_roots:
            anchors = self._anchors.only(fingerprint)
            if not anchors.certificates:
                return None
            cache = ChainCache(anchors, name=self._name, chains=self._most_chains)
            self._of_roots[fingerprint] = cache
        return self._of_roots[fingerprint]

    def verify(
        self, certificates: Sequence[Certificate], *, at: datetime, suites: Sequence[Suite]
    ) -> VerifiedChain | None:
        """
        Verify that a chain ends in a trusted root, or find it in the cache.

        Args:
            certificates, at, suites: See `verify_chain`.
        Returns: The verified chain; None if no anchors are configured.
        Raises: As `verify_chain`.
        """
        if not self._anchors.configured:
            return None
        leaf, *sub_cas = certificates
        edition = tuple(suite.name for suite in suites)
        brought = edition, tuple(one.der for one in sub_cas)
        of_chain = (*brought, leaf.der)
        chain = self._chains.get(of_chain, at)
        if chain is None:
            of_issuer = (*brought, leaf.issuer.public_bytes())
            issuer = self._issuers.get(of_issuer, at)
            chain = self._prove(certificates, issuer, at=at, suites=suites)
            self._chains.keep(of_chain, chain)
            if chain.issuer is not None and chain.issuer is not issuer:
                self._issuers.keep(of_issuer, chain.issuer)
        return chain

    def _prove(
        self,
        certificates: Sequence[Certificate],
        issuer: Issuer | None,
        *,
        at: datetime,
        suites: Sequence[Suite],
    ) -> VerifiedChain:
        if issuer is not None:
            try:
                return verify_leaf(certificates[0], issuer, name=self._name, at=at, suites=suites)
            except CcpError:
                pass  # another CA of that name may have issued it; verify_chain finds out
        return verify_chain(certificates, self._anchors, name=self._name, at=at, suites=suites)


class _Recent(Generic[T]):
    """A thread-safe LRU cache of results that are valid for a time."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, at: datetime) -> T | None:
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or not kept.valid_from <= at <= kept.valid_until:
                return None
            self._kept.move_to_end(key)
            return kept

    def keep(self, key: Hashable, value: T) -> None:
        with self._lock:
            self._kept[key] = value
            if len(self._kept) > self._size:
                self._kept.popitem(last=False)
