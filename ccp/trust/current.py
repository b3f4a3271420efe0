"""The trust anchors in use, with the caches of chains verified against them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from ccp.trust.chain_cache import ChainCache
from ccp.trust.folder import Trust


@dataclass(frozen=True, slots=True)
class TrustSnapshot:
    """
    Anchors, with a cache for each kind of chain. It does not change.

    Attributes:
        trust: The anchors.
        cps_chains, contract_chains: Verify the chains of contracts.
        provisioning_chains: Verifies the chains of cars.
    """

    trust: Trust
    cps_chains: ChainCache
    contract_chains: ChainCache
    provisioning_chains: ChainCache

    @classmethod
    def of(cls, trust: Trust) -> Self:
        """Build a snapshot with empty caches, so that no chain of a removed root stays valid."""
        return cls(
            trust,
            cps_chains=ChainCache(trust.v2g, name="CPS certificate", chains=256),
            contract_chains=ChainCache(trust.contracts, name="contract certificate", chains=0),
            provisioning_chains=ChainCache(
                trust.oem, name="OEM provisioning certificate", chains=4096
            ),
        )


@dataclass(slots=True)
class TrustStore:
    """
    The anchors of a worker. `current` is replaced as a whole when anchors change.

    Attributes:
        current: The anchors in use.
        files: The anchors that come from files.
        roots: The roots of a root pool that were on disk at the start, by kind; X.509, DER.
        refused_reload: Why the last reload of the anchors was refused; empty if it was not.
    """

    current: TrustSnapshot
    files: Trust
    roots: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)
    refused_reload: str = ""
