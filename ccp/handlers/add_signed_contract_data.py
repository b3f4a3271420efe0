"""
addSignedContractDataV1: a CPS or eMSP puts a signed contract into the pool.

Source: OPNC CCP API 1.0, AddSignedContractData.
"""

import asyncio
from collections.abc import Awaitable
from concurrent.futures import Future

from ccp.domain.identifiers import Emaid, Pcid
from ccp.domain.origin import Origin
from ccp.policy.services import Services
from ccp.policy.validation import validated_record

Answer = tuple[None, int]


def handle(
    services: Services,
    *,
    emaid: Emaid,
    pcid: Pcid,
    namespace: str,
    installation_res_exi: bytes,
    v2g_root_fingerprint: str | None = None,
    meta_data: str | None = None,
    origin: Origin,
) -> Awaitable[Answer]:
    """
    Validate the message, then store it under EMAID, PCID, namespace and V2G root.

    A record that is there already is replaced.

    Raises:
        BadRequest: See `validated_record`.
        EmaidBelongsToOtherPcid, ContractLimitReached: See `Store.put`.
    """
    record = validated_record(
        services,
        emaid=emaid,
        pcid=pcid,
        namespace=namespace,
        installation_res_exi=installation_res_exi,
        v2g_root_fingerprint=v2g_root_fingerprint,
        meta_data=meta_data,
    )
    return _created(services.store.begin_put(record, origin))


async def _created(written: Future[None]) -> Answer:
    await asyncio.wrap_future(written)
    return None, 201
