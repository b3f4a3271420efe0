"""Run the operations with the client of openapi-generator (Java)."""

import json
import sys
from typing import Any

from opnc_client import (  # generated at test time
    ApiClient,
    Configuration,
    DefaultApi,
    GetSignedContractDataReqV1,
    SignedContractDataV1,
)
from opnc_client.exceptions import NotFoundException


def run(api: DefaultApi, case: dict[str, Any]) -> dict[str, Any]:
    """Run all seven operations for one contract."""
    emaid, pcid, edition = case["emaid"], case["pcid"], case["namespace"]
    put = SignedContractDataV1.from_dict(case["put"])
    post = GetSignedContractDataReqV1.from_dict(case["post"])
    done: dict[str, Any] = {
        "put": api.add_signed_contract_data_v1_with_http_info(
            signed_contract_data_v1=put
        ).status_code,
        "by_emaid": items(
            api.get_contract_data_by_emaid_v1(
                emaid, xsd_msg_def_namespace=edition
            ).contract_data_collection
        ),
        "by_pcid": items(
            api.get_contract_data_by_pcid_v1(
                pcid, xsd_msg_def_namespace=edition
            ).contract_data_collection
        ),
        "signed": items(
            api.get_signed_contract_data_by_emaid_and_pcid_v1(
                emaid, pcid, session_id=case["session_id"], xsd_msg_def_namespace=edition
            ).signed_contract_data_collection
        ),
        "default": api.set_signed_contract_data_as_default_v1_with_http_info(
            emaid, pcid
        ).status_code,
        "post": items(
            api.get_signed_contract_data_by_certificate_installation_req_v1(
                get_signed_contract_data_req_v1=post
            ).signed_contract_data_collection
        ),
        "delete": api.delete_signed_contract_data_by_emaid_v1_with_http_info(
            emaid, x_skip_revocation=True
        ).status_code,
    }
    try:
        api.get_signed_contract_data_by_emaid_and_pcid_v1(
            emaid, pcid, xsd_msg_def_namespace=edition
        )
    except NotFoundException as error:
        done["gone"] = error.data.error_messages
    return done


def items(collection: list[Any]) -> list[Any]:
    """The items of an answer, under their published names."""
    return [json.loads(item.to_json()) for item in collection]


given = json.load(sys.stdin)
with ApiClient(Configuration(host=given["url"])) as client:
    print(json.dumps([run(DefaultApi(client), case) for case in given["cases"]]))
