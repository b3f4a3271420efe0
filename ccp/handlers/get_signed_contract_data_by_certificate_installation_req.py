"""
getSignedContractDataByCertificateInstallationReqV1: a car at a charging station gets its contract.

Source: OPNC CCP API 1.0, GetSignedContractDataByCertificateInstallationReq.
"""

import base64
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog

from ccp import measures
from ccp.base64_text import read_base64
from ccp.errors import (
    CcpError,
    CertificateUnreadable,
    ContractOrVehicleNotFound,
    InternalError,
    ProvisioningCertificateExpired,
    ProvisioningCertificateNotYetValid,
    collecting,
)
from ccp.identifiers import Emaid, Pcid
from ccp.iso15118 import RootCertificateID
from ccp.messages import (
    InstallationRequest,
    check_foreign_answer,
    read_installation_req,
    verify_message,
)
from ccp.peers.pools import AnswerUnfit, Pools
from ccp.pki.certificates import Certificate, read_chain
from ccp.pki.names import names_agree
from ccp.schemas import installation_failure, signed_contract_data_answer
from ccp.services import Services
from ccp.store import SignedContractData

log = structlog.get_logger()

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
    Answer the contracts of the car that asks, ready to be sent to it as they are.

    Args:
        always_return_exi: Whether a failure carries a CertificateInstallationRes for the car.
        broadcast: Whether peer pools are asked for a car that has no contract here.
        from_pool: Whether one of them asks; then no other is.
        metadata: Goes with the request wherever it goes.
    Raises:
        ExiInvalid, MessageNotSupported: See `read_installation_req`.
        CertificateUnreadable: A certificate of the car, or its PCID, cannot be read.
        SignatureInvalid, ProvisioningCertificateExpired, ProvisioningCertificateNotYetValid,
        CertificateChainBroken, CertificateChainExpired, CertificateChainNotYetValid: In strict
            mode, with the messages of all that failed.
        ContractOrVehicleNotFound: The car has no contract that it may be given, or (in strict mode)
            none that is valid now.
    """
    request = read_installation_req(installation_req_exi, namespace)
    at = services.clock()
    pcid = None
    try:
        chain = read_chain(request.certificates, "OEM provisioning certificate")
        pcid = _pcid(chain[0])
        _verify(services, installation_req_exi, request, chain, at=at)
        chosen = _choose(services, request, pcid, at=at)
        answers = [
            replace(
                record,
                installation_res_exi=request.answer(
                    record.installation_res_exi,
                    record.unsigned_bits,
                    remaining=len(chosen) - position,
                    at=at,
                ),
            )
            for position, record in enumerate(chosen, start=1)
        ]
    except Exception as error:  # whatever it was, the car waits for an answer
        failure = error if isinstance(error, CcpError) else InternalError()
        if always_return_exi:
            failure.body = installation_failure(
                exi=request.failure(failure, at=at), pcid=pcid, namespace=request.namespace
            )
        pools = services.peers.pools
        if pools and pcid and broadcast and not from_pool and _may_be_elsewhere(failure, request):
            asked = {
                "certificateInstallationReq": base64.b64encode(installation_req_exi).decode(),
                "xsdMsgDefNamespace": request.namespace,
            } | ({} if metadata is None else {"metadata": metadata})
            return _ask(pools, asked, services, request, pcid, failure, at=at)
        measures.now.car(request.namespace, request.response_code(failure))
        raise failure from None if failure is error else error
    measures.now.car(request.namespace, _OK)
    return signed_contract_data_answer(answers), 200


def _may_be_elsewhere(failure: CcpError, request: InstallationRequest) -> bool:
    """Nothing was found here, and the car has room for what others may have."""
    return isinstance(failure, ContractOrVehicleNotFound) and request.most_contracts > 0


async def _ask(
    pools: Pools,
    asked: dict[str, Any],
    services: Services,
    request: InstallationRequest,
    pcid: Pcid,
    not_found: CcpError,
    *,
    at: datetime,
) -> Answer:
    """Answer what a peer pool has for the car, unchanged; or else, that nothing was found here."""

    def judge(answer: dict[str, Any]) -> None:
        items = answer["signedContractDataCollection"]
        emaids = [Emaid.parse(item["emaid"]) for item in items]
        if len(items) > request.most_contracts or len(set(emaids)) < len(items):
            raise AnswerUnfit("it has more contracts than the car wants, or one twice")
        for item, emaid in zip(items, emaids, strict=True):
            if Pcid.parse(item["pcid"]) != pcid:
                raise AnswerUnfit("it is for another car")
            exi = read_base64(item["certificateInstallationRes"])
            namespace = item["xsdMsgDefNamespace"]
            services.refuse(check_foreign_answer(exi, namespace, emaid, request, at=at))

    answer = await pools.ask(asked, judge)
    if answer is None:
        measures.now.car(request.namespace, request.response_code(not_found))
        raise not_found
    measures.now.car(request.namespace, _OK)
    return answer, 200


def _pcid(certificate: Certificate) -> Pcid:
    try:
        return Pcid.parse(certificate.common_name)
    except ValueError:
        raise CertificateUnreadable(
            "The common name of the OEM provisioning certificate is not a PCID."
        ) from None


def _verify(
    services: Services,
    exi: bytes,
    request: InstallationRequest,
    chain: Sequence[Certificate],
    *,
    at: datetime,
) -> None:
    """The car has signed its request with a certificate that is valid and of a trusted OEM."""
    failures: list[CcpError] = []
    leaf = chain[0]
    with collecting(failures):
        verify_message(exi, request.message, leaf.public_key, request.suites)
    if leaf.is_valid_at(at):
        with collecting(failures):
            chains = services.trusted.now.provisioning_chains
            chains.verify(chain, at=at, suites=request.suites)
    elif at > leaf.not_after:
        failures.append(ProvisioningCertificateExpired())
    else:
        failures.append(ProvisioningCertificateNotYetValid())
    services.refuse(failures)


def _choose(
    services: Services, request: InstallationRequest, pcid: Pcid, *, at: datetime
) -> list[SignedContractData]:
    """
    Choose what the car gets, in the order in which it gets it: of each contract one variant.

    What it wants first comes first, then its default, then the newest.
    """
    store = services.store
    find = store.find_default if request.default_only else store.find_by_pcid
    variants = find(pcid, request.namespace)  # the newest first
    valid = [variant for variant in variants if variant.valid_from <= at <= variant.valid_to]
    if not valid:
        if not variants:
            raise ContractOrVehicleNotFound
        log.warning("the car's contracts are outside their validity")
        services.refuse([ContractOrVehicleNotFound()])
        valid = variants
    contracts: dict[Emaid, list[SignedContractData]] = {}
    for variant in valid:
        contracts.setdefault(variant.emaid, []).append(variant)
    wanted = list(dict.fromkeys(_parse(request.prioritized_emaids)))

    def rank(emaid: Emaid) -> tuple[int, bool]:
        place = wanted.index(emaid) if emaid in wanted else len(wanted)
        return place, not contracts[emaid][0].is_default

    chosen = sorted(contracts, key=rank)[: request.most_contracts]
    if not chosen:
        raise ContractOrVehicleNotFound("The car has no room for a contract.")
    return [_variant(contracts[emaid], request.roots) for emaid in chosen]


def _parse(texts: Iterable[str]) -> Iterable[Emaid]:
    """The EMAIDs among what a car says that it wants; nothing else can be stored here."""
    for text in texts:
        try:
            yield Emaid.parse(text)
        except ValueError:
            log.info("the car gives priority to what is no EMAID")


def _variant(
    variants: Sequence[SignedContractData], car_roots: Sequence[RootCertificateID]
) -> SignedContractData:
    """Choose the variant of a root that the car has installed; if there is none, the newest."""
    for variant in variants:
        if any(_is_root_of(variant, root) for root in car_roots):
            return variant
    log.warning("the car lists no V2G root that its contract is signed under; sent the newest")
    return variants[0]


def _is_root_of(variant: SignedContractData, root: RootCertificateID) -> bool:
    """
    Tell by serial number, where ours is known, and by name, which cars write in many ways.

    A long serial number is nobody else's, whatever the name looks like.
    """
    serial_number = variant.v2g_root_serial_number
    if serial_number is not None:
        if serial_number != root.x509_serial_number:
            return False
        if serial_number.bit_length() > 64:
            return True
    return names_agree(root.x509_issuer_name, variant.v2g_root_distinguished_name)
