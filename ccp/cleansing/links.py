"""The certificates of a record whose revocation status matters: those in proved chains."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from ccp.domain.errors import CcpError
from ccp.messages import read_installation_res
from ccp.pki.certificates import Certificate, read_chain
from ccp.store import SignedContractData
from ccp.trust.current import TrustStore
from ccp.trust.folder import Trust

CONTRACT, CPS = "contract certificate", "CPS certificate"


class Link(NamedTuple):
    """
    A certificate in a proved chain, and its issuer's certificate.

    Attributes:
        whose: The role of the certificate, for messages: "contract certificate", …
    """

    whose: str
    certificate: Certificate
    issuer: Certificate


class Links:
    """
    Proves the chains of records.

    Certificates without a proved chain are left out: anybody can write URLs into them.

    Args:
        trusted: The trust anchors; they may be replaced at any moment.
        clock: Returns the present moment, aware UTC.
    """

    def __init__(self, trusted: TrustStore, clock: Callable[[], datetime]) -> None:
        self._trusted = trusted
        self._clock = clock

    @property
    def trust(self) -> Trust:
        """The anchors in use."""
        return self._trusted.current.trust

    def of(self, record: SignedContractData) -> tuple[list[Link], bool]:
        """
        Return the certificates of both chains, leaf first, without the roots.

        Returns: The certificates of the proved chains, and whether both chains are proved.
        """
        trusted = self._trusted.current
        links: list[Link] = []
        proved = 0
        with suppress(CcpError):  # lab mode stores any message
            signed = read_installation_res(record.installation_res_exi, record.namespace)
            for name, ders, chains in (
                (CONTRACT, signed.contract_chain, trusted.contract_chains),
                (CPS, signed.cps_chain, trusted.cps_chains),
            ):
                with suppress(CcpError):
                    chain = read_chain(ders, name, cache_leaf=name == CPS)
                    found = chains.verify(chain, at=self._clock(), suites=signed.suites)
                    if found is not None:
                        proved += 1
                        links += _links(name, [chain[0], *found.above])
        return links, proved == 2


def _links(name: str, path: list[Certificate]) -> list[Link]:
    names = [name] + [f"CA of the {name}"] * len(path)
    return [Link(whose, *pair) for whose, pair in zip(names, pairwise(path), strict=False)]
