"""marshmallow schemas: records of the store -> bodies of responses."""

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
