"""
addSignedContractDataV1: a CPS or eMSP puts a signed contract into the pool.

Source: OPNC CCP API 1.0, AddSignedContractData.
"""

import asyncio
from collections.abc import Awaitable
from concurrent.futures import Future

from ccp.domain.findings import log_findings
from ccp.domain.identifiers import Emaid, Pcid
from ccp.domain.origin import Origin
from ccp.messages import read_installation_res
from ccp.policy.services import Services
from ccp.policy.validation import validate_contract
from ccp.store import SignedContractData

Answer = tuple[None, int]


def handle(
    services: Services,
    *,
    emaid: Emaid,
    pcid: Pcid,
    namespace: str,
    installation_res_exi: bytes,
    v2g_root_fingerprint: str | None = None,
    meta_data: str | None = None,
    origin: Origin,
) -> Awaitable[Answer]:
    """
    Check the message, then store it under EMAID, PCID, namespace and V2G root, or replace it.

    Raises:
        BadRequest: See `checked`.
        EmaidBelongsToOtherPcid: See `Store.put`.
    """
    record = checked(
        services,
        emaid=emaid,
        pcid=pcid,
        namespace=namespace,
        installation_res_exi=installation_res_exi,
        v2g_root_fingerprint=v2g_root_fingerprint,
        meta_data=meta_data,
    )
    return _created(services.store.begin_put(record, origin))


def checked(
    services: Services,
    *,
    emaid: Emaid,
    pcid: Pcid,
    namespace: str,
    installation_res_exi: bytes,
    v2g_root_fingerprint: str | None = None,
    meta_data: str | None = None,
) -> SignedContractData:
    """
    Check a message; return the record that it is to be.

    Raises:
        ExiInvalid, MessageNotSupported: See `read_installation_res`.
        CertificateUnreadable: A certificate that the pool must read is none.
        ResponseCodeNotOk, ContractKeyUnusable, EmaidMismatch, ContractCertificateExpired,
        ContractCertificateNotYetValid, ContractCertificateRevoked, SignatureInvalid,
        CertificateChainBroken, CertificateChainExpired: In strict mode, with the messages of all
            that failed.
    """
    signed = read_installation_res(installation_res_exi, namespace)
    validation = validate_contract(
        services, installation_res_exi, signed, emaid, v2g_root_fingerprint, at=services.clock()
    )
    log_findings(validation.findings)
    services.log_unless_strict(validation.failures)
    return SignedContractData(
        emaid=emaid,
        pcid=pcid,
        namespace=signed.namespace,
        v2g_root_fingerprint=validation.v2g_root_fingerprint,
        v2g_root_distinguished_name=validation.v2g_root_distinguished_name,
        v2g_root_serial_number=validation.v2g_root_serial_number,
        installation_res_exi=installation_res_exi,
        contract_certificate_der=validation.contract.der,
        valid_from=validation.contract.not_before,
        valid_to=validation.contract.not_after,
        meta_data=meta_data,
        unsigned_bits=signed.unsigned_bits,
    )


async def _created(written: Future[None]) -> Answer:
    await asyncio.wrap_future(written)
    return None, 201
