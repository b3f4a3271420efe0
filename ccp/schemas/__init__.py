"""Records -> answers: the only translation between what is stored and what the spec says."""

from ccp.schemas.contract_data import (
    ContractDataV1,
    SignedContractDataV1,
    contract_data_answer,
    installation_failure,
    signed_contract_data_answer,
)

__all__ = [
    "ContractDataV1",
    "SignedContractDataV1",
    "contract_data_answer",
    "installation_failure",
    "signed_contract_data_answer",
]
