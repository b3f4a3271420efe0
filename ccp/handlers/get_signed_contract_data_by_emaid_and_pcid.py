"""
getSignedContractDataByEmaidAndPcidV1: an OEM fetches a contract to install it by itself.

Source: OPNC CCP API 1.0, GetSignedContractDataByEmaidAndPcid.
"""

from dataclasses import replace
from typing import Any

from ccp.domain.errors import ContractNotFound, SessionIdInvalid
from ccp.domain.identifiers import ISO_15118_20, Emaid, Pcid
from ccp.iso15118 import with_session_id
from ccp.policy.services import Services
from ccp.schemas import signed_contract_data_answer


def handle(
    services: Services,
    *,
    emaid: Emaid,
    pcid: Pcid,
    namespace: str,
    v2g_root_fingerprint: str | None = None,
    session_id: bytes | None = None,
) -> tuple[dict[str, Any], int]:
    """
    Return every variant of the contract, or only that of the given root.

    Expired contracts are returned too: the OEM checks their validity before it installs them.

    Args:
        session_id: 1 to 8 bytes, written into each message; None keeps the stored session id.
    Raises:
        SessionIdInvalid: ISO 15118-20 has session ids of 8 bytes only.
        ContractNotFound: Nothing is stored under EMAID and PCID in that namespace and for that
            root.
    """
    if session_id is not None and namespace == ISO_15118_20 and len(session_id) != 8:
        raise SessionIdInvalid("A session id of ISO 15118-20 has 8 bytes.")
    records = services.store.find_by_emaid(
        emaid, namespace, pcid=pcid, v2g_root_fingerprint=v2g_root_fingerprint
    )
    if not records:
        raise ContractNotFound
    if session_id is not None:
        records = [
            replace(
                record,
                installation_res_exi=with_session_id(record.installation_res_exi, session_id),
            )
            for record in records
        ]
    return signed_contract_data_answer(records), 200
