"""The certificates of a record whose status is to be asked: those that are proved."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from ccp.errors import CcpError
from ccp.messages import read_installation_res
from ccp.pki.certificates import Certificate, read_chain
from ccp.pki.chain_cache import ChainCache
from ccp.pki.trust import Trust
from ccp.store import SignedContractData

CONTRACT, CPS = "contract certificate", "CPS certificate"


class Link(NamedTuple):
    """
    A certificate in a proved chain, and that of the CA that has issued it.

    Attributes:
        whose: What people call the first.
    """

    whose: str
    certificate: Certificate
    issuer: Certificate


class Links:
    """
    Proves the chains of records.

    What is not proved is not asked about: its URLs are what somebody wished for.

    Args:
        trust: What chains have to end in.
        clock: Gives the present moment, aware UTC.
    """

    def __init__(self, trust: Trust, clock: Callable[[], datetime]) -> None:
        self._chains = {
            CONTRACT: ChainCache(trust.contracts, name=CONTRACT, chains=0),
            CPS: ChainCache(trust.v2g, name=CPS, chains=256),
        }
        self._clock = clock

    def of(self, record: SignedContractData) -> tuple[list[Link], bool]:
        """
        Give the certificates of both chains, leaf first; not the roots, which are trusted.

        Returns: Those that are proved, and whether that is all of them.
        """
        links: list[Link] = []
        proved = 0
        with suppress(CcpError):  # in lab mode it may be anything
            signed = read_installation_res(record.installation_res_exi, record.namespace)
            for name, ders in ((CONTRACT, signed.contract_chain), (CPS, signed.cps_chain)):
                with suppress(CcpError):
                    chain, chains = read_chain(ders, name), self._chains[name]
                    found = chains.verify(chain, at=self._clock(), suites=signed.suites)
                    if found is not None:
                        proved += 1
                        links += _links(name, [chain[0], *found.above])
        return links, proved == len(self._chains)


def _links(name: str, path: list[Certificate]) -> list[Link]:
    names = [name] + [f"CA of the {name}"] * len(path)
    return [Link(whose, *pair) for whose, pair in zip(names, pairwise(path), strict=False)]
