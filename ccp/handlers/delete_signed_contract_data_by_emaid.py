"""
deleteSignedContractDataByEmaidV1: an eMSP withdraws a contract from the pool.

Source: OPNC CCP API 1.0, DeleteSignedContractDataByEmaid.
"""

from ccp.errors import ContractNotFound
from ccp.identifiers import Emaid
from ccp.origin import Origin
from ccp.services import Services


def handle(
    services: Services,
    *,
    emaid: Emaid,
    skip_revocation: bool,  # this pool revokes nothing yet
    origin: Origin,
) -> tuple[None, int]:
    """
    Remove every record of the contract, in all namespaces and for all roots.

    A car whose default it was is left without one: which contract a driver pays with is never
    chosen for them.

    Raises:
        ContractNotFound: Nothing is stored under the EMAID.
    """
    if not services.store.delete(emaid, origin):
        raise ContractNotFound
    return None, 200
