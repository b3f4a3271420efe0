"""
getContractDataByPcidV1: an OEM looks up the contracts of one of its cars.

Source: OPNC CCP API 1.0, GetContractDataByPcid.
"""

from typing import Any

from ccp.domain.errors import ContractsOfPcidNotFound
from ccp.domain.identifiers import Pcid
from ccp.observability.owners import log_owners
from ccp.policy.services import Services
from ccp.schemas import contract_data_answer


def handle(services: Services, *, pcid: Pcid, namespace: str) -> tuple[dict[str, Any], int]:
    """
    Return all variants of all contracts of the car, expired ones too.

    Raises:
        ContractsOfPcidNotFound: Nothing is stored for the car in that namespace.
    """
    records = services.store.find_by_pcid(pcid, namespace)
    if not records:
        raise ContractsOfPcidNotFound
    log_owners(emaids=[record.emaid for record in records])
    return contract_data_answer(records), 200
