"""Run the operations with the client of openapi-python-client."""

import json
import sys
from typing import Any

from opnc_client import Client  # generated at test time
from opnc_client.api.default import (
    add_signed_contract_data_v1,
    delete_signed_contract_data_by_emaid_v1,
    get_contract_data_by_emaid_v1,
    get_contract_data_by_pcid_v1,
    get_signed_contract_data_by_certificate_installation_req_v1,
    get_signed_contract_data_by_emaid_and_pcid_v1,
    set_signed_contract_data_as_default_v1,
)
from opnc_client.models import (
    ErrorV1,
    GetSignedContractDataReqV1,
    SignedContractDataV1,
    XsdMsgDefNamespaceParamV1,
)


def run(client: Client, case: dict[str, Any]) -> dict[str, Any]:
    """Run all seven operations for one contract."""
    emaid, pcid = case["emaid"], case["pcid"]
    edition = XsdMsgDefNamespaceParamV1(case["namespace"])
    put = SignedContractDataV1.from_dict(case["put"])
    post = GetSignedContractDataReqV1.from_dict(case["post"])
    done: dict[str, Any] = {
        "put": int(add_signed_contract_data_v1.sync_detailed(client=client, body=put).status_code),
        "by_emaid": items(
            get_contract_data_by_emaid_v1.sync(
                emaid, client=client, xsd_msg_def_namespace=edition
            ).contract_data_collection
        ),
        "by_pcid": items(
            get_contract_data_by_pcid_v1.sync(
                pcid, client=client, xsd_msg_def_namespace=edition
            ).contract_data_collection
        ),
        "signed": items(
            get_signed_contract_data_by_emaid_and_pcid_v1.sync(
                emaid,
                pcid,
                client=client,
                session_id=case["session_id"],
                xsd_msg_def_namespace=case["namespace"],
            ).signed_contract_data_collection
        ),
        "default": int(
            set_signed_contract_data_as_default_v1.sync_detailed(
                emaid, pcid, client=client
            ).status_code
        ),
        "post": items(
            get_signed_contract_data_by_certificate_installation_req_v1.sync(
                client=client, body=post
            ).signed_contract_data_collection
        ),
        "delete": int(
            delete_signed_contract_data_by_emaid_v1.sync_detailed(
                emaid, client=client, x_skip_revocation=True
            ).status_code
        ),
    }
    gone = get_signed_contract_data_by_emaid_and_pcid_v1.sync(
        emaid, pcid, client=client, xsd_msg_def_namespace=case["namespace"]
    )
    if isinstance(gone, ErrorV1):
        done["gone"] = gone.error_messages
    return done


def items(collection: list[Any]) -> list[Any]:
    """The items of an answer, under their published names."""
    return [item.to_dict() for item in collection]


given = json.load(sys.stdin)
with Client(base_url=given["url"], raise_on_unexpected_status=True) as client:
    print(json.dumps([run(client, case) for case in given["cases"]]))
