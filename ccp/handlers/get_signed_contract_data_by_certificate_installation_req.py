"""
getSignedContractDataByCertificateInstallationReqV1: a car at a charging station gets its contract.

Source: OPNC CCP API 1.0, GetSignedContractDataByCertificateInstallationReq.
"""

import base64
from collections.abc import Awaitable
from datetime import datetime
from typing import Any

from ccp.clients.peer_pools import AnswerUnfit, PeerAnswer, PeerPools
from ccp.domain.base64_text import read_base64
from ccp.domain.errors import CcpError
from ccp.domain.findings import log_findings
from ccp.domain.identifiers import Emaid, Pcid
from ccp.messages import (
    InstallationRequest,
    check_foreign_answer,
    read_installation_req,
)
from ccp.observability import measures
from ccp.observability.owners import log_owners
from ccp.policy.installation import select_contracts
from ccp.policy.services import Services, log_accepted_failures
from ccp.schemas import installation_failure, signed_contract_data_answer

Answer = tuple[dict[str, Any], int]

_OK = "OK"  # the ResponseCode of both editions


def handle(
    services: Services,
    *,
    installation_req_exi: bytes,
    namespace: str,
    always_return_exi: bool,
    broadcast: bool,
    from_pool: bool,
    metadata: str | None = None,
) -> Answer | Awaitable[Answer]:
    """
    Return the contracts of the car that sends the request, as messages ready for the car.

    Args:
        always_return_exi: Whether a failure carries a CertificateInstallationRes for the car.
        broadcast: Whether peer pools are asked for a car that has no contract here.
        from_pool: Whether a peer pool sends the request. Then no other pool is asked.
        metadata: Passed on to peer pools.
    Raises:
        ExiInvalid, MessageNotSupported: See `read_installation_req`.
        CertificateUnreadable: A certificate of the car, or its PCID, cannot be read.
        SignatureInvalid, ProvisioningCertificateExpired, ProvisioningCertificateNotYetValid,
        CertificateChainBroken, CertificateChainExpired, CertificateChainNotYetValid: In strict
            mode, with the messages of all failures.
        ContractOrVehicleNotFound: The car has no contract here, or (in strict mode) none that is
            valid now.
    """
    request = read_installation_req(installation_req_exi, namespace)
    at = services.clock()
    decision = select_contracts(services, installation_req_exi, request, at=at)
    log_owners(emaids=[record.emaid for record in decision.answers], pcid=decision.pcid)
    log_findings(decision.findings)
    log_accepted_failures(decision.accepted_failures)
    failure, pcid = decision.failure, decision.pcid
    if failure is None:
        measures.now.car(request.namespace, _OK)
        return signed_contract_data_answer(decision.answers), 200
    if always_return_exi:
        failure.body = installation_failure(
            exi=request.failure(failure, at=at), pcid=pcid, namespace=request.namespace
        )
    pools = services.clients.peer_pools
    if pools and pcid and broadcast and not from_pool and decision.may_be_elsewhere:
        asked = {
            "certificateInstallationReq": base64.b64encode(installation_req_exi).decode(),
            "xsdMsgDefNamespace": request.namespace,
        } | ({} if metadata is None else {"metadata": metadata})
        return _ask(pools, asked, services, request, pcid, failure, at=at)
    measures.now.car(request.namespace, request.response_code(failure))
    raise failure


async def _ask(
    pools: PeerPools,
    asked: dict[str, Any],
    services: Services,
    request: InstallationRequest,
    pcid: Pcid,
    not_found: CcpError,
    *,
    at: datetime,
) -> Answer:
    """Return a peer pool's answer unchanged; raise *not_found* if no pool has a valid one."""

    def validate(answer: PeerAnswer) -> None:
        items = answer["signedContractDataCollection"]
        emaids = [Emaid.parse(item["emaid"]) for item in items]
        if len(items) > request.most_contracts or len(set(emaids)) < len(items):
            raise AnswerUnfit("it has more contracts than the car wants, or one twice")
        for item, emaid in zip(items, emaids, strict=True):
            if item["pcid"].upper() != pcid.key:
                raise AnswerUnfit("it is for another car")
            exi = read_base64(item["certificateInstallationRes"])
            namespace = item["xsdMsgDefNamespace"]
            failures = check_foreign_answer(
                exi,
                namespace,
                emaid,
                request,
                at=at,
                cps_allow_list=services.settings.cps_allow_list,
            )
            services.raise_or_log(failures)

    answer = await pools.ask(asked, validate)
    if answer is None:
        measures.now.car(request.namespace, request.response_code(not_found))
        raise not_found
    items = answer["signedContractDataCollection"]
    log_owners(emaids=[Emaid.parse(item["emaid"]) for item in items])
    measures.now.car(request.namespace, _OK)
    return answer, 200
