"""
setSignedContractDataAsDefaultV1: an OEM says which contract its car pays with.

Source: OPNC CCP API 1.0, SetSignedContractDataAsDefault.
"""

import asyncio

from ccp.errors import ContractNotFound
from ccp.identifiers import Emaid, Pcid
from ccp.origin import Origin
from ccp.services import Services


async def handle(
    services: Services, *, emaid: Emaid, pcid: Pcid, origin: Origin
) -> tuple[None, int]:
    """
    Make the contract the car's one default, in every namespace that it is stored in.

    Raises:
        ContractNotFound: Nothing is stored under EMAID and PCID.
    """
    if not await asyncio.to_thread(services.store.set_default, emaid, pcid, origin):
        raise ContractNotFound
    return None, 200
