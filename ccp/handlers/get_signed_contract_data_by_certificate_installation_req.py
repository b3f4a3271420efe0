"""
getSignedContractDataByCertificateInstallationReqV1: a car at a charging station gets its contract.

Source: OPNC CCP API 1.0, GetSignedContractDataByCertificateInstallationReq.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import structlog

from ccp.errors import (
    CcpError,
    CertificateUnreadable,
    ContractOrVehicleNotFound,
    InternalError,
    ProvisioningCertificateExpired,
)
from ccp.identifiers import ISO_15118_2, Pcid
from ccp.iso15118 import (
    CertificateInstallationReq,
    RootCertificateID,
    failure_res,
    with_session_id,
)
from ccp.messages import read_installation_req
from ccp.pki.certificates import read_certificate
from ccp.pki.names import names_agree
from ccp.schemas import installation_failure, signed_contract_data_answer
from ccp.services import Services
from ccp.store import SignedContractData

log = structlog.get_logger()


def handle(
    services: Services,
    *,
    installation_req_exi: bytes,
    namespace: str,
    always_return_exi: bool,
    broadcast: bool,  # without peer pools it is as if false
) -> tuple[dict[str, Any], int]:
    """
    Answer the default contract of the car that asks, with the session id of its request.

    Args:
        always_return_exi: Whether a failure carries a CertificateInstallationRes for the car.
    Raises:
        ExiInvalid, MessageNotSupported: See `read_installation_req`.
        CertificateUnreadable: The provisioning certificate, or its PCID, cannot be read.
        ProvisioningCertificateExpired: In strict mode.
        ContractOrVehicleNotFound: The car has no default contract, or (in strict mode) none that
            is valid now.
    """
    header, req = read_installation_req(installation_req_exi, namespace)
    pcid = None
    try:
        pcid = _identify(services, req)
        record = _choose(services, pcid, req.list_of_root_certificate_ids)
        exi = with_session_id(record.installation_res_exi, header.session_id)
    except Exception as error:  # whatever it was, the car waits for an answer
        failure = error if isinstance(error, CcpError) else InternalError()
        if always_return_exi:
            failure.body = installation_failure(
                exi=failure_res(header.session_id, failure.iso2_code),
                pcid=pcid,
                namespace=ISO_15118_2,
            )
        raise failure from error
    return signed_contract_data_answer([replace(record, installation_res_exi=exi)]), 200


def _identify(services: Services, req: CertificateInstallationReq) -> Pcid:
    """Read the car's PCID from its provisioning certificate, which has to be valid now."""
    name = "OEM provisioning certificate"
    certificate = read_certificate(req.oem_provisioning_cert, name)
    try:
        pcid = Pcid.parse(certificate.common_name)
    except ValueError:
        raise CertificateUnreadable(f"The common name of the {name} is not a PCID.") from None
    if not certificate.is_valid_at(services.clock()):
        services.refuse([ProvisioningCertificateExpired()])
    return pcid


def _choose(
    services: Services, pcid: Pcid, car_roots: Sequence[RootCertificateID]
) -> SignedContractData:
    """Choose one variant of the car's default contract: of a root that the car has installed."""
    variants = services.store.find_default(pcid, ISO_15118_2)
    now = services.clock()
    valid = [variant for variant in variants if variant.valid_from <= now <= variant.valid_to]
    if not valid:
        if not variants:
            raise ContractOrVehicleNotFound
        services.refuse([ContractOrVehicleNotFound()])
        valid = variants
    for variant in valid:
        ours = variant.v2g_root_distinguished_name
        if any(names_agree(root.x509_issuer_name, ours) for root in car_roots):
            return variant
    log.warning("the car lists no V2G root that its contract is signed under; sent the newest")
    return valid[0]
