"""What a pool trusts at one moment: its anchors, and the proofs that chains end in them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from ccp.trust.chain_cache import ChainCache
from ccp.trust.folder import Trust


@dataclass(frozen=True, slots=True)
class TrustSnapshot:
    """
    Anchors, and what has been proved with these alone.

    Attributes:
        cps_chains, contract_chains, provisioning_chains: Prove those of what is put, and of cars
            that ask.
    """

    trust: Trust
    cps_chains: ChainCache
    contract_chains: ChainCache
    provisioning_chains: ChainCache

    @classmethod
    def of(cls, trust: Trust) -> Self:
        """Begin with nothing proved: what was proved under a root that has gone is forgotten."""
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
        roots: The roots of a root pool as they were kept on disk at the start, by the names of
            KINDS; X.509, DER.
        refused_reload: Why the last reload of the anchors was refused; empty if it was not.
    """

    current: TrustSnapshot
    files: Trust
    roots: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)
    refused_reload: str = ""
