"""
addSignedContractDataV1: a CPS or eMSP puts a signed contract into the pool.

Source: OPNC CCP API 1.0, AddSignedContractData.
"""

from collections.abc import Iterator
from datetime import datetime

from ccp.errors import (
    CcpError,
    ContractCertificateExpired,
    ContractCertificateNotYetValid,
    EmaidMismatch,
    ResponseCodeNotOk,
)
from ccp.identifiers import Emaid, Pcid
from ccp.iso15118 import CertificateInstallationRes
from ccp.messages import read_installation_res
from ccp.pki.certificates import Certificate, read_certificate, read_chain, root_name
from ccp.pki.names import distinguished_name
from ccp.services import Services
from ccp.store import SignedContractData


def handle(
    services: Services,
    *,
    emaid: Emaid,
    pcid: Pcid,
    namespace: str,
    installation_res_exi: bytes,
    v2g_root_fingerprint: str | None = None,
    meta_data: str | None = None,
) -> tuple[None, int]:
    """
    Check the message, then store it under EMAID, PCID, namespace and V2G root, or replace it.

    Raises:
        ExiInvalid, MessageNotSupported: See `read_installation_res`.
        CertificateUnreadable: A certificate that the pool must read is none.
        ResponseCodeNotOk, EmaidMismatch, ContractCertificateExpired,
        ContractCertificateNotYetValid: In strict mode, with the messages of all that failed.
        EmaidBelongsToOtherPcid: See `Store.put`.
    """
    res = read_installation_res(installation_res_exi, namespace)
    contract = read_certificate(
        res.contract_signature_cert_chain.certificate, "contract certificate"
    )
    cps_chain = read_chain(
        res.sa_provisioning_certificate_chain.certificate,
        res.sa_provisioning_certificate_chain.sub_certificates,
        "CPS certificate",
    )
    services.refuse(list(_failures(res, contract, emaid, at=services.clock())))
    services.store.put(
        SignedContractData(
            emaid=emaid,
            pcid=pcid,
            namespace=namespace,
            v2g_root_fingerprint=v2g_root_fingerprint,
            v2g_root_distinguished_name=distinguished_name(root_name(cps_chain)),
            installation_res_exi=installation_res_exi,
            contract_certificate_der=contract.der,
            valid_from=contract.not_before,
            valid_to=contract.not_after,
            meta_data=meta_data,
        )
    )
    return None, 201


def _failures(
    res: CertificateInstallationRes, contract: Certificate, emaid: Emaid, *, at: datetime
) -> Iterator[CcpError]:
    """Tell all that speaks against storing the message, in the order of the contract's steps."""
    if res.response_code != "OK":
        yield ResponseCodeNotOk(f"It is {res.response_code}.")
    if not _names(res.emaid.value, emaid) or not _names(contract.common_name, emaid):
        yield EmaidMismatch()
    if at > contract.not_after:
        yield ContractCertificateExpired()
    if at < contract.not_before:
        yield ContractCertificateNotYetValid()


def _names(text: str, emaid: Emaid) -> bool:
    """Tell whether a message's text is the EMAID, in whichever spelling."""
    try:
        return Emaid.parse(text) == emaid
    except ValueError:
        return False
