"""
setSignedContractDataAsDefaultV1: an OEM selects the contract that its car pays with.

Source: OPNC CCP API 1.0, SetSignedContractDataAsDefault.
"""

import asyncio
from collections.abc import Awaitable
from concurrent.futures import Future

from ccp.domain.errors import ContractNotFound
from ccp.domain.identifiers import Emaid, Pcid
from ccp.domain.origin import Origin
from ccp.policy.services import Services


def handle(
    services: Services, *, emaid: Emaid, pcid: Pcid, origin: Origin
) -> Awaitable[tuple[None, int]]:
    """
    Make the contract the default of the car, in every namespace that it is stored in.

    Raises:
        ContractNotFound: Nothing is stored under EMAID and PCID.
    """
    return _done(services.store.begin_set_default(emaid, pcid, origin))


async def _done(written: Future[bool]) -> tuple[None, int]:
    if not await asyncio.wrap_future(written):
        raise ContractNotFound
    return None, 200
