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
    collecting,
)
from ccp.identifiers import ISO_15118_2, Pcid
from ccp.iso15118 import (
    Message,
    RootCertificateID,
    iso2_failure,
    with_session_id,
)
from ccp.message_signatures import verify_message
from ccp.messages import read_installation_req
from ccp.pki.certificates import Certificate, read_certificate
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
        SignatureInvalid, ProvisioningCertificateExpired, CertificateChainBroken,
        CertificateChainExpired: In strict mode, with the messages of all that failed.
        ContractOrVehicleNotFound: The car has no default contract, or (in strict mode) none that
            is valid now.
    """
    message, req = read_installation_req(installation_req_exi, namespace)
    session_id = message.header.session_id
    pcid = None
    try:
        certificate = read_certificate(req.oem_provisioning_cert, "OEM provisioning certificate")
        pcid = _pcid(certificate)
        _verify(services, installation_req_exi, message, certificate)
        record = _choose(services, pcid, req.list_of_root_certificate_ids)
        exi = with_session_id(record.installation_res_exi, session_id)
    except Exception as error:  # whatever it was, the car waits for an answer
        failure = error if isinstance(error, CcpError) else InternalError()
        if always_return_exi:
            failure.body = installation_failure(
                exi=iso2_failure(session_id, failure.iso2_code),
                pcid=pcid,
                namespace=ISO_15118_2,
            )
        raise failure from None if failure is error else error
    return signed_contract_data_answer([replace(record, installation_res_exi=exi)]), 200


def _pcid(certificate: Certificate) -> Pcid:
    try:
        return Pcid.parse(certificate.common_name)
    except ValueError:
        raise CertificateUnreadable(
            "The common name of the OEM provisioning certificate is not a PCID."
        ) from None


def _verify(services: Services, exi: bytes, message: Message, certificate: Certificate) -> None:
    """The car has signed its request with a certificate that is valid and of a trusted OEM."""
    failures: list[CcpError] = []
    with collecting(failures):
        verify_message(exi, message, certificate.public_key)
    at = services.clock()
    if certificate.is_valid_at(at):
        with collecting(failures):
            services.provisioning_chains.verify(certificate, at=at)
    else:
        failures.append(ProvisioningCertificateExpired())
    services.refuse(failures)


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
        log.warning("the car's default contract is outside its validity")
        services.refuse([ContractOrVehicleNotFound()])
        valid = variants
    for variant in valid:
        if any(_is_root_of(variant, root) for root in car_roots):
            return variant
    log.warning("the car lists no V2G root that its contract is signed under; sent the newest")
    return valid[0]


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
