"""
addSignedContractDataV1: a CPS or eMSP puts a signed contract into the pool.

Source: OPNC CCP API 1.0, AddSignedContractData.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from datetime import datetime

from ccp.errors import CertificateChainBroken, ContractCertificateRevoked, collecting
from ccp.identifiers import Emaid, Pcid
from ccp.messages import contract_failures, read_installation_res, verify_message
from ccp.origin import Origin
from ccp.pki.certificates import Certificate, read_chain, root_name
from ccp.pki.chains import require_cps
from ccp.pki.names import distinguished_name
from ccp.pki.signatures import Suite
from ccp.pki.trust import Root
from ccp.pki.trusted import Trusted
from ccp.services import Services
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
    return _put(services, record, origin)


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
        ResponseCodeNotOk, EmaidMismatch, ContractCertificateExpired,
        ContractCertificateNotYetValid, ContractCertificateRevoked, SignatureInvalid,
        CertificateChainBroken, CertificateChainExpired: In strict mode, with the messages of all
            that failed.
    """
    signed = read_installation_res(installation_res_exi, namespace)
    contract_chain = read_chain(signed.contract_chain, "contract certificate")
    cps_chain = read_chain(signed.cps_chain, "CPS certificate")
    contract, cps = contract_chain[0], cps_chain[0]
    at, trusted = services.clock(), services.trusted.now
    failures = list(contract_failures(signed, contract, emaid, at=at))
    if services.store.is_revoked(contract.der):
        failures.append(ContractCertificateRevoked())
    with collecting(failures):
        verify_message(installation_res_exi, signed.message, cps.public_key, signed.suites)
    root = None
    with collecting(failures):
        root = _verify_cps_chain(trusted, cps_chain, signed.suites, v2g_root_fingerprint, at=at)
    with collecting(failures):
        _verify_contract_chain(trusted, contract_chain, signed.suites, at=at)
    services.refuse(failures)
    return SignedContractData(
        emaid=emaid,
        pcid=pcid,
        namespace=signed.namespace,
        v2g_root_fingerprint=root.fingerprint if root else v2g_root_fingerprint,
        v2g_root_distinguished_name=(
            root.distinguished_name if root else distinguished_name(root_name(cps_chain))
        ),
        v2g_root_serial_number=root.serial_number if root else None,
        installation_res_exi=installation_res_exi,
        contract_certificate_der=contract.der,
        valid_from=contract.not_before,
        valid_to=contract.not_after,
        meta_data=meta_data,
        unsigned_bits=signed.unsigned_bits,
    )


async def _put(services: Services, record: SignedContractData, origin: Origin) -> Answer:
    await asyncio.to_thread(services.store.put, record, origin)
    return None, 201


def _verify_cps_chain(
    trusted: Trusted,
    chain: list[Certificate],
    suites: Sequence[Suite],
    fingerprint: str | None,
    *,
    at: datetime,
) -> Root | None:
    """Find the V2G root that the CPS chain ends in; None where no root is trusted at all."""
    require_cps(chain[0])
    if not trusted.trust.v2g.configured:
        return None
    chains = trusted.cps_chains
    if fingerprint is not None:
        chains_of_root = chains.of_root(fingerprint)
        if chains_of_root is None:
            raise CertificateChainBroken(
                "cpsV2GRootCertificateFingerprint : is not that of a root that this pool trusts"
            )
        chains = chains_of_root
    try:
        verified = chains.verify(chain, at=at, suites=suites)
    except CertificateChainBroken as failure:
        if fingerprint is not None:
            failure.add_messages(["It has to end in the root of cpsV2GRootCertificateFingerprint."])
        raise
    return verified.root if verified else None


def _verify_contract_chain(
    trusted: Trusted, chain: list[Certificate], suites: Sequence[Suite], *, at: datetime
) -> None:
    """It ends in an eMSP's root or in a V2G root; that a leaf has expired has been told already."""
    if chain[0].is_valid_at(at):
        trusted.contract_chains.verify(chain, at=at, suites=suites)
