"""
getContractDataByEmaidV1: an eMSP looks up one of its contracts.

Source: OPNC CCP API 1.0, GetContractDataByEmaid.
"""

from typing import Any

from ccp.domain.errors import ContractNotFound
from ccp.domain.identifiers import Emaid
from ccp.observability.owners import log_owners
from ccp.policy.services import Services
from ccp.schemas import contract_data_answer


def handle(
    services: Services, *, emaid: Emaid, namespace: str, v2g_root_fingerprint: str | None = None
) -> tuple[dict[str, Any], int]:
    """
    Return every variant of the contract, expired ones too.

    Raises:
        ContractNotFound: Nothing is stored under the EMAID in that namespace and for that root.
    """
    records = services.store.find_by_emaid(
        emaid, namespace, v2g_root_fingerprint=v2g_root_fingerprint
    )
    if not records:
        raise ContractNotFound
    log_owners(pcid=records[0].pcid)  # an EMAID belongs to one car
    return contract_data_answer(records), 200
